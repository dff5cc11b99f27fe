// A goroutine ends by runtime.Goexit before it comes to Done. Wait waits for ever; a deferred Done runs.
//
//lab:group blocked for ever
package main

import (
	"fmt"
	"runtime"
	"sync"
)

func main() {
	var deferred, last sync.WaitGroup
	deferred.Add(1)
	go func() {
		defer deferred.Done()
		runtime.Goexit()
	}()
	deferred.Wait()
	fmt.Println("deferred: Wait has returned")
	last.Add(1)
	go func() {
		runtime.Goexit()
		last.Done()
	}()
	last.Wait()
}
