//! Cases of locks that turns of loops and goroutines have for themselves, or keep.

use crate::rule as named;
use crate::testing::check;

/// Holds the findings of the named rule against the marks.
#[track_caller]
fn holds(rule: &str, text: &str) {
    check(named(rule).expect("the rule exists"), text);
}

#[test]
fn turns_that_leave_the_function_with_a_lock() {
    holds(
        "unlock-missing-on-path",
        r#"
package p

import (
	"context"
	"sync"
)

type S struct {
	mu sync.Mutex
	n  int
}

func (s *S) run(ctx context.Context, in chan int) {
	for {
		s.mu.Lock()
		select {
		case <-ctx.Done():
			return // want "`s.mu` is still locked"
		case n := <-in:
			s.n += n
		}
		s.mu.Unlock()
	}
}
func (s *S) find(in chan int) int {
	for n := range in {
		s.mu.Lock()
		if n == s.n {
			return n // want "`s.mu` is still locked"
		}
		s.mu.Unlock()
	}
	return 0
}

type waiter struct {
	mu    sync.Mutex
	ready bool
}

// The caller gets the lock.
func (w *waiter) acquire() {
	for {
		w.mu.Lock()
		if w.ready {
			return
		}
		w.mu.Unlock()
	}
}
func (w *waiter) release() { w.mu.Unlock() }

type Exported struct {
	Mu    sync.Mutex
	Ready bool
}

func (e *Exported) Acquire() {
	for {
		e.Mu.Lock()
		if e.Ready {
			return
		}
		e.Mu.Unlock()
	}
}
"#,
    );
}

#[test]
fn mutexes_that_each_goroutine_makes() {
    holds(
        "map-race",
        r#"
package p

import "sync"

func own(ids []int) map[int]string {
	out := make(map[int]string)
	var wg sync.WaitGroup
	for _, id := range ids {
		wg.Add(1)
		go func() {
			defer wg.Done()
			var mu sync.Mutex
			mu.Lock()
			defer mu.Unlock()
			out[id] = "x" // want "`out` is written by several goroutines"
		}()
	}
	wg.Wait()
	return out
}
func given(ids []int) map[int]string {
	out := make(map[int]string)
	var wg sync.WaitGroup
	for _, id := range ids {
		wg.Go(func() { put(out, id) })
	}
	wg.Wait()
	return out
}
func put(m map[int]string, id int) {
	var mu sync.Mutex
	mu.Lock()
	m[id] = "x" // want "`out` is written by several goroutines"
	mu.Unlock()
}

var all sync.Mutex

func shared(ids []int) map[int]string {
	out := make(map[int]string)
	var wg sync.WaitGroup
	for _, id := range ids {
		wg.Go(func() {
			mu := &all
			mu.Lock()
			defer mu.Unlock()
			out[id] = "x"
		})
	}
	wg.Wait()
	return out
}
func around(ids []int) map[int]string {
	out := make(map[int]string)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, id := range ids {
		wg.Go(func() {
			mu.Lock()
			defer mu.Unlock()
			out[id] = "x"
		})
	}
	wg.Wait()
	return out
}
"#,
    );
}

#[test]
fn locks_that_each_turn_defers_to_give_back() {
    holds(
        "double-lock",
        r#"
package p

import "sync"

type S struct {
	mu sync.Mutex
	m  map[string]int
}

func (s *S) all(keys []string) {
	for _, key := range keys {
		s.mu.Lock() // want "`s.mu` is locked again by the goroutine that holds it"
		defer s.mu.Unlock()
		s.m[key]++
	}
}
func endless(in chan int) {
	var mu sync.Mutex
	n := 0
	for {
		mu.Lock() // want "`mu` is locked again"
		defer mu.Unlock()
		n += <-in
		if n > 9 {
			return
		}
	}
}

func each(all []*S) {
	for _, s := range all {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.m["k"]++
	}
}
func byIndex(all []*S) {
	for i := range all {
		all[i].mu.Lock()
		defer all[i].mu.Unlock()
	}
}
func list(s *S, next func(*S) *S) {
	for s != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s = next(s)
	}
}
func (s *S) first(keys []string) int {
	for _, key := range keys {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.m[key]
	}
	return 0
}
func (s *S) once(keys []string) {
	locked := false
	for _, key := range keys {
		if !locked {
			s.mu.Lock()
			defer s.mu.Unlock()
			locked = true
		}
		s.m[key]++
	}
}
func (s *S) perTurn(keys []string) {
	for _, key := range keys {
		func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.m[key]++
		}()
	}
}
func (s *S) gap(keys []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range keys {
		s.mu.Unlock()
		println()
		s.mu.Lock()
	}
}
"#,
    );
}

#[test]
fn conditions_that_hold_in_one_turn() {
    holds(
        "map-race",
        r#"
package a
import "sync"
type File struct{ Kind int; name string }
func (f File) FileID() string { return f.name }
const journal = "journal"
func byIdentity(files []File) map[string]int {
	sizes := map[string]int{}
	var wg sync.WaitGroup
	for _, file := range files {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if file.FileID() == journal {
				delete(sizes, journal)
			}
		}()
	}
	wg.Wait()
	return sizes
}
func byNumber(files []File) map[string]int {
	sizes := map[string]int{}
	var wg sync.WaitGroup
	for i, file := range files {
		wg.Go(func() {
			if i == len(files)-1 && file.Kind > 0 {
				sizes[file.name] = i
			}
		})
	}
	wg.Wait()
	return sizes
}
func byKind(files []File) map[string]int {
	sizes := map[string]int{}
	var wg sync.WaitGroup
	for i, file := range files {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if file.Kind == 3 {
				sizes[file.name] = i // want map-race
			}
		}()
	}
	wg.Wait()
	return sizes
}
func byOwn(files []File) map[string]int {
	sizes := map[string]int{}
	var wg sync.WaitGroup
	for i, file := range files {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if i == file.Kind {
				sizes[file.name] = i // want map-race
			}
		}()
	}
	wg.Wait()
	return sizes
}
func otherwise(files []File) map[string]int {
	sizes := map[string]int{}
	var wg sync.WaitGroup
	for i, file := range files {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if i == 0 {
				println("first")
			} else {
				sizes[file.name] = i // want map-race
			}
		}()
	}
	wg.Wait()
	return sizes
}
"#,
    );
    holds(
        "double-close",
        r#"
package a
func once(n int) chan int {
	done := make(chan int)
	for i := 0; i < n; i++ {
		if i == n/4 {
			go func() { close(done) }()
		}
	}
	return done
}
func many(n int) chan int {
	done := make(chan int)
	for i := 0; i < n; i++ {
		if i > n/4 {
			go func() {
				close(done) // want double-close
			}()
		}
	}
	return done
}
"#,
    );
}
