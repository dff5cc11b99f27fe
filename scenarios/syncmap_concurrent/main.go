// Two goroutines store, load, delete and range over one sync.Map. Nothing is reported.
//
//lab:group sync.Map
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
	var m sync.Map
	n := operations()
	var wg sync.WaitGroup
	for g := 0; g < 2; g++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := 0; i < n; i++ {
				m.Store(i%8, i)
				m.Load(i % 8)
				if i%100 == 0 {
					m.Range(func(k, v any) bool { m.Delete(k); return true })
				}
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
