// A type assertion that fails gives a nil map. Writing it panics.
//
//lab:group nil map
package main

import "fmt"

func main() {
	var v any = "no map"
	m, ok := v.(map[string]int)
	fmt.Println("ok", ok, "nil", m == nil)
	m["a"] = 1
}
