// One goroutine may insert into a map while it loops over it. Nothing is reported; whether the loop
// sees the entry is random.
//
//lab:group legal
package main

import "fmt"

func main() {
	m := map[int]int{0: 0}
	n := 0
	for k := range m {
		if n < 100 {
			m[k+1000+n] = 1
			n++
		}
	}
	fmt.Println("inserted", n > 0)
}
