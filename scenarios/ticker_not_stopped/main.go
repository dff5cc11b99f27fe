// Tickers that nobody stops and nothing refers to are freed by the garbage collector. So it is in modules
// whose go line is 1.23 or newer.
//
//lab:group goroutines, timers and contexts
package main

import (
	"fmt"
	"runtime"
	"time"
)

const many = 10000

func objects() int {
	runtime.GC()
	runtime.GC()
	var statistics runtime.MemStats
	runtime.ReadMemStats(&statistics)
	return int(statistics.HeapObjects)
}

func main() {
	before := objects()
	for range many {
		time.NewTicker(time.Hour)
	}
	fmt.Println("tickers kept:", objects() > before+many/2)
}
