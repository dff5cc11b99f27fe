// The address of a map entry cannot be taken. Entries move when the map grows.
//
//lab:group rejected by the compiler
package main

import "fmt"

func main() {
	m := map[string]int{"a": 1}
	fmt.Println(&m["a"])
}
