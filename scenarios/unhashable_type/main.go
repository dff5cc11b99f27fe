// The value of the panic over an unhashable key is a runtime.Error. It can be told from others by
// its text only.
//
//lab:group unhashable key
package main

import (
	"fmt"
	"runtime"
)

func main() {
	defer func() {
		r := recover()
		_, isRuntime := r.(runtime.Error)
		fmt.Printf("%T runtime.Error=%v %q\n", r, isRuntime, r)
	}()
	m := map[any]int{}
	m[[]int{}] = 1
}
