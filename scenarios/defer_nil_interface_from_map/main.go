// defer m[k].Close() with a missing key panics at the defer statement. A nil interface, other than
// a nil function, is noticed there.
//
//lab:group deferred
package main

import (
	"fmt"
	"io"
)

func main() {
	m := map[string]io.Closer{}
	fmt.Println("at registration")
	defer m["file"].Close()
	fmt.Println("at body")
}
