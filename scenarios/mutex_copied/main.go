// A method with a value receiver locks a copy of the mutex. The original is free meanwhile, and a copy of a
// mutex that was locked stays locked.
//
//lab:group panic and recover
package main

import (
	"fmt"
	"sync"
)

type counter struct{ mu sync.Mutex }

func (c counter) locked(original *counter) {
	fmt.Println("the copy can be locked:", c.mu.TryLock())
	fmt.Println("the original can be locked:", original.mu.TryLock())
}

func main() {
	free := new(counter)
	free.locked(free)
	taken := new(counter)
	taken.mu.Lock()
	taken.locked(taken)
	var original sync.Map
	copied := original
	copied.Store("key", 1)
	_, found := original.Load("key")
	fmt.Println("what is stored in a copy is in the original:", found)
}
