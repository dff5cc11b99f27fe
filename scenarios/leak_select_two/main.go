// A goroutine blocks for ever in a select over two channels that nobody else has. Neither will ever
// be ready.
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
		a, b := make(chan int), make(chan int)
		go func() {
			select {
			case <-a:
			case b <- 1:
			}
		}()
	}()
	time.Sleep(20 * time.Millisecond)
	fmt.Println("goroutines left:", runtime.NumGoroutine()-1)
	if profile := pprof.Lookup("goroutineleak"); profile != nil {
		profile.WriteTo(os.Stdout, 1)
	}
}
