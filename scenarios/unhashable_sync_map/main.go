// sync.Map panics as a plain map does when the key is a slice. Its keys are interfaces, so the
// compiler lets it pass.
//
//lab:group unhashable key
package main

import "sync"

func main() {
	var m sync.Map
	m.Store([]int{1}, 1)
}
