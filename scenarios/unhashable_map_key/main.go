// A map as the key of an interface map panics. The text names the map type.
//
//lab:group unhashable key
package main

func main() {
	m := map[any]int{}
	m[map[string]int{}] = 1
}
