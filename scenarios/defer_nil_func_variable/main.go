// A function variable that is nil is deferred and set afterwards. The deferred call has the nil, and panics
// when the function is over.
//
//lab:group deferred
package main

import "fmt"

func main() {
	var cleanup func()
	fmt.Println("at registration")
	defer cleanup()
	cleanup = func() { fmt.Println("cleaned up") }
	fmt.Println("at body")
	fmt.Println("at exit")
}
