// runtime.Goexit runs the deferred calls of its goroutine. recover returns nil in them.
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
		defer func() { fmt.Println("recover in Goexit:", recover()) }()
		runtime.Goexit()
	}()
	<-done
	fmt.Println("done")
}
