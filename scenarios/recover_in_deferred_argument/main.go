// The arguments of a deferred call are evaluated at the defer statement. A recover in them returns nil, and
// the panic goes on; in a function that sync.Once calls it does, too.
//
//lab:group panic and recover
package main

import (
	"fmt"
	"sync"
)

func argument() {
	defer fmt.Println("argument:", recover())
	panic("first")
}

func once() {
	defer func() {
		var once sync.Once
		once.Do(func() { fmt.Println("once:", recover()) })
	}()
	panic("second")
}

func try(f func()) {
	defer func() { fmt.Println("still panicking:", recover()) }()
	f()
}

func main() {
	try(argument)
	try(once)
}
