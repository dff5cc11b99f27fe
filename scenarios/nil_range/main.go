// A loop over a nil map runs no iteration. Nothing panics.
//
//lab:group nil map
package main

import "fmt"

func main() {
	var m map[string]int
	for k := range m {
		fmt.Println("never", k)
	}
	fmt.Println("done")
}
