// Two goroutines increment a variable that they capture. The runtime notices nothing; the race detector does.
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
	n := 100000
	if len(os.Args) > 1 {
		if given, err := strconv.Atoi(os.Args[1]); err == nil {
			n = given
		}
	}
	count := 0
	var group sync.WaitGroup
	for range 2 {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := 0; i < n; i++ {
				count++
			}
		}()
	}
	group.Wait()
	fmt.Println("not noticed")
}
