// A panic with the recovered value itself is printed once. It is marked as recovered and panicked
// again.
//
//lab:group panic and recover
package main

import "fmt"

func main() {
	defer func() {
		r := recover()
		panic(r)
	}()
	fmt.Println("at exit")
	panic("first")
}
