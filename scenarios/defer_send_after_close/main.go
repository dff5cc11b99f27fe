// A deferred send that was registered before the deferred close runs after it. It panics.
//
//lab:group deferred
package main

import "fmt"

func report(results chan string) {
	defer func() { results <- "done" }()
	defer close(results)
}

func main() {
	defer func() { fmt.Println("recovered:", recover()) }()
	report(make(chan string, 1))
}
