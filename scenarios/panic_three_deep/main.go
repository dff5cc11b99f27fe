// Each deferred call panics during the panic of the one before. When nobody recovers, all three are
// printed; a recover gets the last.
//
//lab:group panic and recover
package main

import "fmt"

func main() {
	defer func() { panic("third") }()
	defer func() { panic("second") }()
	fmt.Println("at exit")
	panic("first")
}
