// recover outside of a deferred call returns nil. It does not arm anything for later.
//
//lab:group panic and recover
package main

import "fmt"

func main() {
	fmt.Println("recover:", recover())
	panic("p")
}
