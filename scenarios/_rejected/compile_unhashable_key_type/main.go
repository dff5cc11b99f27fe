// A slice as the key type of a map does not compile. Only an interface hides it until the program
// runs.
//
//lab:group rejected by the compiler
package main

import "fmt"

func main() {
	m := map[[]int]string{}
	fmt.Println(m)
}
