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
func leaves(mu *sync.Mutex, xs []int) (n int) {
	for _, x := range xs {
		mu.Lock()
		if x > 0 {
			break // want unlock-missing-on-path
		}
		n += x
		mu.Unlock()
	}
	return n
}
func leavesLabelled(mu *sync.Mutex, xs [][]int) (n int) {
outer:
	for _, list := range xs {
		for _, x := range list {
			mu.Lock()
			switch {
			case x > 0:
				break outer // want unlock-missing-on-path
			case x < 0:
				mu.Unlock()
				break outer
			}
			mu.Unlock()
		}
	}
	return n
}
func leavesAndUnlocks(mu *sync.Mutex, xs []int) {
	mu.Lock()
	for _, x := range xs {
		mu.Unlock()
		mu.Lock()
		if x > 0 {
			break
		}
	}
	mu.Unlock()
}
func leavesLocked(mu *sync.Mutex, ready func() bool) {
	for {
		mu.Lock()
		if ready() {
			break
		}
		mu.Unlock()
	}
	defer mu.Unlock()
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

#[test]
fn turns_of_endless_loops_that_keep_a_lock() {
    holds(
        "unlock-missing-on-path",
        "package a
import \"sync\"
type T struct {
	mu   sync.Mutex
	next int
}
func get() (int, error)
func (t *T) serve() error {
	for {
		r, err := get()
		if err != nil {
			return err
		}
		t.mu.Lock()
		if r == 0 {
			continue // want unlock-missing-on-path
		}
		t.next++
		t.mu.Unlock()
	}
}
func (t *T) request(k any) {
	for {
		switch k := k.(type) {
		case int:
			t.mu.Lock()
			if k > 9 {
				t.next = k
				continue // want unlock-missing-on-path
			}
			t.mu.Unlock()
		}
	}
}
func (t *T) counted() {
	for i := 0; i < 9; i++ {
		t.mu.Lock()
		if t.next == i {
			continue // want unlock-missing-on-path
		}
		t.mu.Unlock()
	}
}
func (t *T) conditional(x bool) {
	for {
		if x {
			t.mu.Lock()
		}
		t.next++
		if x {
			t.mu.Unlock()
		}
	}
}
func (t *T) released() {
	for {
		t.mu.Lock()
		if t.next == 0 {
			t.mu.Unlock()
			continue
		}
		t.mu.Unlock()
	}
}
func (t *T) until() {
	for {
		t.mu.Lock()
		if t.next == 0 {
			t.mu.Unlock()
			return
		}
		t.next--
		t.mu.Unlock()
	}
}
",
    );
}

#[test]
fn locks_that_are_given_back_or_taken_by_state() {
    holds(
        "double-lock",
        "package a
import \"sync\"
type T struct {
	mu     sync.Mutex
	secure bool
	n      int
}
func (t *T) pause() {
	for i := 0; i < 3; i++ {
		t.mu.Unlock()
		t.mu.Lock()
	}
}
func (t *T) Pauses() {
	t.mu.Lock()
	t.pause()
	t.mu.Unlock()
}
func (t *T) negotiate() {
	t.mu.Lock()
	t.mu.Unlock()
}
func (t *T) message() {
	if !t.secure {
		t.negotiate()
		return
	}
	t.n++
}
func (t *T) Handle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.message()
}
func (t *T) check(err error) {
	if err != nil {
		t.negotiate()
	}
}
func (t *T) Check(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.check(err) // want double-lock
}
func (t *T) remove(locked bool) {
	lock := func() {
		if !locked {
			t.mu.Lock()
		}
	}
	unlock := func() {
		if !locked {
			t.mu.Unlock()
		}
	}
	lock()
	unlock()
}
func (t *T) Remove() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.remove(true)
}
func (t *T) start(f func()) {
	t.mu.Lock()
	go f()
	t.mu.Unlock()
}
func (t *T) Start() {
	t.start(func() { t.negotiate() })
}
func (t *T) note(batch *int) {
	if batch != nil {
		t.negotiate()
	}
}
func (t *T) Note() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.note(nil)
}
func deep() {
	var mu sync.Mutex
	go func() {
		mu.Lock()
		mu.Lock()
	}()
	mu.Unlock()
}
",
    );
    holds(
        "rlock-reentry",
        "package a
import \"sync\"
type T struct { mu, other sync.RWMutex }
func (t *T) Twice() {
	t.mu.RLock()
	t.mu.RLock()
	t.mu.RUnlock()
	t.mu.RUnlock()
}
func (t *T) Other() {
	t.other.RLock()
	t.other.RLock() // want rlock-reentry
	t.other.RUnlock()
	t.other.RUnlock()
}
func (t *T) Write() {
	t.other.Lock()
	t.other.Unlock()
}
",
    );
    holds(
        "unlock-missing-on-path",
        "package a
import \"sync\"
func signal(n int) {
	for range n {
		var mu sync.Mutex
		mu.Lock()
		go func() { mu.Unlock() }()
		mu.Lock()
	}
}
// Blocks that the caller gave are checked here.
func many(mu *sync.Mutex, blocks []int) int {
	mu.Lock() // want \"still locked when `many` returns at 3 of its exits\"
	if len(blocks) == 0 {
		return 1
	}
	if blocks[0] == 1 {
		return 2
	}
	if blocks[0] == 2 {
		return 3
	}
	mu.Unlock()
	return 0
}
",
    );
}

