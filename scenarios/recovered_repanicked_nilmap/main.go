// A nil-map panic that is recovered and panicked again keeps its text and its value. Only the mark
// is added.
//
//lab:group panic and recover
package main

func main() {
	defer func() {
		r := recover()
		panic(r)
	}()
	var m map[string]int
	m["a"] = 1
}
