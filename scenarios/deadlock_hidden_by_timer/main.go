// A goroutine that sleeps hides a deadlock of the others. The runtime says nothing until nobody can
// go on.
//
//lab:group blocked for ever
package main

import (
	"fmt"
	"time"
)

func main() {
	c := make(chan int)
	go func() {
		time.Sleep(200 * time.Millisecond)
		fmt.Println("still alive after 200 ms")
	}()
	<-c
}
