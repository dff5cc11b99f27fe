// A goroutine loops over the channel of a ticker that is then stopped. Stop does not close the channel,
// so the loop waits for ever.
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
		ticker := time.NewTicker(time.Millisecond)
		go func() {
			for range ticker.C {
			}
			fmt.Println("the loop has ended")
		}()
		time.Sleep(5 * time.Millisecond)
		ticker.Stop()
	}()
	time.Sleep(20 * time.Millisecond)
	fmt.Println("goroutines left:", runtime.NumGoroutine()-1)
	if profile := pprof.Lookup("goroutineleak"); profile != nil {
		profile.WriteTo(os.Stdout, 1)
	}
}
