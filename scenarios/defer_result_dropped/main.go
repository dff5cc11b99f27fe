// A deferred call whose result is a function runs at the end, and the function is dropped. With a second pair
// of parentheses the call runs at once and its result at the end.
//
//lab:group deferred
package main

import "fmt"

func start(name string) func() {
	fmt.Println("start", name)
	return func() { fmt.Println("stop", name) }
}

func main() {
	defer start("without")
	defer start("with")()
	fmt.Println("body")
}
