// Clearing a nil map does nothing. Nothing panics.
//
//lab:group nil map
package main

import "fmt"

func main() {
	var m map[string]int
	clear(m)
	fmt.Println("done")
}
