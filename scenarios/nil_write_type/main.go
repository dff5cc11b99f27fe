// The value of the panic is a runtime.Error, so that it is an error too. Its type is not exported.
//
//lab:group nil map
package main

import (
	"fmt"
	"runtime"
)

func main() {
	defer func() {
		r := recover()
		_, isRuntime := r.(runtime.Error)
		err, isError := r.(error)
		fmt.Printf("%T runtime.Error=%v error=%v %q\n", r, isRuntime, isError, err)
	}()
	var m map[string]int
	m["a"] = 1
}
