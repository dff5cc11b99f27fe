// A receive from a nil channel blocks for ever. The trace says so: 'chan receive (nil chan)'.
//
//lab:group blocked for ever
package main

func main() {
	var c chan int
	<-c
}
