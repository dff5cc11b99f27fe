// What a method sets in a value receiver is gone when it returns. The second call finds the old value.
//
//lab:group deferred
package main

import "fmt"

type connection struct{ closed bool }

func (c connection) Close() {
	fmt.Println("closed before:", c.closed)
	c.closed = true
}

func main() {
	var c connection
	c.Close()
	c.Close()
}
