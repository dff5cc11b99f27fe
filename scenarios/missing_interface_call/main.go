// A missing key of a map of interfaces gives nil, and a method call on it panics. The panic comes
// from the call, not from the map.
//
//lab:group missing key
package main

import "fmt"

func main() {
	m := map[string]error{}
	fmt.Println(m["x"].Error())
}
