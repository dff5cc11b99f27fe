// defer m[k]() with a missing key registers a nil function. It panics when it runs, not when it is
// registered.
//
//lab:group deferred
package main

import "fmt"

func main() {
	m := map[string]func(){}
	fmt.Println("at registration")
	defer m["cleanup"]()
	fmt.Println("at body")
	fmt.Println("at exit")
}
