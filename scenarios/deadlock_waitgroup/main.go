// Wait for a counter that nobody brings to zero blocks for ever. With no other goroutine the
// runtime ends the program.
//
//lab:group blocked for ever
package main

import "sync"

func main() {
	var wg sync.WaitGroup
	wg.Add(1)
	wg.Wait()
}
