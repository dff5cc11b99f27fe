//! Goroutines that are over, or not begun, when others come to what they share.

use crate::rule as named;
use crate::testing::check;

fn check_rule(rule: &str, text: &str) {
    check(named(rule).expect("the rule exists"), text);
}

#[test]
fn channels_that_end_a_goroutine() {
    check_rule(
        "captured-variable-race",
        r#"
package p

import "time"

func work() error { return nil }

func stopped() {
	var err error
	quit := make(chan struct{})
	ticker := time.NewTicker(time.Second)
	go func() {
		for {
			select {
			case <-quit:
				ticker.Stop()
				return
			case <-ticker.C:
				err = work()
			}
		}
	}()
	quit <- struct{}{}
	err = work()
	println(err)
}
func buffered() {
	var err error
	quit := make(chan struct{}, 1)
	ticker := time.NewTicker(time.Second)
	go func() {
		for {
			select {
			case <-quit:
				return
			case <-ticker.C:
				err = work() // want "this goroutine sets `err`"
			}
		}
	}()
	quit <- struct{}{}
	err = work()
}
func goesOn() {
	var err error
	next := make(chan struct{})
	ticker := time.NewTicker(time.Second)
	go func() {
		for {
			select {
			case <-next:
				println("next")
			case <-ticker.C:
				err = work() // want "this goroutine sets `err`"
			}
		}
	}()
	next <- struct{}{}
	err = work()
}
func oneOfTwo() {
	var err error
	quit := make(chan struct{})
	ticker := time.NewTicker(time.Second)
	for range 2 {
		go func() {
			for {
				select {
				case <-quit:
					return
				case <-ticker.C:
					err = work() // want "`err` is set by several"
				}
			}
		}()
	}
	quit <- struct{}{}
	err = work()
}
func closedOnly() {
	var err error
	quit := make(chan struct{})
	ticker := time.NewTicker(time.Second)
	go func() {
		for {
			select {
			case <-quit:
				return
			case <-ticker.C:
				err = work() // want "this goroutine sets `err`"
			}
		}
	}()
	close(quit)
	err = work()
}
"#,
    );
}

#[test]
fn waits_that_are_handed_on() {
    check_rule(
        "map-race",
        r#"
package p

import (
	"context"
	"sync"
	"time"
)

func handedOn(keys []string) {
	m := map[string]int{}
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		m["a"] = 1
	}()
	done := make(chan struct{})
	go func() {
		wg.Wait()
		close(done)
	}()
	stop := make(chan struct{})
	select {
	case <-done:
		println(len(m), m["a"])
	case <-stop:
	}
}
func handedOnDeferred(keys []string) {
	m := map[string]int{}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		m["a"] = 1
	}()
	done := make(chan struct{})
	go func() {
		defer close(done)
		wg.Wait()
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	cancel()
	println(m["a"])
}
func timedOut(keys []string) {
	m := map[string]int{}
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		m["a"] = 1 // want map-race
	}()
	done := make(chan struct{})
	go func() {
		defer close(done)
		wg.Wait()
	}()
	select {
	case <-done:
	case <-time.After(time.Second):
	}
	println(m["a"])
}
func toldBefore(keys []string) {
	m := map[string]int{}
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		m["a"] = 1 // want map-race
	}()
	begun := make(chan struct{})
	go func() {
		close(begun)
		wg.Wait()
	}()
	stop := make(chan struct{})
	select {
	case <-begun:
		println(m["a"])
	case <-stop:
	}
}
"#,
    );
}

#[test]
fn one_goroutine_at_a_time() {
    check_rule(
        "map-race",
        r#"
-- a.go --
package p

import (
	"sync"

	"golang.org/x/sync/errgroup"
)

type conn interface{ Read() string }
type listener interface {
	Accept() (conn, error)
	Close() error
}

func limited(keys []string) {
	m := map[string]int{}
	var g errgroup.Group
	g.SetLimit(1)
	for _, key := range keys {
		g.Go(func() error { m[key]++; return nil })
	}
	g.Go(func() error { m[""]++; return nil })
	g.Wait()
}
func limitedToTwo(keys []string) {
	m := map[string]int{}
	var g errgroup.Group
	g.SetLimit(2)
	for _, key := range keys {
		g.Go(func() error { m[key]++; return nil }) // want map-race
	}
	g.Wait()
}
func limitedElsewhere(keys []string) {
	m := map[string]int{}
	var g, other errgroup.Group
	other.SetLimit(1)
	for _, key := range keys {
		g.Go(func() error { m[key]++; return nil }) // want map-race
	}
	g.Wait()
	other.Wait()
}
func joinedEachTurn(keys []string) {
	m := map[string]int{}
	for _, key := range keys {
		var wg sync.WaitGroup
		wg.Go(func() { m[key]++ })
		wg.Wait()
	}
}
func serve(l listener) {
	m := map[string]int{}
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() { m[c.Read()]++ }() // want map-race
	}
}
func serveOne(l listener) {
	m := map[string]int{}
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		l.Close()
		go func() { m[c.Read()]++ }()
	}
}
-- a_test.go --
package p

func fake(l listener) {
	m := map[string]int{}
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() { m[c.Read()]++ }()
	}
}
func all(keys []string) {
	m := map[string]int{}
	for _, key := range keys {
		go func() { m[key]++ }() // want map-race
	}
}
"#,
    );
}

#[test]
fn flags_that_are_down_until_the_last_one_is_over() {
    check_rule(
        "captured-variable-race",
        r#"
package p

import (
	"context"
	"sync"
)

func run(context.Context) {}

type server struct{ running, begun bool }

func (s *server) loop(parent context.Context, wanted chan bool) {
	var ctx context.Context
	var cancel context.CancelFunc
	var wg sync.WaitGroup
	for on := range wanted {
		if on && !s.running {
			ctx, cancel = context.WithCancel(parent)
			wg.Add(1)
			go func() {
				defer wg.Done()
				run(ctx)
			}()
			s.running = true
		}
		if !on && s.running {
			cancel()
			wg.Wait()
			s.running = false
		}
	}
}
func (s *server) tooEarly(parent context.Context, wanted chan bool) {
	var ctx context.Context
	var cancel context.CancelFunc
	for on := range wanted {
		if on && !s.begun {
			ctx, cancel = context.WithCancel(parent)
			go func() {
				run(ctx) // want "this goroutine uses `ctx`"
			}()
			s.begun = true
		}
		if !on && s.begun {
			cancel()
			s.begun = false
		}
	}
}
func neverRaised(parent context.Context, wanted chan bool) {
	var ctx context.Context
	running := false
	for range wanted {
		if !running {
			ctx, _ = context.WithCancel(parent)
			go func() {
				run(ctx) // want "this goroutine uses `ctx`"
			}()
		}
	}
}
"#,
    );
}
