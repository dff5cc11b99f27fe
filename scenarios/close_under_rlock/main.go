// Two goroutines hold the read lock at the same time. Both find the channel open, and the second close panics.
//
//lab:group panic and recover
package main

import (
	"fmt"
	"sync"
)

type feed struct {
	mu     sync.RWMutex
	closed bool
	done   chan bool
}

func (f *feed) close(tested *sync.WaitGroup) {
	defer func() {
		if value := recover(); value != nil {
			fmt.Println("recovered:", value)
		}
	}()
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.closed {
		return
	}
	// Both have read the field before one of them sets it.
	tested.Done()
	tested.Wait()
	closing.Lock()
	defer closing.Unlock()
	f.closed = true
	close(f.done)
}

// Only so that the two do not set the field at the same instant.
var closing sync.Mutex

func main() {
	f := &feed{done: make(chan bool)}
	var tested, both sync.WaitGroup
	tested.Add(2)
	for range 2 {
		both.Go(func() { f.close(&tested) })
	}
	both.Wait()
}
