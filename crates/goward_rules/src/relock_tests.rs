//! Locks that a loop, a callback or a labelled branch keeps.

use crate::rule as named;
use crate::testing::check;

/// Holds the findings of the named rule against the marks.
#[track_caller]
fn holds(rule: &str, text: &str) {
    check(named(rule).expect("the rule exists"), text);
}

#[test]
fn functions_that_are_called_with_a_lock_held() {
    holds(
        "double-lock",
        "package a
import \"sync\"
type T struct {
	mu sync.Mutex
	m  map[string]int
}
func (t *T) each(f func(string)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for k := range t.m {
		f(k)
	}
}
func (t *T) copied(f func(string)) {
	t.mu.Lock()
	keys := make([]string, 0, len(t.m))
	for k := range t.m {
		keys = append(keys, k)
	}
	t.mu.Unlock()
	for _, k := range keys {
		f(k)
	}
}
func (t *T) either(locked bool, f func(string)) {
	if locked {
		t.mu.Lock()
		f(\"\")
		t.mu.Unlock()
	}
	f(\"\")
}
func (t *T) remove(k string) {
	t.mu.Lock()
	delete(t.m, k)
	t.mu.Unlock()
}
func (t *T) plain(k string) { println(k) }
func (t *T) Clear() { t.each(t.remove) } // want \"locked again\"
func (t *T) Print() { t.each(t.plain) }
func (t *T) ClearCopied() { t.copied(t.remove) }
func (t *T) Either() { t.either(false, t.remove) }
func (t *T) Into(other *T) { t.each(other.remove) }
",
    );
}

#[test]
fn locks_that_the_next_turn_takes_again() {
    holds(
        "double-lock",
        "package a
import \"sync\"
type T struct {
	mu   sync.Mutex
	n    int
	kids []*T
}
func (t *T) after(fs []func()) {
	for _, f := range fs {
		t.mu.Lock() // want \"locked again\"
		f()
	}
	t.mu.Unlock()
}
func (t *T) left(fs []func() bool) {
	for _, f := range fs {
		t.mu.Lock()
		if f() {
			break
		}
		t.mu.Unlock()
	}
	t.mu.Unlock()
}
func (t *T) once() {
	for {
		t.mu.Lock()
		break
	}
	t.mu.Unlock()
}
func (t *T) around(f func()) {
	t.mu.Lock()
	for range 3 {
		t.mu.Unlock()
		f()
		t.mu.Lock()
	}
	t.mu.Unlock()
}
func (t *T) all() {
	for _, kid := range t.kids {
		kid.mu.Lock()
	}
	for _, kid := range t.kids {
		kid.mu.Unlock()
	}
}
",
    );
}

#[test]
fn branches_that_leave_an_outer_loop() {
    holds(
        "unlock-missing-on-path",
        "package a
import \"sync\"
type T struct {
	mu sync.Mutex
	ns []int
}
func (t *T) find(want int, again func() bool) (found int) {
scan:
	for again() {
		t.mu.Lock()
		for i, n := range t.ns {
			if n == want {
				found = i
				break scan // want \"still locked when this leaves the loop\"
			}
		}
		t.mu.Unlock()
	}
	return found
}
func (t *T) inner(want int, again func() bool) (found int) {
	for again() {
		t.mu.Lock()
	scan:
		for i, n := range t.ns {
			switch n {
			case want:
				found = i
				break scan
			}
		}
		t.mu.Unlock()
	}
	return found
}
",
    );
}

#[test]
fn functions_that_fail_with_the_lock() {
    holds(
        "unlock-missing-on-path",
        "package a
import (
	\"context\"
	\"errors\"
	\"sync\"
)
type T struct {
	mu sync.Mutex
	n  int
}
func (t *T) Acquire(ctx context.Context) error {
	for {
		t.mu.Lock()
		if t.n > 0 {
			t.n--
			t.mu.Unlock()
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err() // want \"still locked\"
		default:
		}
		t.mu.Unlock()
	}
}
func (t *T) LockIf(n int) error {
	t.mu.Lock()
	if t.n != n {
		t.mu.Unlock()
		return errors.New(\"other\")
	}
	return nil
}
func (t *T) Release() { t.mu.Unlock() }
",
    );
}

#[test]
fn locks_that_a_callee_takes_only_if_an_argument_is_nil() {
    holds(
        "double-lock",
        "package a
import \"sync\"
type signer interface{ Sign() }
type client struct {
	mu  sync.Mutex
	key signer
}
func (c *client) post(key signer) {
	if key == nil {
		c.account()
	}
}
func (c *client) account() {
	c.mu.Lock()
	defer c.mu.Unlock()
}
func (c *client) register() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.post(c.key)
}
func (c *client) twice() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.account() // want double-lock
}
func (c *client) failed(err error) {
	if err != nil {
		c.account()
	}
}
func (c *client) fails(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed(err) // want double-lock
}
",
    );
}

#[test]
fn copies_of_what_a_call_gives_back() {
    holds(
        "lock-copied",
        "package a
import \"sync\"
type counter struct {
	mu sync.Mutex
	n  int
}
func (c *counter) inc() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
}
func fresh() *counter {
	c := &counter{}
	c.n = 1
	return c
}
func own() {
	c := *fresh()
	c.inc()
}
func stored(from *counter) {
	c := *from // want lock-copied
	c.inc()
}
",
    );
}
