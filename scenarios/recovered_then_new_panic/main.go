// A new panic after a recover in the same deferred call is printed below the old one. The old one
// is marked as recovered.
//
//lab:group panic and recover
package main

import "fmt"

func main() {
	defer func() {
		recover()
		panic("new after recover")
	}()
	fmt.Println("at exit")
	panic("first")
}
