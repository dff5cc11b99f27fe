// With defer mu.Unlock() a recovered panic leaves the lock free. The next Lock succeeds.
//
//lab:group panic and recover
package main

import (
	"fmt"
	"sync"
)

func main() {
	var mu sync.Mutex
	var m map[string]int
	func() {
		defer func() { recover() }()
		mu.Lock()
		defer mu.Unlock()
		m["a"] = 1
	}()
	mu.Lock()
	fmt.Println("locked again")
}
