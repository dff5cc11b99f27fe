// A missing key of a map of channels gives nil, and a receive from it blocks for ever. With no
// other goroutine left the runtime ends the program.
//
//lab:group missing key
package main

import "fmt"

func main() {
	m := map[string]chan int{}
	fmt.Println(<-m["x"])
}
