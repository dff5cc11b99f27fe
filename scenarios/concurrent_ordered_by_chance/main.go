// Two goroutines write the same map without a common lock, but an unrelated critical section orders
// them in most runs. The race detector takes that order for a guarantee and is silent.
//
//lab:group concurrent
//lab:concurrent
package main

import (
	"fmt"
	"sync"
	"time"
)

func main() {
	m := make(map[int]int)
	var mu sync.Mutex
	var wg sync.WaitGroup
	wg.Add(2)
	go func() {
		defer wg.Done()
		for i := 0; i < 20; i++ {
			m[i%8] = i
			mu.Lock()
			sink++
			mu.Unlock()
		}
	}()
	go func() {
		defer wg.Done()
		time.Sleep(2 * time.Millisecond)
		mu.Lock()
		sink++
		mu.Unlock()
		for i := 0; i < 20; i++ {
			m[i%8] = i
		}
	}()
	wg.Wait()
	fmt.Println("not noticed")
}

var sink int
