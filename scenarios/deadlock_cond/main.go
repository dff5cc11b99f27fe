// Wait on a condition that nobody signals blocks for ever. With no other goroutine the runtime ends
// the program.
//
//lab:group blocked for ever
package main

import "sync"

func main() {
	var mu sync.Mutex
	cond := sync.NewCond(&mu)
	mu.Lock()
	cond.Wait()
}
