// The method of a nil pointer can be deferred: it runs with the nil pointer at the exit. What it does
// with it decides.
//
//lab:group deferred
package main

import (
	"errors"
	"fmt"
)

type file struct{ name string }

func (f *file) Close() { fmt.Println("closing", f.name) }

func open() (*file, error) {
	return nil, errors.New("refused")
}

func main() {
	fmt.Println("at registration")
	f, err := open()
	defer f.Close()
	if err != nil {
		fmt.Println("error handled")
		fmt.Println("at exit")
		return
	}
}
