// A second Lock by the same goroutine blocks for ever: Go's locks are not recursive. With no other
// goroutine the runtime ends the program.
//
//lab:group blocked for ever
package main

import "sync"

func main() {
	var mu sync.Mutex
	mu.Lock()
	mu.Lock()
}
