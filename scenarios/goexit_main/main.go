// runtime.Goexit in main runs the deferred calls and ends the goroutine, not the process. With no
// goroutine left that is a fatal error.
//
//lab:group Goexit
package main

import (
	"fmt"
	"runtime"
)

func main() {
	defer fmt.Println("deferred ran")
	runtime.Goexit()
}
