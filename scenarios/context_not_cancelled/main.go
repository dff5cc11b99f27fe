// Contexts whose cancel function is never called stay with the parent that they were derived from, until
// it is cancelled. Those of context.Background are freed at once.
//
//lab:group goroutines, timers and contexts
package main

import (
	"context"
	"fmt"
	"runtime"
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
	parent, stop := context.WithCancel(context.Background())
	before := objects()
	for range many {
		_, cancel := context.WithCancel(context.Background())
		_ = cancel
	}
	fmt.Println("kept by Background:", objects() > before+many/2)
	for range many {
		_, cancel := context.WithCancel(parent)
		_ = cancel
	}
	fmt.Println("kept by a parent:", objects() > before+many/2)
	stop()
	fmt.Println("after the parent is cancelled:", objects() > before+many/2)
	runtime.KeepAlive(parent)
}
