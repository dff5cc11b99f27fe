// A goroutine blocks for ever in Lock of a mutex inside a struct that nobody else has. The lock was
// never released.
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
		s := &guarded{names: make(map[string]int)}
		s.mu.Lock()
		go func() {
			s.mu.Lock()
			s.names["a"] = 1
		}()
	}()
	time.Sleep(20 * time.Millisecond)
	fmt.Println("goroutines left:", runtime.NumGoroutine()-1)
	if profile := pprof.Lookup("goroutineleak"); profile != nil {
		profile.WriteTo(os.Stdout, 1)
	}
}

type guarded struct {
	mu    sync.Mutex
	names map[string]int
}
