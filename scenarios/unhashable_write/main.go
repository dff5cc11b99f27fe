// Writing with a slice as the key of an interface map panics. The text says 'runtime error: hash of
// unhashable type'.
//
//lab:group unhashable key
package main

func main() {
	m := map[any]int{}
	m[[]int{1}] = 1
}
