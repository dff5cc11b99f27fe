// A deferred call of os.Exit ends the process at once. Calls that were deferred earlier do not run, and a
// panic is not printed.
//
//lab:group deferred
package main

import (
	"fmt"
	"os"
)

func main() {
	defer fmt.Println("deferred first")
	defer os.Exit(3)
	panic("lost")
}
