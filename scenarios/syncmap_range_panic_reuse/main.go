// A panic in the callback of sync.Map.Range leaves the map usable. No lock is left behind.
//
//lab:group sync.Map
package main

import (
	"fmt"
	"sync"
)

func main() {
	var m sync.Map
	m.Store(1, 1)
	func() {
		defer func() { recover() }()
		m.Range(func(k, v any) bool { panic("x") })
	}()
	m.Store(2, 2)
	n := 0
	m.Range(func(k, v any) bool { n++; return true })
	fmt.Println("no hang, entries:", n)
}
