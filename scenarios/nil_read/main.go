// Reading a nil map gives the zero value. The comma-ok form says false; nothing panics.
//
//lab:group nil map
package main

import "fmt"

func main() {
	var m map[string]int
	v, ok := m["a"]
	fmt.Println("read", v, ok)
}
