// Each turn of a loop starts a goroutine that waits for a channel from outside of the loop. They are all
// there after the last turn, until the channel is closed.
//
//lab:group goroutines, timers and contexts
package main

import (
	"context"
	"fmt"
	"runtime"
	"time"
)

func main() {
	stop := make(chan struct{})
	for range 5 {
		_, cancel := context.WithCancel(context.Background())
		go func() {
			<-stop
			cancel()
		}()
		cancel()
	}
	time.Sleep(20 * time.Millisecond)
	fmt.Println("goroutines left:", runtime.NumGoroutine()-1)
	close(stop)
	time.Sleep(20 * time.Millisecond)
	fmt.Println("after close:", runtime.NumGoroutine()-1)
}
