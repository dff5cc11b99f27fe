//! Maps that a channel with room for one value guards.

use crate::rule as named;
use crate::testing::check;

fn check_races(text: &str) {
    check(named("map-race").expect("the rule exists"), text);
}

#[test]
fn channels_as_mutexes() {
    check_races(
        r#"
package p

import "sync"

func sending(keys []string) {
	m := map[string]int{}
	lock := make(chan struct{}, 1)
	var wg sync.WaitGroup
	for _, key := range keys {
		wg.Go(func() {
			lock <- struct{}{}
			m[key]++
			<-lock
		})
	}
	wg.Wait()
}
func receiving(keys []string) {
	m := map[string]int{}
	token := make(chan bool, 1)
	token <- true
	for _, key := range keys {
		go func() {
			<-token
			defer func() { token <- true }()
			m[key]++
		}()
	}
}
func bothSides(key string) {
	m := map[string]int{}
	lock := make(chan struct{}, 1)
	go func() {
		lock <- struct{}{}
		m[key]++
		<-lock
	}()
	lock <- struct{}{}
	m[key]--
	<-lock
}
func inSelect(keys []string, stop chan bool) {
	m := map[string]int{}
	lock := make(chan struct{}, 1)
	for _, key := range keys {
		go func() {
			select {
			case lock <- struct{}{}:
			case <-stop:
				return
			}
			m[key]++
			<-lock
		}()
	}
}

type guarded struct {
	sem chan struct{}
	m   map[string]int
}

func newGuarded() *guarded { return &guarded{sem: make(chan struct{}, 1), m: map[string]int{}} }
func (g *guarded) lock()   { g.sem <- struct{}{} }
func (g *guarded) unlock() { <-g.sem }
func (g *guarded) tryLock(stop chan bool) bool {
	select {
	case g.sem <- struct{}{}:
		return true
	case <-stop:
		return false
	}
}
func (g *guarded) add(keys []string, stop chan bool) {
	for _, key := range keys {
		go func() {
			g.lock()
			g.m[key]++
			g.unlock()
			if g.tryLock(stop) {
				defer g.unlock()
				g.m[key]++
			}
		}()
	}
}

func outside(keys []string) {
	m := map[string]int{}
	lock := make(chan struct{}, 1)
	for _, key := range keys {
		go func() {
			lock <- struct{}{}
			println(key)
			<-lock
			m[key]++ // want map-race
		}()
	}
}
func oneSide(key string) {
	m := map[string]int{}
	lock := make(chan struct{}, 1)
	go func() {
		lock <- struct{}{}
		m[key]++ // want map-race
		<-lock
	}()
	println(m[key])
}
func roomForTwo(keys []string) {
	m := map[string]int{}
	slots := make(chan struct{}, 2)
	for _, key := range keys {
		go func() {
			slots <- struct{}{}
			m[key]++ // want map-race
			<-slots
		}()
	}
}
func inOneBranch(keys []string) {
	m := map[string]int{}
	lock := make(chan struct{}, 1)
	for _, key := range keys {
		go func() {
			if key == "" {
				lock <- struct{}{}
				<-lock
			}
			m[key]++ // want map-race
		}()
	}
}
func results(keys []string) {
	m := map[string]int{}
	errs := make(chan error, 1)
	for _, key := range keys {
		go func() {
			m[key]++ // want map-race
			errs <- nil
		}()
	}
	<-errs
}
func otherWay(keys []string) {
	m := map[string]int{}
	lock := make(chan struct{}, 1)
	for _, key := range keys {
		go func() {
			<-lock
			lock <- struct{}{}
			m[key]++ // want map-race
		}()
	}
}
"#,
    );
}
