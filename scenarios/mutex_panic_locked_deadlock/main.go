// A panic between Lock and Unlock without defer leaves the lock taken when it is recovered. The
// next Lock blocks for ever.
//
//lab:group panic and recover
package main

import "sync"

func main() {
	var mu sync.Mutex
	var m map[string]int
	func() {
		defer func() { recover() }()
		mu.Lock()
		m["a"] = 1
		mu.Unlock()
	}()
	mu.Lock()
}
