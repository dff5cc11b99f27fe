// Calls that a loop defers run when the function returns, last in first out. None runs at the end of a
// turn.
//
//lab:group deferred
package main

import "fmt"

func main() {
	for turn := range 3 {
		defer fmt.Println("closed", turn)
		fmt.Println("opened", turn)
	}
	fmt.Println("loop done")
}
