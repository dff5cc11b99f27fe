// A function that recovers returns its named results as they are. Of results without a name it returns zero
// values, whatever its variables hold.
//
//lab:group panic and recover
package main

import "fmt"

func local() error {
	var err error
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	panic("p")
	return err
}

func shadowed() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err := fmt.Errorf("panic: %v", r)
			_ = err
		}
	}()
	panic("p")
}

func named() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	panic("p")
}

func main() {
	fmt.Println("local variable:", local())
	fmt.Println("variable of the same name:", shadowed())
	fmt.Println("named result:", named())
}
