// A function sends in a loop while it holds a lock that the receiver takes between two receives. The second send and
// the receiver wait for each other, and with no other goroutine the runtime ends the program.
//
//lab:group blocked for ever
package main

import "sync"

func main() {
	var mu sync.Mutex
	sum := 0
	values := make(chan int)
	go func() {
		for value := range values {
			mu.Lock()
			sum += value
			mu.Unlock()
		}
	}()
	mu.Lock()
	for value := range 10 {
		values <- value
	}
	mu.Unlock()
}
