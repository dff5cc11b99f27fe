// The callback of sync.Map.Range may load, store and delete, in deferred calls too. No lock is held
// over it and nothing hangs.
//
//lab:group sync.Map
package main

import (
	"fmt"
	"sync"
)

func main() {
	var m sync.Map
	for i := 0; i < 10; i++ {
		m.Store(i, i)
	}
	n := 0
	func() {
		defer func() {
			_, ok := m.Load(3)
			m.Store("after", 1)
			fmt.Println("deferred load and store after the loop, 3 found:", ok)
		}()
		m.Range(func(k, v any) bool {
			defer func() {
				m.Load(k)
				m.Store(fmt.Sprint("n", k), v)
				m.Delete(k)
				n++
			}()
			return n < 1000
		})
	}()
	fmt.Println("no hang, callbacks:", n >= 10)
}
