// A deferred function sets the error result after return has. When the clean-up succeeds, the error is nil.
//
//lab:group deferred
package main

import (
	"errors"
	"fmt"
)

func write(closing func() error) (err error) {
	defer func() { err = closing() }()
	return errors.New("disk full")
}

func both(closing func() error) (err error) {
	defer func() { err = errors.Join(err, closing()) }()
	return errors.New("disk full")
}

func main() {
	closing := func() error { return nil }
	fmt.Println("replaced:", write(closing))
	fmt.Println("joined:", both(closing))
}
