// Appending to the missing entry of a map of slices makes the entry. Nothing panics.
//
//lab:group missing key
package main

import "fmt"

func main() {
	m := map[string][]int{}
	m["a"] = append(m["a"], 1)
	fmt.Println("made", m)
}
