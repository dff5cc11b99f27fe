// A goroutine reads a map in a deferred call while another writes it. The deferred read races as
// any other does.
//
//lab:group concurrent
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
	m := map[int]int{}
	n := operations()
	var wg sync.WaitGroup
	wg.Add(2)
	go func() {
		defer wg.Done()
		for i := 0; i < n; i++ {
			func() {
				defer func() { sink += m[i%8] }()
			}()
		}
	}()
	go func() {
		defer wg.Done()
		for i := 0; i < n; i++ {
			m[i%8] = i
		}
	}()
	wg.Wait()
	fmt.Println("not noticed")
}

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
