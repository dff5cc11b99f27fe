// A deferred function panics while the function returns an error. The caller gets the panic, and the error is
// lost.
//
//lab:group panic and recover
package main

import (
	"errors"
	"fmt"
)

func write() (err error) {
	defer func() {
		if err := errors.New("close failed"); err != nil {
			panic(err)
		}
	}()
	return errors.New("disk full")
}

func main() {
	defer func() { fmt.Println("recovered:", recover()) }()
	fmt.Println("returned:", write())
}
