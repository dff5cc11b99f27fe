// A wrapped error that is panicked with comes out of recover whole. errors.Is finds what it wraps.
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
		fmt.Println(ok, errors.Is(err, io.EOF))
	}()
	panic(fmt.Errorf("outer: %w", io.EOF))
}
