// panic(nil) is a panic with a value of type *runtime.PanicNilError. recover does not return nil
// for it.
//
//lab:group panic and recover
package main

func main() {
	panic(nil)
}
