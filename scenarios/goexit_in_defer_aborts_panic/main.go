// runtime.Goexit in a deferred call swallows a panic. The process goes on and nothing is printed.
//
//lab:group Goexit
package main

import (
	"fmt"
	"runtime"
)

func main() {
	done := make(chan int)
	go func() {
		defer close(done)
		defer runtime.Goexit()
		panic("swallowed")
	}()
	<-done
	fmt.Println("the panic is gone")
}
