//! Cases of the rules about locks and shared maps, beside the examples on their pages.

use crate::rule as named;
use crate::testing::check;

/// Holds the findings of the named rule against the marks.
#[track_caller]
fn holds(rule: &str, text: &str) {
    check(named(rule).expect("the rule exists"), text);
}

#[test]
fn deferred_writes_are_judged_at_the_time_they_run() {
    holds(
        "map-write-in-defer",
        "package a
import \"sync\"
type T struct {
	mu sync.Mutex
	m  map[string]int
}
func New() *T { return &T{m: map[string]int{}} }
func (t *T) Good(k string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer delete(t.m, k)
}
func (t *T) Bad(k string) {
	defer t.drop(k)
	t.mu.Lock()
	defer t.mu.Unlock()
}
func (t *T) drop(k string) {
	delete(t.m, k) // want map-write-in-defer
}
func (t *T) Nested(k string) {
	defer func() {
		func() {
			t.m[k]++ // want map-write-in-defer
		}()
	}()
}
func local(k string) {
	m := map[string]int{}
	defer func() { m[k] = 1 }()
}
func joined(ks []string) {
	m := map[string]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	defer func() { m[\"n\"] = 1 }()
	for _, k := range ks {
		wg.Add(1)
		go func() {
			defer wg.Done()
			mu.Lock()
			m[k] = 1
			mu.Unlock()
		}()
	}
	wg.Wait()
}
func alive(k string) {
	m := map[string]int{}
	defer func() {
		m[k] = 1 // want map-write-in-defer
	}()
	go func() { _ = m[k] }()
}
",
    );
}

#[test]
fn maps_that_are_nil_when_the_deferred_call_runs() {
    holds(
        "map-write-in-defer",
        "package a
func early(c bool) {
	var m map[string]int
	defer func() {
		m[\"n\"]++ // want map-write-in-defer
	}()
	if c {
		return
	}
	m = map[string]int{}
}
func checked(c bool) {
	var m map[string]int
	defer func() {
		if m != nil {
			m[\"n\"]++
		}
	}()
	if c {
		return
	}
	m = map[string]int{}
}
func harmless() {
	var m map[string]int
	defer delete(m, \"a\")
}
",
    );
}

#[test]
fn pointers_that_an_error_leaves_nil() {
    holds(
        "map-read-in-defer",
        "package a
type T struct{ m map[string]int }
func open() (*T, error) { return nil, nil }
func use() error {
	t, err := open()
	defer func() {
		println(t.m[\"a\"]) // want map-read-in-defer
	}()
	if err != nil {
		return err
	}
	return nil
}
func right() error {
	t, err := open()
	if err != nil {
		return err
	}
	defer func() { println(t.m[\"a\"]) }()
	return nil
}
func gone() {
	m := map[string]int{\"a\": 1}
	defer func() {
		println(m[\"a\"]) // want map-read-in-defer
	}()
	m = nil
}
",
    );
}

#[test]
fn goroutines_that_are_waited_for_or_have_their_own_map_do_not_race() {
    holds(
        "map-race",
        "package a
import (
	\"net/http\"
	\"sync\"
)
func pair() {
	m := map[int]int{}
	done := make(chan bool)
	go func() {
		m[1] = 1
		done <- true
	}()
	<-done
	m[2] = 2
	go func() {
		m[3] = 3 // want map-race
	}()
	_ = m[1]
}
func own(n int) {
	for i := range n {
		m := map[int]int{}
		go func() { m[i] = i }()
	}
}
func selected(stop chan bool) int {
	m := map[int]int{}
	done := make(chan bool)
	go func() {
		defer close(done)
		m[1] = 1
	}()
	select {
	case <-done:
		return m[1]
	case <-stop:
		return 0
	}
}
type server struct {
	mu   sync.Mutex
	hits map[string]int
	seen map[string]int
}
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.hits[r.Method]++
	s.mu.Unlock()
	s.seen[r.Method]++ // want map-race
}
",
    );
}

#[test]
fn locks_through_helpers_literals_and_loops() {
    holds(
        "double-lock",
        "package a
import \"sync\"
type T struct {
	mu     sync.Mutex
	shards [4]struct{ mu sync.Mutex }
}
func (t *T) with(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f()
}
func (t *T) size() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return 1
}
func (t *T) Inside() {
	t.with(func() {
		t.size() // want double-lock
	})
}
func (t *T) Beside() {
	t.mu.Lock()
	go t.size()
	t.mu.Unlock()
	t.size()
}
func (t *T) Shards() {
	for i := range t.shards {
		t.shards[i].mu.Lock()
	}
}
func (t *T) Typo() {
	t.mu.Lock()
	defer t.mu.Lock() // want double-lock
}
func signal() {
	var m sync.Mutex
	m.Lock()
	go func() { m.Unlock() }()
	m.Lock()
}
func (t *T) try() {
	if t.mu.TryLock() {
		defer t.mu.Unlock()
	}
}
",
    );
    holds(
        "unlock-missing-on-path",
        "package a
import \"sync\"
func turns(mu *sync.Mutex, xs []int) {
	for _, x := range xs {
		mu.Lock()
		if x > 0 {
			continue // want unlock-missing-on-path
		}
		mu.Unlock()
	}
}
func conditional(mu *sync.Mutex, c bool) {
	if c {
		mu.Lock()
	}
	if c {
		mu.Unlock()
	}
}
func both(mu *sync.Mutex, c bool) int {
	mu.Lock()
	if c {
		mu.Unlock()
		return 1
	}
	defer func() { mu.Unlock() }()
	return 2
}
",
    );
}
