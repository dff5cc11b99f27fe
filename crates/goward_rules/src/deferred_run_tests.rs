//! What holds when a deferred call runs: nothing that a clock or a context has told, nothing that a test
//! has ruled out, and no lock that a method value gives back.

use crate::rule as named;
use crate::testing::check;

/// Holds the findings of the named rule against the marks.
#[track_caller]
fn holds(rule: &str, text: &str) {
    check(named(rule).expect("the rule exists"), text);
}

#[test]
fn clocks_and_contexts_are_no_meeting() {
    holds(
        "map-write-in-defer",
        "package a
import (
	\"context\"
	\"sync\"
	\"time\"
)
type T struct {
	mu   sync.Mutex
	jobs map[int]func()
	done chan struct{}
}
func New() *T { return &T{jobs: map[int]func(){}} }
func (t *T) Add(id int, f func()) {
	t.mu.Lock()
	t.jobs[id] = f
	t.mu.Unlock()
}
func (t *T) Run(ctx context.Context) error {
	defer func() {
		clear(t.jobs) // want map-write-in-defer
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Second):
		return nil
	}
}
func (t *T) Stop() {
	defer func() { clear(t.jobs) }()
	<-t.done
}
",
    );
    holds(
        "map-race",
        "package a
import \"time\"
func load(get func() map[string]int, d time.Duration) map[string]int {
	m := map[string]int{}
	done := make(chan bool)
	go func() {
		defer close(done)
		for k, v := range get() {
			m[k] = v
		}
	}()
	select {
	case <-done:
		m[\"done\"] = 1
	case <-time.After(d):
		m[\"late\"] = 1 // want map-race
	}
	return nil
}
",
    );
}

#[test]
fn contexts_that_a_goroutine_ends_are_a_meeting() {
    holds(
        "map-race",
        "package a
import \"context\"
func wait(ctx context.Context, stop chan bool) {
	select {
	case <-ctx.Done():
	case <-stop:
	}
}
func met(get func() map[string]int, stop chan bool) map[string]int {
	m := map[string]int{}
	ctx, done := context.WithCancel(context.Background())
	go func() {
		defer done()
		for k, v := range get() {
			m[k] = v
		}
	}()
	wait(ctx, stop)
	m[\"done\"] = 1
	return m
}
func notMet(ctx context.Context, get func() map[string]int) {
	m := map[string]int{}
	go func() {
		for k, v := range get() {
			m[k] = v
		}
	}()
	select {
	case <-ctx.Done():
	}
	m[\"done\"] = 1 // want map-race
}
func drained(ctx context.Context, m map[string]int, jobs chan int) {
	results := make(chan int, 10)
	go func() {
		for k := range m {
			results <- len(k)
		}
		close(results)
	}()
	defer func() {
		go func() {
			for range results {
			}
			clear(m)
		}()
	}()
	select {
	case <-ctx.Done():
	case <-jobs:
	}
}
",
    );
}

#[test]
fn pointers_that_a_test_finds_nil() {
    holds(
        "map-write-in-defer",
        "package a
type session struct{ seen map[string]bool }
type store struct{ all map[string]*session }
func (s *store) find(id string) *session { return s.all[id] }
func (s *store) visit(id string) bool {
	var found *session
	defer func() {
		found.seen[id] = true // want \"`found` can be nil\"
	}()
	found = s.find(id)
	if found == nil {
		return false
	}
	return true
}
func (s *store) tested(id string) bool {
	var found *session
	defer func() {
		if found != nil {
			found.seen[id] = true
		}
	}()
	found = s.find(id)
	if found == nil {
		return false
	}
	return true
}
func (s *store) made(id string) bool {
	found := s.find(id)
	if found == nil {
		found = &session{seen: map[string]bool{}}
	}
	defer func() { found.seen[id] = true }()
	return true
}
func (s *store) noted(id string, note func()) {
	found := s.find(id)
	if found == nil {
		note()
	}
	defer func() { found.seen[id] = true }()
}
",
    );
}

#[test]
fn method_values_that_give_a_lock_back() {
    holds(
        "map-write-in-defer",
        "package a
import \"sync\"
type T struct {
	mu sync.Mutex
	m  map[string]int
}
func New() *T { return &T{m: map[string]int{}} }
func (t *T) early(k string, f func()) {
	t.mu.Lock()
	unlock := t.mu.Unlock
	t.m[k]++
	unlock()
	defer func() {
		t.m[k]-- // want map-write-in-defer
	}()
	f()
}
func (t *T) order(k string) {
	t.mu.Lock()
	unlock := t.mu.Unlock
	defer func() {
		t.m[k]-- // want map-write-in-defer
	}()
	defer unlock()
}
func (t *T) held(k string) {
	t.mu.Lock()
	unlock := t.mu.Unlock
	defer unlock()
	defer func() { t.m[k]-- }()
}
",
    );
}

#[test]
fn maps_that_are_written_down() {
    holds(
        "map-write-in-defer",
        "package a
import (
	\"encoding/json\"
	\"fmt\"
	\"io\"
	\"sync\"
)
type T struct {
	mu sync.Mutex
	m  map[string]int
}
func New() *T { return &T{m: map[string]int{}} }
func (t *T) Set(k string) { t.mu.Lock(); t.m[k]++; t.mu.Unlock() }
func (t *T) Save(w io.Writer, f func()) {
	defer func() {
		json.NewEncoder(w).Encode(t.m) // want \"iterated over in a deferred call\"
	}()
	f()
}
func (t *T) Show(f func()) {
	defer func() {
		fmt.Println(len(t.m), t.m) // want \"iterated over in a deferred call\"
	}()
	f()
}
func (t *T) Locked(f func()) {
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		fmt.Println(t.m)
	}()
	f()
}
",
    );
}

#[test]
fn locks_that_guard_another_map() {
    holds(
        "map-write-in-defer",
        "package a
import \"sync\"
type T struct {
	aMu, bMu sync.Mutex
	a, b     map[string]int
}
func New() *T { return &T{a: map[string]int{}, b: map[string]int{}} }
func (t *T) incA(k string) { t.aMu.Lock(); defer t.aMu.Unlock(); t.a[k]++ }
func (t *T) incB(k string) { t.bMu.Lock(); defer t.bMu.Unlock(); t.b[k]++ }
func (t *T) getB(k string) int { t.bMu.Lock(); defer t.bMu.Unlock(); return t.b[k] }
func (t *T) Move(k string) {
	t.aMu.Lock()
	defer t.aMu.Unlock()
	defer func() {
		t.b[k]++ // want map-write-in-defer
	}()
	delete(t.a, k)
}
func (t *T) Both(k string) {
	t.aMu.Lock()
	defer t.aMu.Unlock()
	t.bMu.Lock()
	defer t.bMu.Unlock()
	defer func() { t.b[k]++ }()
}

type U struct {
	mu, other sync.Mutex
	m         map[string]int
}
func NewU() *U { return &U{m: map[string]int{}} }
func (u *U) inc(k string) { u.mu.Lock(); defer u.mu.Unlock(); u.m[k]++ }
func (u *U) dec(k string) { u.other.Lock(); defer u.other.Unlock(); u.m[k]-- }
func (u *U) Third(k string) {
	u.other.Lock()
	defer u.other.Unlock()
	defer func() { u.m[k]++ }()
}
",
    );
}

#[test]
fn what_init_does_comes_before_everything_else() {
    holds(
        "map-read-in-defer",
        "package a
import \"sync\"
var names = map[int]string{}
var counts = map[int]int{}
func init() {
	names[1] = \"one\"
}
type server struct{ mu sync.Mutex }
func (s *server) Serve(k int) {
	defer s.log(k)
	go s.count(k)
}
func (s *server) log(k int) {
	println(names[k])
	println(counts[k]) // want map-read-in-defer
}
func (s *server) count(k int) {
	counts[k]++
}
",
    );
}

#[test]
fn errors_are_no_keys() {
    holds(
        "stale-defer-argument",
        "package a
type lease struct{}
func (l *lease) Release(err error) {}
func (l *lease) Unlock(key string) {}
func work() error { return nil }
func next() string { return \"\" }
func ends(l *lease) {
	var err error
	defer func() { l.Release(err) }()
	if err = work(); err != nil {
		return
	}
	err = work()
}
",
    );
}
