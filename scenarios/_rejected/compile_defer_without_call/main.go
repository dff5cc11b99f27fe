// defer of a function from a map without calling it does not compile. The parentheses are what
// registers it.
//
//lab:group rejected by the compiler
package main

func main() {
	m := map[string]func(){}
	defer m["cleanup"]
}
