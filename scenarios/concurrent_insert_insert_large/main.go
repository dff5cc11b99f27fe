// Two goroutines insert different keys, in a map of 100000 entries. When the runtime notices, it
// ends the process with a fatal error that no recover stops.
//
//lab:group concurrent
//lab:concurrent
//lab:args 1 1000 100000
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
)

func main() {
	m := make(map[int]int)
	for i := 0; i < size; i++ {
		m[i] = i
	}
	n := operations()
	var ready atomic.Int32
	var wg sync.WaitGroup
	start := func(work func()) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			ready.Add(1)
			for ready.Load() < 2 {
				runtime.Gosched()
			}
			work()
		}()
	}
	start(func() {
		for i := 0; i < n; i++ {
			m[1<<30+i] = i
		}
	})
	start(func() {
		for i := 0; i < n; i++ {
			m[1<<29+i] = i
		}
	})
	wg.Wait()
	fmt.Println("not noticed")
}

const size = 100000

// operations is how often each goroutine uses the map.
func operations() int {
	if len(os.Args) > 1 {
		if n, err := strconv.Atoi(os.Args[1]); err == nil {
			return n
		}
	}
	return 100000
}
