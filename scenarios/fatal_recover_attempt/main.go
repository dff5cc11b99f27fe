// A deferred recover in the goroutine that the runtime caught does not stop a fatal error. Deferred
// calls do not run at all.
//
//lab:group concurrent
//lab:concurrent
package main

import "fmt"

func main() {
	m := map[int]int{}
	go func() {
		for {
			m[1] = 1
		}
	}()
	defer func() { fmt.Println("recover:", recover()) }()
	for i := 0; i < 100000000; i++ {
		m[1] = 2
	}
}
