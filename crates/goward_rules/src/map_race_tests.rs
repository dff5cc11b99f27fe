//! Cases of `map-race`: who can be at a map at the same time.

use crate::rules::{map_race, map_read_in_defer};
use crate::testing::check;

#[test]
fn branches_that_exclude_each_other() {
    check(
        &map_race::RULE,
        r#"
package p

import "sync"

func note(m map[string]int, k string) { m[k]++ }

func either(m map[string]int, keys []string, parallel bool) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	for _, k := range keys {
		if !parallel {
			note(m, k)
		} else {
			wg.Add(1)
			go func() {
				defer wg.Done()
				mu.Lock()
				defer mu.Unlock()
				note(m, k)
			}()
		}
	}
	if parallel {
		wg.Wait()
	}
}
func changing(m map[string]int, keys []string) {
	var mu sync.Mutex
	for i, k := range keys {
		if i%2 == 0 {
			m[k]++ // want "`m` is written while another goroutine"
		} else {
			go func() {
				mu.Lock()
				defer mu.Unlock()
				m[k]++
			}()
		}
	}
}
func assigned(m map[string]int, keys []string, parallel bool) {
	var mu sync.Mutex
	for _, k := range keys {
		if parallel {
			go func() {
				mu.Lock()
				defer mu.Unlock()
				m[k]++
			}()
		} else {
			m[k]++ // want "`m` is written while another goroutine"
		}
		parallel = !parallel
	}
}
"#,
    );
}

#[test]
fn goroutines_without_the_mutex_of_all_others() {
    check(
        &map_race::RULE,
        r#"
package p

import (
	"sync"
	"time"
)

type cache struct {
	mu sync.Mutex
	m  map[string]int
}

func newCache() *cache {
	c := &cache{m: map[string]int{}}
	c.m["start"] = 1
	return c
}
func (c *cache) put(k string, ttl time.Duration) {
	c.mu.Lock()
	c.m[k]++
	c.mu.Unlock()
	time.AfterFunc(ttl, func() {
		delete(c.m, k) // want "`c.m` is deleted from while another goroutine may have it"
	})
}
func (c *cache) get(k string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.m[k]
}
func (c *cache) log() {
	go func() {
		for k := range c.m { // want "`c.m` is iterated over"
			println(k)
		}
	}()
}

type safe struct {
	mu sync.Mutex
	m  map[string]int
}

func (s *safe) put(k string, ttl time.Duration) {
	s.mu.Lock()
	s.m[k]++
	s.mu.Unlock()
	time.AfterFunc(ttl, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.m, k)
	})
}
func (s *safe) get(k string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m[k]
}
func (s *safe) locked(k string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	done := make(chan bool)
	go func() {
		s.m[k]++
		close(done)
	}()
	<-done
}
func (s *safe) waits(ready chan bool) {
	go func() {
		<-ready
		s.m["late"]++
	}()
}
func load() *safe {
	s := &safe{m: map[string]int{}}
	go func() { s.m["first"] = 1 }()
	return s
}

type loop struct {
	mu sync.Mutex
	m  map[string]int
}

// Only the loop writes, so it need not lock to read.
func (l *loop) run() {
	go l.receive()
}
func (l *loop) receive() {
	for l.m["stop"] == 0 {
		l.mu.Lock()
		l.m["turns"]++
		l.mu.Unlock()
	}
}
func (l *loop) turns() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.m["turns"]
}

type some struct {
	mu sync.Mutex
	m  map[string]int
}

func (s *some) put(k string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.m[k]++
}
func (s *some) alone() int { return s.m["a"] }
func (s *some) start()     { go func() { s.m["b"]++ }() }
"#,
    );
}

#[test]
fn readers_that_come_to_the_end() {
    check(
        &map_race::RULE,
        r#"
package p

import (
	"bytes"
	"io"
)

func archive() (*io.PipeWriter, io.ReadCloser, error) {
	r, w := io.Pipe()
	return w, r, nil
}
func fill(m map[string]int, w *io.PipeWriter) {
	m["a"]++
	w.Close()
}
func twice() {
	m := map[string]int{}
	w, r, err := archive()
	if err != nil {
		return
	}
	go fill(m, w)
	io.ReadAll(r)
	w2, r2, _ := archive()
	go fill(m, w2)
	var all bytes.Buffer
	io.Copy(&all, r2)
	m["b"]++
}
func other(r io.Reader) {
	m := map[string]int{}
	w, _, _ := archive()
	go func() {
		m["a"]++
		w.Close()
	}()
	io.ReadAll(r)
	m["b"]++ // want "`m` is written while another goroutine"
}
"#,
    );
}

#[test]
fn channels_that_others_open() {
    check(
        &map_read_in_defer::RULE,
        r#"
package p

func given(feed <-chan string) {
	counts := make(map[string]int)
	go func() {
		for s := range feed {
			counts[s]++
		}
	}()
	defer func() {
		println(counts["total"]) // want "`counts` is read in a deferred call while another goroutine may use it"
	}()
	println("started")
}
func watch() <-chan string { return nil }
func received() {
	counts := make(map[string]int)
	feed := watch()
	go func() {
		for s := range feed {
			counts[s]++
		}
	}()
	defer func() {
		println(counts["total"]) // want "`counts` is read in a deferred call while another goroutine may use it"
	}()
	println("started")
}
func own() {
	counts := make(map[string]int)
	gate := make(chan string)
	go func() {
		for s := range gate {
			counts[s]++
		}
	}()
	println(counts["total"])
	gate <- "a"
}
"#,
    );
}

#[test]
fn maps_that_are_made_once() {
    check(
        &map_race::RULE,
        r#"
package p

import "sync"

type spec struct {
	once  sync.Once
	codes map[string]int
	names []string
}

func (s *spec) init() {
	s.once.Do(func() {
		s.codes = map[string]int{}
		for i, name := range s.names {
			s.codes[name] = i
		}
	})
}
func (s *spec) code(name string) int {
	s.init()
	return s.codes[name]
}

type peer struct{ spec *spec }

func (p *peer) send(name string) error {
	println(p.spec.code(name))
	return nil
}
func (p *peer) handshake(name string, errc chan error, inbound bool) {
	println(p.spec.code("hello"))
	send := func() { errc <- p.send(name) }
	go func() {
		if inbound {
			send()
		} else {
			send()
		}
	}()
	println("sent")
}

type guarded struct {
	mu    sync.Mutex
	codes map[string]int
}

func (g *guarded) set(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.codes[name]++
}
func (g *guarded) get(name string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.codes[name]
}
func (g *guarded) later(name string) {
	go func() {
		delete(g.codes, name) // want map-race
	}()
}
func made() *guarded { return &guarded{codes: map[string]int{}} }
"#,
    );
}
