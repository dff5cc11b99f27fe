// A send on a channel that a deferred call has closed panics in the goroutine that sends. A recover in
// another function does not stop it.
//
//lab:group panic and recover
package main

import (
	"fmt"
	"time"
)

func first() {
	results := make(chan int, 1)
	defer close(results)
	go func() {
		time.Sleep(10 * time.Millisecond)
		results <- 1
	}()
}

func main() {
	defer func() { fmt.Println("recovered", recover()) }()
	first()
	time.Sleep(time.Second)
}
