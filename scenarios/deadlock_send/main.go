// A send to a channel that nobody receives from blocks for ever. With no other goroutine the
// runtime ends the program.
//
//lab:group blocked for ever
package main

func main() {
	c := make(chan int)
	c <- 1
}
