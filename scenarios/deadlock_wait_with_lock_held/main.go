// A function waits for a goroutine while it holds the lock that the goroutine needs first. Neither goes on, and with
// no other goroutine the runtime ends the program.
//
//lab:group blocked for ever
package main

import "sync"

func main() {
	var mu sync.Mutex
	var wg sync.WaitGroup
	count := 0
	mu.Lock()
	defer mu.Unlock()
	wg.Add(1)
	go func() {
		defer wg.Done()
		mu.Lock()
		defer mu.Unlock()
		count++
	}()
	wg.Wait()
}
