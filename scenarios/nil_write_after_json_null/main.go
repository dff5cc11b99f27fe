// Decoding JSON null into a map sets the map to nil and gives no error. The next write panics.
//
//lab:group nil map
package main

import (
	"encoding/json"
	"fmt"
)

func main() {
	m := map[string]int{"a": 1}
	err := json.Unmarshal([]byte("null"), &m)
	fmt.Println("error", err, "nil", m == nil)
	m["a"] = 2
}
