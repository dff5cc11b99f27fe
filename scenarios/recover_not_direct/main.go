// recover works only in the function that was deferred. One call deeper it returns nil and the
// panic goes on.
//
//lab:group panic and recover
package main

import "fmt"

func main() {
	defer func() {
		func() { fmt.Println("inner recover:", recover()) }()
	}()
	panic("p")
}
