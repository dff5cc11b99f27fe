// Tickers that nobody stops are never freed, also when nothing refers to them. So it is where the go line
// is older than 1.23, which sets asynctimerchan=1 as this program does.
//
//lab:group goroutines, timers and contexts

//go:debug asynctimerchan=1
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
