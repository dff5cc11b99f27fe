// Lock while the same goroutine holds RLock blocks for ever. With no other goroutine the runtime
// ends the program.
//
//lab:group blocked for ever
package main

import "sync"

func main() {
	var mu sync.RWMutex
	mu.RLock()
	mu.Lock()
}
