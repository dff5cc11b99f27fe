// A map keyed by error panics when the error is a slice type. Error types are often slices, as
// validation errors are.
//
//lab:group unhashable key
package main

func main() {
	m := map[error]int{}
	m[sliceErr{"a"}] = 1
}

type sliceErr []string

func (sliceErr) Error() string { return "e" }
