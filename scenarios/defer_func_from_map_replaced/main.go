// defer m[k]() looks the function up at the defer statement. One that is stored afterwards is not
// called.
//
//lab:group deferred
package main

import "fmt"

func main() {
	m := map[string]func(){"cleanup": func() { fmt.Println("first") }}
	defer m["cleanup"]()
	m["cleanup"] = func() { fmt.Println("second") }
	fmt.Println("at exit")
}
