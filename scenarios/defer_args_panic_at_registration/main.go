// An argument of a deferred call that panics does so at the defer statement. The call is then never
// registered.
//
//lab:group deferred
package main

import "fmt"

func main() {
	var pm *map[string]int
	fmt.Println("at registration")
	defer fmt.Println("never", (*pm)["a"])
	fmt.Println("at body")
}
