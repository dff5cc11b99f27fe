// A missing key of a map of functions gives nil, and calling it panics. The panic comes from the
// call, not from the map.
//
//lab:group missing key
package main

func main() {
	m := map[string]func(){}
	m["x"]()
}
