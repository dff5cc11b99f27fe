// A helper that calls recover works when it is deferred itself. The program goes on.
//
//lab:group panic and recover
package main

import "fmt"

func main() {
	defer helperRecover()
	panic("p")
}

func helperRecover() { fmt.Println("helper recover:", recover()) }
