// A deferred delete takes its key and its map when it is registered. The entry of the new key stays, and so
// does everything in the new map.
//
//lab:group deferred
package main

import "fmt"

func key(used map[string]bool) {
	id := "old"
	defer delete(used, id)
	id = "new"
	used[id] = true
}

func replaced() map[string]bool {
	used := map[string]bool{}
	defer delete(used, "a")
	used = map[string]bool{"a": true}
	return used
}

func main() {
	used := map[string]bool{}
	key(used)
	fmt.Println("new key:", used)
	fmt.Println("new map:", replaced())
}
