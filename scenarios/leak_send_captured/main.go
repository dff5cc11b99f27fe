// A goroutine blocks for ever sending a value that its closure captured. It is the commonest leak
// of all: a result that nobody waits for any more.
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
		go func() { c <- result }()
	}(len(os.Args))
	time.Sleep(20 * time.Millisecond)
	fmt.Println("goroutines left:", runtime.NumGoroutine()-1)
	if profile := pprof.Lookup("goroutineleak"); profile != nil {
		profile.WriteTo(os.Stdout, 1)
	}
}
