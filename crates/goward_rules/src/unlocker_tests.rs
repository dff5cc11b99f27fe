//! Functions that take a lock and return what gives it back.

use crate::rule as named;
use crate::testing::check;

#[test]
fn what_a_lock_helper_returns_gives_the_lock_back() {
    check(
        named("double-lock").expect("the rule exists"),
        "package a
import \"sync\"
type T struct {
	mu sync.RWMutex
	n  int
}
func (t *T) lock() func()  { t.mu.Lock(); return t.mu.Unlock }
func (t *T) rlock() func() {
	t.mu.RLock()
	return func() { t.mu.RUnlock() }
}
func run(f func()) { f() }
func (t *T) Get() int {
	defer t.lock()()
	return t.n
}
func (t *T) Set(n int) {
	defer run(t.lock())
	t.n = n
}
func (t *T) Read() int {
	unlock := t.rlock()
	defer unlock()
	return t.n
}
func (t *T) All() int {
	t.Set(t.Get() + 1)
	if t.Read() > 3 {
		t.Set(t.Read())
	}
	return t.Get()
}

type held struct{ t *T }
func (h *held) Release() { h.t.mu.Unlock() }
func (t *T) Acquire() *held { t.mu.Lock(); return &held{t} }
func (t *T) Twice() {
	h := t.Acquire()
	h.Release()
	t.Acquire().Release()
}
func (t *T) Locker() sync.Locker { t.mu.Lock(); return &t.mu }
func (t *T) Thrice() {
	t.Locker().Unlock()
	t.Locker().Unlock()
}

// It returns nothing that could give the lock back.
func (t *T) begin() int { t.mu.Lock(); return t.n }
func (t *T) Again() {
	t.begin()
	t.begin() // want double-lock
}
",
    );
}

#[test]
fn a_callee_that_lets_go_of_the_lock_for_a_while_is_no_turn_that_keeps_it() {
    check(
        named("unlock-missing-on-path").expect("the rule exists"),
        r#"package a

import "sync"

type S struct {
	mu sync.Mutex
	n  map[int]int
	cb func(int)
}

func (s *S) remove(k int) {
	delete(s.n, k)
	if s.cb != nil {
		s.mu.Unlock()
		s.cb(k)
		s.mu.Lock()
	}
}

func (s *S) expire(ks []int, ttl int) {
	enabled := ttl > 0
	s.mu.Lock()
	defer s.mu.Unlock()
	if !enabled {
		for _, k := range ks {
			s.remove(k)
		}
	} else {
		s.mu.Unlock()
		for _, k := range ks {
			s.mu.Lock()
			delete(s.n, k)
			s.mu.Unlock()
			println("x")
		}
		s.mu.Lock()
	}
	println(len(s.n))
}
"#,
    );
}

#[test]
fn what_follows_a_return_for_a_flag_is_up_to_the_caller() {
    check(
        named("double-lock").expect("the rule exists"),
        "package a
import \"sync\"
type T struct {
	mu sync.Mutex
	m  map[string]int
}
func (t *T) find(k string, create bool) int {
	if n, ok := t.m[k]; ok || !create {
		return n
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.m[k] = 1
	return 1
}
func (t *T) add(k string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.m[k]++
}
func (t *T) Remove(k string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.find(k, false) > 0 {
		delete(t.m, k)
	}
	t.add(k) // want double-lock
}
",
    );
}

#[test]
fn many_exits_that_one_function_is_the_cause_of_are_reported_once() {
    const OPEN: &str = "package a
import \"errors\"
import \"sync\"
type store struct {
	mu sync.Mutex
	n  int
}
func (s *store) open() (int, error) {
	s.mu.Lock()
	if s.n < 0 {
		return 0, errors.New(\"closed\")
	}
	return s.n, nil
}
func (s *store) release(n int) {
	s.n = n
	s.mu.Unlock()
}
";
    let callers = |names: &str, marked: usize| -> String {
        let callers = names.chars().enumerate().map(|(number, name)| {
            let mark = match number < marked {
                true => " // want unlock-missing-on-path",
                false => "",
            };
            format!(
                "func (s *store) {name}() error {{
	db, err := s.open()
	if err != nil {{
		return err{mark}
	}}
	defer s.release(db)
	return nil
}}
"
            )
        });
        OPEN.to_owned() + &callers.collect::<String>()
    };
    let rule = named("unlock-missing-on-path").expect("the rule exists");
    check(rule, &callers("ABC", 3));
    check(rule, &callers("ABCDE", 1));
}
