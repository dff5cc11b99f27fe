// Two workers return early from their loop over a channel while a producer still sends. The producer
// blocks for ever at the next value.
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
		queue := make(chan int)
		for range 2 {
			go func() {
				for range queue {
					return
				}
			}()
		}
		go func() {
			for i := range 10 {
				queue <- i
			}
			close(queue)
		}()
	}()
	time.Sleep(20 * time.Millisecond)
	fmt.Println("goroutines left:", runtime.NumGoroutine()-1)
	if profile := pprof.Lookup("goroutineleak"); profile != nil {
		profile.WriteTo(os.Stdout, 1)
	}
}