#[test]
fn read_locks_under_which_one_goroutine_writes() {
    holds(
        "write-under-rlock",
        "package a
import \"sync\"
type T struct {
	mu   sync.RWMutex
	gone map[int]bool
	hits map[int]int
}
func Open() *T {
	t := &T{gone: map[int]bool{}, hits: map[int]int{}}
	go t.run()
	return t
}
func (t *T) run() {
	for {
		t.truncate()
	}
}
func (t *T) truncate() {
	t.mu.RLock()
	defer t.mu.RUnlock()
	t.gone[1] = true
	t.hits[1]++ // want write-under-rlock
}
func (t *T) Hits() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.hits[1]
}
",
    );
}

#[test]
fn maps_of_functions_that_run_in_several_goroutines() {
    holds(
        "map-race",
        "package a
import (
	\"context\"
	\"sync\"
)
type walk struct {
	visit func(string)
}
func each(names []string, visit func(string)) {
	w := &walk{visit: visit}
	w.run(names)
}
func (w *walk) run(names []string) {
	var wg sync.WaitGroup
	for _, name := range names {
		wg.Add(1)
		go func() {
			defer wg.Done()
			w.visit(name)
		}()
	}
	wg.Wait()
}
func inTurn(names []string, visit func(string)) {
	for _, name := range names {
		visit(name)
	}
}
func guarded(names []string, visit func(string)) {
	var mu sync.Mutex
	for _, name := range names {
		go func() {
			mu.Lock()
			visit(name)
			mu.Unlock()
		}()
	}
}
func Use(names []string) {
	seen := map[string]bool{}
	each(names, func(name string) {
		seen[name] = true // want map-race
	})
	other := map[string]bool{}
	inTurn(names, func(name string) {
		other[name] = true
	})
	guarded(names, func(name string) {
		other[name] = true
	})
	each(names, func(name string) {
		inside := map[string]bool{}
		inTurn(names, func(name string) {
			inside[name] = true
		})
	})
}
type clock interface{ AfterFunc(f func()) }
func Serve(requests chan []string) {
	for request := range requests {
		go answer(request)
	}
}
func answer(names []string) {
	own := map[string]bool{}
	inTurn(names, func(name string) {
		own[name] = true
	})
}
func Loop(ctx context.Context, input <-chan string, c clock) {
	pending := map[string]bool{}
	c.AfterFunc(func() {
		pending = map[string]bool{}
	})
	for {
		select {
		case <-ctx.Done():
			return
		case name := <-input:
			pending[name] = true // want map-race
		}
	}
}
func Waits(done chan bool) {
	pending := map[string]bool{}
	go func() {
		pending[\"a\"] = true
		close(done)
	}()
	select {
	case <-done:
		pending[\"b\"] = true
	}
}
type server struct{ UnimplementedNotesServer; notes map[string]int }
type UnimplementedNotesServer struct{}
type Notes_ChatServer interface{ Recv() string }
type store interface{ lock(); unlock() }
type users struct { UnimplementedNotesServer; store store; names map[string]int }
func (u *users) Add(ctx context.Context, name string) error {
	u.store.lock()
	defer u.store.unlock()
	u.names[name]++
	return nil
}
func (s *server) Chat(stream Notes_ChatServer) error {
	s.notes[stream.Recv()]++ // want map-race
	return nil
}
func (s *server) Add(ctx context.Context, note string) error {
	s.notes[note]++ // want map-race
	return nil
}
func (s *server) reset(ctx context.Context, note string) {
	s.notes[note] = 0
}
",
    );
}

#[test]
fn maps_that_one_goroutine_owns_or_that_are_set_up() {
    holds(
        "guarded-field-without-lock-other",
        "package a
import \"sync\"
type T struct {
	mu    sync.Mutex
	items map[string]int
	owned map[string]int
}
func Open() *T {
	t := &T{items: map[string]int{}, owned: map[string]int{}}
	t.restore()
	go t.run()
	return t
}
func (t *T) restore() { t.items[\"a\"] = 1 }
func (t *T) run() {
	for {
		if t.owned[\"a\"] > 0 {
			t.mu.Lock()
			t.owned[\"a\"]++
			t.mu.Unlock()
		}
		t.look()
	}
}
func (t *T) look() {
	for range t.items { // want guarded-field-without-lock-other
	}
}
func (t *T) Owned() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.owned[\"a\"]
}
func (t *T) Set(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.items[name] = 1
}
func (t *T) Take() map[string]int {
	t.mu.Lock()
	items := t.items
	t.items = nil
	t.mu.Unlock()
	for range items {
	}
	return items
}
func (t *T) Both(name string) {
	t.mu.Lock()
	t.setLocked(name)
	t.mu.Unlock()
	t.setLocked(name)
}
func (t *T) setLocked(name string) { t.items[name] = 1 }
type view struct { mu *sync.Mutex; t *T }
func (t *T) View() *view { return &view{mu: &t.mu, t: t} }
func (v *view) Len() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.t.items[\"a\"]
}
type watch struct { t *T; remove func() }
func (t *T) Watch() *watch {
	return &watch{t: t, remove: func() { delete(t.items, \"a\") }}
}
func (w *watch) Close() {
	w.t.mu.Lock()
	w.remove()
	w.t.mu.Unlock()
}
",
    );
}

#[test]
fn lengths_and_structs_of_a_mutex_and_a_map() {
    holds(
        "guarded-field-without-lock-other",
        "package a
import \"sync\"
type T struct {
	mu sync.Mutex
	m  map[string]int
}
func New() *T { return &T{m: map[string]int{}} }
func (t *T) Set(k string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.m[k]++
}
func (t *T) Get(k string) int {
	return t.m[k] // want guarded-field-without-lock-other
}
func (t *T) All(f func(string)) {
	for k := range t.m { // want guarded-field-without-lock-other
		f(k)
	}
}
func (t *T) Has(k string) bool {
	_, ok := t.m[k] // want guarded-field-without-lock-other
	return ok
}
func (t *T) Len() int {
	return len(t.m) // want \"is measured without `t.mu`\"
}
func (t *T) Locked() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.m)
}
type Fixed struct {
	mu sync.Mutex
	n  int
	m  map[string]int
}
func NewFixed() *Fixed { return &Fixed{m: map[string]int{\"a\": 1}} }
func (f *Fixed) Len() int { return len(f.m) }
func (f *Fixed) Count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	return f.m[\"a\"]
}
",
    );
}

#[test]
fn functions_that_start_what_they_are_given() {
    holds(
        "map-race",
        "package a
import \"sync\"
type group struct {
	wait sync.WaitGroup
	mu   sync.Mutex
	err  error
}
func (g *group) run(f func() error) {
	g.wait.Add(1)
	go func() {
		defer g.wait.Done()
		if err := f(); err != nil {
			g.err = err
		}
	}()
}
func (g *group) Wait() error { g.wait.Wait(); return g.err }
func (g *group) now(f func()) { f() }
func (g *group) guarded(f func()) {
	go func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		f()
	}()
}
func all(keys []string) map[string]int {
	m := map[string]int{}
	var g group
	for _, k := range keys {
		g.run(func() error {
			m[k]++ // want map-race
			return nil
		})
	}
	g.Wait()
	return m
}
func two() {
	m := map[string]int{}
	var g group
	g.run(func() error { m[\"a\"] = 1; return nil })
	g.run(func() error { m[\"b\"] = 2; return nil }) // want map-race
	g.Wait()
	m[\"c\"] = 3
}
func waits() {
	m := map[string]int{}
	var g group
	g.run(func() error { m[\"a\"] = 1; return nil })
	g.Wait()
	m[\"c\"] = 3
}
func inTurn(keys []string) {
	m := map[string]int{}
	var g group
	for _, k := range keys {
		g.now(func() { m[k]++ })
	}
}
func locked(keys []string) {
	m := map[string]int{}
	var g group
	for _, k := range keys {
		g.guarded(func() { m[k]++ })
	}
}
",
    );
}
