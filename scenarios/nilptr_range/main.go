// A loop over a map behind a nil pointer panics with a nil pointer dereference. A loop over a nil
// map would not.
//
//lab:group nil pointer
package main

import "fmt"

func main() {
	var pm *map[string]int
	for k := range *pm {
		fmt.Println("never", k)
	}
}
