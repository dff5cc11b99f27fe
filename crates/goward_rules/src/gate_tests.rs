//! Maps of goroutines that wait until the function lets them through.

use crate::rule as named;
use crate::testing::check;

#[test]
fn gates_and_answers() {
    check(
        named("map-race").expect("the rule exists"),
        r#"
package p

import "sync"

func started() {
	m := map[string]int{}
	start := make(chan struct{})
	go func() {
		<-start
		m["a"] = 1
	}()
	m["b"] = 2
	close(start)
}
func startedTooEarly() {
	m := map[string]int{}
	start := make(chan struct{})
	go func() {
		<-start
		m["a"] = 1 // want map-race
	}()
	close(start)
	println(m["b"])
}
func handshake(keys []string, stop chan bool) {
	m := map[string]int{}
	next := make(chan bool, 2)
	done := make(chan error, 2)
	go expand(m, next, done)
	for _, key := range keys {
		if key == "" {
			next <- true
			select {
			case <-done:
			case <-stop:
				return
			}
		}
		println(m[key])
	}
	next <- false
}
func expand(m map[string]int, next chan bool, done chan error) {
	for {
		if !<-next {
			return
		}
		m["a"]++
		done <- nil
	}
}
func noAnswer(keys []string) {
	m := map[string]int{}
	next := make(chan bool, 2)
	go func() {
		for range next {
			m["a"]++ // want map-race
		}
	}()
	for _, key := range keys {
		next <- true
		println(m[key])
	}
}
func besideTheGate(key string) {
	m := map[string]int{}
	next := make(chan bool)
	go func() {
		select {
		case <-next:
		default:
		}
		m["a"]++ // want map-race
	}()
	println(m[key])
	next <- true
}
func pipeline(keys []string) {
	m := map[string]int{}
	work := make(chan string)
	results := make(chan string)
	go func() {
		for result := range results {
			delete(m, result)
		}
	}()
	go func() {
		for key := range work {
			results <- key + "!"
		}
		close(results)
	}()
	for key := range m {
		println(key)
	}
	for _, key := range keys {
		work <- key
	}
	close(work)
}
func pipelineOfGroups(metas map[string]*int, concurrency int) {
	var filters, dups sync.WaitGroup
	groups := make(chan []*int)
	found := make(chan string)
	dups.Go(func() {
		for dup := range found {
			delete(metas, dup)
		}
	})
	for i := 0; i < concurrency; i++ {
		filters.Go(func() {
			for group := range groups {
				filter(group, found)
			}
		})
	}
	by := map[string][]*int{}
	for k, meta := range metas {
		by[k] = append(by[k], meta)
	}
	for _, group := range by {
		groups <- group
	}
	close(groups)
	filters.Wait()
	close(found)
	dups.Wait()
}
func filter(group []*int, found chan string) {
	if len(group) > 1 {
		found <- "x"
	}
}
func pipelineInOneLoop(keys []string) {
	m := map[string]int{}
	work := make(chan string)
	results := make(chan string)
	go func() {
		for result := range results {
			delete(m, result) // want map-race
		}
	}()
	go func() {
		for key := range work {
			results <- key + "!"
		}
		close(results)
	}()
	for _, key := range keys {
		println(m[key])
		work <- key
	}
	close(work)
}
func openedByAnother(keys []string) {
	m := map[string]int{}
	start := make(chan bool)
	go func() {
		<-start
		m["a"]++ // want map-race
	}()
	go func() { start <- true }()
	println(m["b"])
}
"#,
    );
}
