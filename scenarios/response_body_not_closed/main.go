// The body of a response is not closed. The goroutines of its connection stay, on both sides, and
// closing it lets them go.
//
//lab:group goroutines, timers and contexts
package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"time"
)

func main() {
	large := strings.Repeat("x", 1<<20)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, large)
	}))
	before := runtime.NumGoroutine()
	var bodies []io.Closer
	for range 5 {
		response, err := http.Get(server.URL)
		if err != nil {
			panic(err)
		}
		bodies = append(bodies, response.Body)
	}
	time.Sleep(50 * time.Millisecond)
	fmt.Println("a goroutine or more for each:", runtime.NumGoroutine()-before >= 5)
	for _, body := range bodies {
		body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	server.CloseClientConnections()
	for range 100 {
		if time.Sleep(10 * time.Millisecond); runtime.NumGoroutine() <= before {
			break
		}
	}
	fmt.Println("after Close:", runtime.NumGoroutine()-before)
}
