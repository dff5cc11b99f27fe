// Deleting from a nil map does nothing. Nothing panics, as long as the key can be hashed.
//
//lab:group nil map
package main

import "fmt"

func main() {
	var m map[string]int
	delete(m, "a")
	fmt.Println("done")
}
