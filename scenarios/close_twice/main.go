// A channel is closed by a deferred call after it has been closed. The second close panics.
//
//lab:group panic and recover
package main

import "fmt"

func feed(out chan string, failed bool) {
	defer close(out)
	if failed {
		close(out)
		return
	}
	out <- "item"
}

func main() {
	defer func() { fmt.Println("recovered:", recover()) }()
	feed(make(chan string, 1), true)
}
