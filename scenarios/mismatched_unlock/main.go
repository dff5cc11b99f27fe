// A mutex that is locked for reading is given back with Unlock. It is a fatal error.
//
//lab:group panic and recover
package main

import "sync"

func main() {
	var mu sync.RWMutex
	mu.RLock()
	mu.Unlock()
}
