// A panic in a deferred call during another panic replaces it. When nobody recovers, both are
// printed.
//
//lab:group panic and recover
package main

import "fmt"

func main() {
	defer func() { panic("second") }()
	fmt.Println("at exit")
	panic("first")
}
