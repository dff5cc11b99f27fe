// Two goroutines read the same map. Nothing is wrong with that, and nothing is reported.
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
			sum += m[i%size]
		}
		sinks[0] = sum
	})
	start(func() {
		sum := 0
		for i := 0; i < n; i++ {
			sum += m[i%size]
		}
		sinks[1] = sum
	})
	wg.Wait()
	fmt.Println("not noticed")
}

const size = 8

var sinks [2]int

// operations is how often each goroutine uses the map.
func operations() int {
	if len(os.Args) > 1 {
		if n, err := strconv.Atoi(os.Args[1]); err == nil {
			return n
		}
	}
	return 100000
}
