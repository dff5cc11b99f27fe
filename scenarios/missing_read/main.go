// Reading a missing key gives the zero value. The comma-ok form says false; nothing panics.
//
//lab:group missing key
package main

import "fmt"

func main() {
	m := map[string]int{"x": 1}
	v, ok := m["a"]
	fmt.Println("read", v, ok, m["a"])
}
