// A goroutine calls Add on the WaitGroup that should wait for it. Wait is called first, finds a counter of
// zero and returns.
//
//lab:group goroutines, timers and contexts
package main

import (
	"fmt"
	"runtime"
	"sync"
	"time"
)

func main() {
	// One processor makes the usual order the only one.
	runtime.GOMAXPROCS(1)
	var group sync.WaitGroup
	go func() {
		group.Add(1)
		defer group.Done()
		fmt.Println("the goroutine begins")
	}()
	group.Wait()
	fmt.Println("Wait has returned")
	time.Sleep(20 * time.Millisecond)
}
