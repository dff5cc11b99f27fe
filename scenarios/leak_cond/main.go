// A goroutine blocks for ever in Wait of a condition that nobody signals. Nobody else has it.
//
//lab:group goroutine leak
//lab:leak-profile
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"
)

func main() {
	func() {
		cond := sync.NewCond(new(sync.Mutex))
		go func() {
			cond.L.Lock()
			cond.Wait()
		}()
	}()
	time.Sleep(20 * time.Millisecond)
	fmt.Println("goroutines left:", runtime.NumGoroutine()-1)
	if profile := pprof.Lookup("goroutineleak"); profile != nil {
		profile.WriteTo(os.Stdout, 1)
	}
}
