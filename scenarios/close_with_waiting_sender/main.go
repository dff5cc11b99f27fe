// A goroutine that waits with its send panics when another one closes the channel, here in a deferred
// call. So does one that comes to its send later.
//
//lab:group panic and recover
package main

import (
	"fmt"
	"time"
)

func leave(results chan string) {
	defer close(results)
	go func() { results <- "done" }()
	time.Sleep(50 * time.Millisecond)
}

func main() {
	leave(make(chan string))
	time.Sleep(time.Second)
	fmt.Println("not reached")
}
