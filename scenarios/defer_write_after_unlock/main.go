// A write deferred before defer mu.Unlock() runs after the unlock, because deferred calls run in
// reverse order. Two such functions race although both lock.
//
//lab:group lock order of defers
//lab:concurrent
//lab:args 1 1000 100000
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
)

func main() {
	var mu sync.Mutex
	var wg sync.WaitGroup
	m := map[int]int{}
	operations := operations()
	for g := 0; g < 2; g++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := 0; i < operations; i++ {
				func() {
					mu.Lock()
					defer func() { m[i%8] = i }()
					defer mu.Unlock()
				}()
			}
		}()
	}
	wg.Wait()
	fmt.Println("not noticed")
}

// operations is how often each goroutine uses the map.
func operations() int {
	if len(os.Args) > 1 {
		if n, err := strconv.Atoi(os.Args[1]); err == nil {
			return n
		}
	}
	return 100000
}
