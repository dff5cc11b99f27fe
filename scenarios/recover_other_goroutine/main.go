// A recover does not see a panic of another goroutine. The process dies.
//
//lab:group panic and recover
package main

func main() {
	defer func() { recover() }()
	c := make(chan int)
	go func() {
		var m map[string]int
		m["a"] = 1
		close(c)
	}()
	<-c
}
