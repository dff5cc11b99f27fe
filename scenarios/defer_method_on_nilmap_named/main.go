// The receiver of a deferred method is evaluated at the defer statement. A map made afterwards does
// not help, and the write panics at the exit.
//
//lab:group deferred
package main

import "fmt"

func main() {
	var s namedMap
	fmt.Println("at registration")
	defer s.set("a")
	fmt.Println("at body")
	s = namedMap{}
	fmt.Println("at exit")
}

type namedMap map[string]int

func (n namedMap) set(k string) { n[k] = 1 }
