// m[k] = append(m[k], v) on a nil map panics. On an empty map it makes the entry.
//
//lab:group nil map
package main

func main() {
	var m map[string][]int
	m["a"] = append(m["a"], 1)
}
