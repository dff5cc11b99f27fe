// A helper that calls recover does nothing when the deferred closure calls it. It has to be
// deferred itself.
//
//lab:group panic and recover
package main

import "fmt"

func main() {
	defer func() { helperRecover() }()
	panic("p")
}

func helperRecover() { fmt.Println("helper recover:", recover()) }
