// A deferred closure that writes a map set to nil before the exit panics. It panics when it runs,
// at the end of the function.
//
//lab:group deferred
package main

import "fmt"

func main() {
	m := map[string]int{"a": 1}
	fmt.Println("at registration")
	defer func() { m["b"] = 2 }()
	fmt.Println("at body")
	m = nil
	fmt.Println("at exit")
}
