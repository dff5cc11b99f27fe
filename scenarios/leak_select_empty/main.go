// A goroutine blocks for ever in select without a case. Some programs do that on purpose.
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
	go func() { select {} }()
	time.Sleep(20 * time.Millisecond)
	fmt.Println("goroutines left:", runtime.NumGoroutine()-1)
	if profile := pprof.Lookup("goroutineleak"); profile != nil {
		profile.WriteTo(os.Stdout, 1)
	}
}
