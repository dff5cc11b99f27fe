// A goroutine blocks for ever in Wait of a WaitGroup whose counter nobody brings to zero. One Done
// is missing.
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
		wg := new(sync.WaitGroup)
		wg.Add(2)
		go wg.Done()
		go wg.Wait()
	}()
	time.Sleep(20 * time.Millisecond)
	fmt.Println("goroutines left:", runtime.NumGoroutine()-1)
	if profile := pprof.Lookup("goroutineleak"); profile != nil {
		profile.WriteTo(os.Stdout, 1)
	}
}
