// len of a map behind a nil pointer panics with a nil pointer dereference. len of a nil map would
// be 0.
//
//lab:group nil pointer
package main

import "fmt"

func main() {
	var pm *map[string]int
	fmt.Println(len(*pm))
}
