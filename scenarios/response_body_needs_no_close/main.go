// The body of a response is not closed, but it was asked for by HEAD, read to its end, or cut off by the
// timeout of the client or the end of the request's context. Nothing stays open.
//
//lab:group goroutines, timers and contexts
package main

import (
	"context"
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
	try := func(name string, ask func(client *http.Client) (*http.Response, error)) {
		client := &http.Client{Transport: &http.Transport{}}
		for range 5 {
			if _, err := ask(client); err != nil {
				panic(err)
			}
		}
		// One connection is kept for the next request; it goes with those that are idle.
		left := 0
		for range 200 {
			time.Sleep(10 * time.Millisecond)
			client.CloseIdleConnections()
			if left = runtime.NumGoroutine() - before; left <= 0 {
				break
			}
		}
		fmt.Println(name, "leaves nothing:", left <= 0)
	}
	get := func(client *http.Client, ctx context.Context) (*http.Response, error) {
		request, err := http.NewRequestWithContext(ctx, "GET", server.URL, nil)
		if err != nil {
			return nil, err
		}
		return client.Do(request)
	}
	try("HEAD", func(client *http.Client) (*http.Response, error) {
		return client.Head(server.URL)
	})
	try("a body read to its end", func(client *http.Client) (*http.Response, error) {
		response, err := client.Get(server.URL)
		if err == nil {
			_, err = io.ReadAll(response.Body)
		}
		return response, err
	})
	try("a client with a timeout", func(client *http.Client) (*http.Response, error) {
		client.Timeout = 200 * time.Millisecond
		return client.Get(server.URL)
	})
	try("a context that ends", func(client *http.Client) (*http.Response, error) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		return get(client, ctx)
	})
}
