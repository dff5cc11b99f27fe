// Deleting a slice from a map that has entries panics. The text is that of a write.
//
//lab:group unhashable key
package main

func main() {
	m := map[any]int{"x": 1}
	delete(m, any([]int{1}))
}
