// A goroutine blocks for ever receiving from a channel that nobody else has. Nobody closed it.
//
//lab:group goroutine leak
//lab:leak-profile
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"time"
)

func main() {
	func() {
		c := make(chan int)
		go func() { <-c }()
	}()
	time.Sleep(20 * time.Millisecond)
	fmt.Println("goroutines left:", runtime.NumGoroutine()-1)
	if profile := pprof.Lookup("goroutineleak"); profile != nil {
		profile.WriteTo(os.Stdout, 1)
	}
}
