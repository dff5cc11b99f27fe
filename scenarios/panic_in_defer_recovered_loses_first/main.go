// recover gets the last panic only. The original one is lost without a trace.
//
//lab:group panic and recover
package main

import "fmt"

func main() {
	defer func() {
		r := recover()
		fmt.Printf("recovered %T %v\n", r, r)
	}()
	var m map[string]int
	defer func() { m["cleanup"] = 1 }()
	panic("original bug")
}
