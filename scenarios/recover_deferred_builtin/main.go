// defer recover() does not stop a panic. The built-in is not called by a deferred function.
//
//lab:group panic and recover
package main

func main() {
	defer recover()
	panic("p")
}
