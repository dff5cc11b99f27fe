// A constant key that comes twice in a map literal does not compile. Keys computed at run time may
// repeat.
//
//lab:group rejected by the compiler
package main

import "fmt"

func main() {
	m := map[string]int{"a": 1, "a": 2}
	fmt.Println(m)
}
