// One goroutine loops over the map while another overwrites existing keys, in a map of 100000
// entries. When the runtime notices, it ends the process with a fatal error that no recover stops.
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
		sum := 0
		for i := 0; i < n; i++ {
			seen := 0
			for k := range m {
				sum += k
				if seen++; seen == 100 {
					break
				}
			}
		}
		sink = sum
	})
	start(func() {
		for i := 0; i < n; i++ {
			m[i%size] = i
		}
	})
	wg.Wait()
	fmt.Println("not noticed")
}

const size = 100000

var sink int

// operations is how often each goroutine uses the map.
func operations() int {
	if len(os.Args) > 1 {
		if n, err := strconv.Atoi(os.Args[1]); err == nil {
			return n
		}
	}
	return 100000
}
