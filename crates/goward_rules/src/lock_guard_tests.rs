//! Locks of which a call gives back a guard that is unlocked, and those that callers hold.

use crate::rule as named;
use crate::testing::check;

#[test]
fn locks_that_give_a_guard() {
    check(
        named("map-race").expect("the rule exists"),
        r#"
-- obs/obs.go --
package obs

import "sync"

type Mutex struct{ mu sync.Mutex }
type Guard struct{ mu *Mutex }

func (m *Mutex) Lock(why string) Guard { m.mu.Lock(); return Guard{m} }
func (g Guard) Unlock()                { g.mu.mu.Unlock() }

type Latch struct{}
type Ticket struct{}

func (l *Latch) Lock(why string) Ticket { return Ticket{} }
-- a.go --
package p

import "example.com/app/obs"

type server struct {
	mu    obs.Mutex
	latch obs.Latch
	m     map[string]int
}

func newServer() *server { return &server{m: map[string]int{}} }

func (s *server) add(key string) {
	guard := s.mu.Lock("add")
	defer guard.Unlock()
	s.m[key]++
}
func (s *server) addUnlocked(key string) {
	s.m[key]++ // want map-race
}
func (s *server) addByLatch(key string) {
	s.latch.Lock("add")
	s.m[key]++ // want map-race
}
func (s *server) serve(keys []string) {
	for _, key := range keys {
		go s.add(key)
	}
}
func (s *server) serveUnlocked(keys []string) {
	for _, key := range keys {
		go s.addUnlocked(key)
	}
}
func (s *server) serveByLatch(keys []string) {
	for _, key := range keys {
		go s.addByLatch(key)
	}
}
"#,
    );
}

#[test]
fn locks_that_callers_hold() {
    check(
        named("map-race").expect("the rule exists"),
        r#"
package p

import (
	"sync"
	"time"
)

type server struct {
	mu     sync.Mutex
	timers map[string]*time.Timer
}

func newServer() *server { return &server{timers: map[string]*time.Timer{}} }

// schedule sets a timer. The lock should be held.
func (s *server) schedule(key string) {
	s.timers[key] = time.AfterFunc(time.Second, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.timers, key)
	})
}

// later sets a timer.
func (s *server) later(key string) {
	go func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.timers, key)
	}()
	s.timers[key] = nil // want map-race
}

// bare sets a timer. The lock should be held.
func (s *server) bare(key string) {
	go func() {
		delete(s.timers, key)
	}()
	s.timers[key] = nil // want map-race
}
"#,
    );
}
