// select without a case blocks for ever. With no other goroutine the runtime ends the program.
//
//lab:group blocked for ever
package main

func main() {
	select {}
}
