// A deferred closure sees the map that the variable holds when the function ends. A map replaced
// meanwhile is the one that is read.
//
//lab:group deferred
package main

import "fmt"

func main() {
	m := map[string]int{"a": 1}
	defer func() { fmt.Println("deferred read", m["a"]) }()
	m = map[string]int{"a": 2}
	fmt.Println("at exit")
}
