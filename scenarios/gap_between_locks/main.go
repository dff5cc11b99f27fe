// An element is read and set under the lock, but in two sections. What was set in between is lost.
//
//lab:group goroutines, timers and contexts
package main

import (
	"fmt"
	"sync"
)

type table struct {
	mu   sync.Mutex
	rows map[string]int
}

func (t *table) increase(key string, between func()) {
	t.mu.Lock()
	n := t.rows[key]
	t.mu.Unlock()
	between()
	t.mu.Lock()
	t.rows[key] = n + 1
	t.mu.Unlock()
}

func main() {
	t := &table{rows: map[string]int{}}
	t.increase("a", func() {
		done := make(chan bool)
		go func() {
			t.increase("a", func() {})
			close(done)
		}()
		<-done
	})
	fmt.Println("two increments give", t.rows["a"])
}
