// A mutex is unlocked once more than it was locked, by a deferred call. The process ends with a fatal error
// that no recover stops.
//
//lab:group panic and recover
package main

import (
	"fmt"
	"sync"
)

func first(mu *sync.Mutex, rows []string) string {
	mu.Lock()
	defer mu.Unlock()
	if len(rows) == 0 {
		mu.Unlock()
		return ""
	}
	return rows[0]
}

func main() {
	defer func() { fmt.Println("recovered", recover()) }()
	first(new(sync.Mutex), nil)
}
