//! Cases of `guarded-field-without-lock`, beside the examples on its page.

use crate::rule as named;
use crate::testing::check;

#[track_caller]
fn holds(text: &str) {
    let rule = named("guarded-field-without-lock").expect("the rule exists");
    let start = "package a
import \"sync\"
type T struct {
	mu sync.Mutex
	m  map[string]int
	n  map[string]int
}
func New() *T { return &T{m: map[string]int{}, n: map[string]int{}} }
func (t *T) Set(k string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.m[k]++
	t.n[k]++
}
func (t *T) Get(k string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.m[k] + t.n[k]
}
";
    check(rule, &format!("{start}{text}"));
}

#[test]
fn a_lock_that_is_given_back_too_early_or_taken_too_late() {
    holds(
        "func (t *T) Early(k string) int {
	t.mu.Lock()
	v := t.m[k]
	t.mu.Unlock()
	return v + t.m[k] // want guarded-field-without-lock
}
func (t *T) Late(k string) {
	if _, ok := t.n[k]; ok { // want guarded-field-without-lock
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n[k] = 1
}
func (t *T) Both(k string) {
	t.mu.Lock()
	t.setLocked(k)
	t.mu.Unlock()
	t.setLocked(k) // want guarded-field-without-lock
}
func (t *T) setLocked(k string) { t.m[k] = 1 }
func (t *T) Alias() {
	t.mu.Lock()
	m := t.m
	t.mu.Unlock()
	for range m { // want guarded-field-without-lock
	}
}
func (t *T) Taken() {
	t.mu.Lock()
	n := t.n
	t.renew()
	t.mu.Unlock()
	for range n {
	}
}
func (t *T) renew() { t.n = map[string]int{} }
func (t *T) Known(k string) int {
	t.mu.Lock()
	t.mu.Unlock()
	// No lock is needed: nobody sets k any more.
	return t.m[k]
}
",
    );
}

/// What the goroutine does is the business of `map-race`.
#[test]
fn who_can_come_at_any_time() {
    holds(
        "func (t *T) Run() {
	go t.loop()
	t.each()
}
func (t *T) loop() {
	for range t.m {
	}
}
func (t *T) each() {
	for range t.n { // want guarded-field-without-lock
	}
}
",
    );
}

#[test]
fn callers_that_hold_the_lock_at_some_distance() {
    holds(
        "func (t *T) Change(k string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.first(k)
}
func (t *T) Later(k string) func() {
	return func() { t.first(k) }
}
func (t *T) first(k string)  { t.second(k) }
func (t *T) second(k string) { t.third(k) }
func (t *T) third(k string)  { t.m[k] = 1 }
",
    );
}

#[test]
fn locks_that_a_literal_gives_back() {
    holds(
        "func (t *T) Begin(k string) func() {
	t.mu.Lock()
	return func() {
		defer t.mu.Unlock()
		t.end(k)
	}
}
func (t *T) end(k string) { delete(t.m, k) }
func (t *T) verify() { t.fillNow() }
func (t *T) fillNow() { t.n[\"b\"] = 1 }
",
    );
}

#[test]
fn a_goroutine_for_each_object() {
    let rule = named("guarded-field-without-lock").expect("the rule exists");
    check(
        rule,
        "package a
import \"sync\"
type worker struct {
	mu   sync.Mutex
	jobs map[string]int
}
func Start(n int) (all []*worker) {
	for range n {
		w := &worker{jobs: map[string]int{}}
		go w.run()
		all = append(all, w)
	}
	return all
}
func (w *worker) run() {
	for {
		w.add()
		w.done()
		w.look()
	}
}
func (w *worker) add() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.jobs[\"a\"]++
}
func (w *worker) done() {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.jobs, \"a\")
}
func (w *worker) look() {
	for range w.jobs {
	}
}
func (w *worker) Jobs() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.jobs[\"a\"]
}
",
    );
}

#[test]
fn set_up_by_those_who_call_it() {
    holds(
        "func (t *T) Init() { t.read() }
func (t *T) read()  { t.fill() }
func (t *T) fill()  { t.m[\"a\"] = 1 }
func (t *T) Close() {
	for range t.m {
	}
}
func (t *T) MockFill() { t.n[\"a\"] = 1 }
",
    );
}

#[test]
fn mutexes_that_other_packages_can_take() {
    let rule = named("guarded-field-without-lock").expect("the rule exists");
    check(
        rule,
        "package a
import \"sync\"
type Open struct {
	sync.Mutex
	m, n map[string]int
}
func New() *Open { return &Open{m: map[string]int{}, n: map[string]int{}} }
func (o *Open) Set(k string) {
	o.Lock()
	defer o.Unlock()
	o.m[k]++
	o.n[k]++
}
func (o *Open) Get(k string) int {
	o.Lock()
	defer o.Unlock()
	return o.m[k] + o.n[k]
}
func (o *Open) Keys() (keys []string) {
	for k := range o.m {
		keys = append(keys, k)
	}
	return keys
}
func (o *Open) Each() {
	for k := range o.n { // want guarded-field-without-lock
		println(k)
	}
}
func Print(o *Open) { o.Each() }
",
    );
}

#[test]
fn tables_that_are_filled_by_registration() {
    let rule = named("guarded-field-without-lock").expect("the rule exists");
    check(
        rule,
        "package a
import \"sync\"
var (
	mu    sync.Mutex
	table = map[string]func(){}
	cache = map[string]int{}
)
func Register(k string, f func()) {
	mu.Lock()
	defer mu.Unlock()
	table[k] = f
}
func Known(k string) bool {
	mu.Lock()
	defer mu.Unlock()
	return table[k] != nil
}
func Call(k string) { table[k]() }
func Put(k string) {
	mu.Lock()
	defer mu.Unlock()
	cache[k]++
}
func Drop(k string) {
	mu.Lock()
	defer mu.Unlock()
	delete(cache, k)
}
func Get(k string) int { return cache[k] } // want guarded-field-without-lock
",
    );
}
