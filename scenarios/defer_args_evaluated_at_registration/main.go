// The arguments of a deferred call are evaluated at the defer statement. A map passed as an
// argument is the map of that moment, with the entries of the exit.
//
//lab:group deferred
package main

import "fmt"

func main() {
	m := map[string]int{"a": 1}
	defer fmt.Println("deferred argument m[a]:", m["a"])
	defer func(mm map[string]int) { fmt.Println("deferred map argument:", mm["a"], mm == nil) }(m)
	m["a"] = 99
	m = nil
	fmt.Println("at exit")
}
