// A recovered error that is panicked again as a string loses its identity. errors.Is finds the
// cause before, and not after.
//
//lab:group panic and recover
package main

import (
	"errors"
	"fmt"
	"io"
)

func main() {
	defer func() {
		err, ok := recover().(error)
		fmt.Println("after: is an error", ok, "errors.Is", errors.Is(err, io.EOF))
	}()
	defer func() {
		r := recover()
		err, _ := r.(error)
		fmt.Println("before: errors.Is", errors.Is(err, io.EOF))
		panic(fmt.Sprint(r))
	}()
	panic(fmt.Errorf("reading: %w", io.EOF))
}
