// A deferred closure that writes a map replaced before the exit writes the new one. The old one,
// which others may hold, does not get the entry.
//
//lab:group deferred
package main

import "fmt"

func main() {
	m := map[string]int{}
	old := m
	defer func() {
		m["b"] = 2
		fmt.Println("old", len(old), "new", len(m))
	}()
	m = map[string]int{}
	fmt.Println("at exit")
}
