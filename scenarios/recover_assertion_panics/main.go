// A type assertion on a recovered value panics for other types. The first panic is no longer what is recovered,
// and without a panic the value is nil.
//
//lab:group panic and recover
package main

import "fmt"

func run(step func()) (err error) {
	defer func() { err = recover().(error) }()
	step()
	return nil
}

func try(name string, step func()) {
	defer func() { fmt.Println(name+":", recover()) }()
	fmt.Println(name+": returned", run(step))
}

func main() {
	try("error", func() { panic(fmt.Errorf("broken")) })
	try("string", func() { panic("broken") })
	try("none", func() {})
}
