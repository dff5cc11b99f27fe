// The method of a nil interface that comes beside an error panics at the defer statement. The test of
// the error after it is not reached.
//
//lab:group deferred
package main

import (
	"errors"
	"fmt"
	"io"
)

func open() (io.Closer, error) {
	return nil, errors.New("refused")
}

func main() {
	fmt.Println("at registration")
	file, err := open()
	defer file.Close()
	if err != nil {
		fmt.Println("error handled")
		return
	}
	fmt.Println("at body")
}
