// A deferred write to a nil map that runs because of runtime.Goexit panics. The process dies, as
// from any panic.
//
//lab:group Goexit
package main

import (
	"fmt"
	"runtime"
	"time"
)

func main() {
	go func() {
		var m map[string]int
		defer func() { m["x"] = 1 }()
		fmt.Println("at exit")
		runtime.Goexit()
	}()
	time.Sleep(time.Second)
}
