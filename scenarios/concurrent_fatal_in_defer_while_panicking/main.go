// A deferred call that runs during a panic meets a concurrent write. Whether the original panic is
// printed depends on which goroutine notices.
//
//lab:group concurrent
//lab:concurrent
package main

import "fmt"

func main() {
	m := map[int]int{}
	stop := make(chan int)
	go func() {
		for {
			select {
			case <-stop:
				return
			default:
				for i := 0; i < 1000; i++ {
					m[i] = i
				}
			}
		}
	}()
	defer func() { fmt.Println("outer recover:", recover()) }()
	defer func() {
		for i := 0; i < 100000000; i++ {
			m[i&1023] = i
		}
		close(stop)
	}()
	panic("original bug")
}
