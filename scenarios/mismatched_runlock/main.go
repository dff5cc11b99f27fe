// A mutex that is locked for writing is given back with RUnlock. It is a fatal error.
//
//lab:group panic and recover
package main

import "sync"

func main() {
	var mu sync.RWMutex
	mu.Lock()
	mu.RUnlock()
}
