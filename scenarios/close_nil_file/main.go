// Close of a nil *os.File is an error and no panic, deferred or not. So is any method of it that
// asks first whether there is a file.
//
//lab:group deferred
package main

import (
	"fmt"
	"os"
)

func read() error {
	file, err := os.Open("/no/such/file")
	defer func() { fmt.Println("closed:", file == nil, file.Close()) }()
	return err
}

func main() {
	fmt.Println("failed:", read() != nil)
}
