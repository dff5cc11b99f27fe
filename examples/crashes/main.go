// Command shop crashes in the way its argument names, each time by a hazard that `goward check`
// finds. The files beside it are what it printed with GOTRACEBACK=all, with its folder replaced by
// /srv/shop and that of Go by /opt/go.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

type registry struct {
	names map[string]bool
}

func (r *registry) add(name string) {
	r.names[name] = true
}

func count(words []string) int {
	var counts map[string]int
	for _, word := range words {
		counts[word]++
	}
	n := 0
	for range counts {
		n++
	}
	return n
}

func all(urls []string) map[string]int {
	pages := make(map[string]int)
	var wg sync.WaitGroup
	for _, url := range urls {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 1000000 {
				pages[url] = i
			}
		}()
	}
	wg.Wait()
	return pages
}

func replace(file *os.File) {
	defer func() {
		if err := file.Close(); err != nil {
			panic(err)
		}
	}()
	if _, err := file.Write([]byte("x")); err != nil {
		panic(fmt.Errorf("write: %w", err))
	}
}

func quiet() {
	defer recover()
	panic(errors.New("loud"))
}

func fetch(ctx context.Context) error {
	done := make(chan error)
	go func() {
		time.Sleep(time.Millisecond)
		done <- nil
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

type cache struct {
	mu sync.Mutex
	m  map[string]int
}

func (c *cache) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.m)
}

func (c *cache) Put(k string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Len() == 0 {
		c.m = map[string]int{}
	}
	c.m[k] = 1
}

type table struct {
	mu sync.Mutex
	m  map[string]int
}

func (t *table) Get(k string) int {
	t.mu.Lock()
	if t.m == nil {
		return 0
	}
	defer t.mu.Unlock()
	return t.m[k]
}

func (t *table) Set(k string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.m = map[string]int{k: 1}
}

func main() {
	switch os.Args[1] {
	case "registry":
		(&registry{}).add("x")
	case "count":
		count([]string{"a"})
	case "all":
		all([]string{"a", "b", "c"})
	case "replace":
		f, _ := os.Open("go.mod")
		f.Close()
		replace(f)
	case "quiet":
		quiet()
	case "fetch":
		for range 7 {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			fetch(ctx)
		}
		time.Sleep(50 * time.Millisecond)
		panic("dump")
	case "cache":
		(&cache{}).Put("x")
	case "table":
		t := &table{}
		t.Get("x")
		t.Set("x")
	}
}
