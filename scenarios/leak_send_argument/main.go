// A goroutine blocks for ever sending a value that was passed to it as an argument. The channel is
// captured, the value is not.
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
	func(result int) {
		c := make(chan int)
		go func(result int) { c <- result }(result)
	}(len(os.Args))
	time.Sleep(20 * time.Millisecond)
	fmt.Println("goroutines left:", runtime.NumGoroutine()-1)
	if profile := pprof.Lookup("goroutineleak"); profile != nil {
		profile.WriteTo(os.Stdout, 1)
	}
}
