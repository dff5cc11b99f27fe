//! Maps that are others in each turn of a loop, or others than the goroutine was given.

use crate::rule as named;
use crate::testing::check;

#[test]
fn maps_of_one_turn_are_not_shared_between_turns() {
    check(
        named("map-race").expect("the rule exists"),
        "package a
import \"maps\"
func use(m map[string]int) { for range m { } }
func fill(m map[string]int) { m[\"x\"]++ }
func filledBefore(ks []string) {
	for _, k := range ks {
		deps := make(map[string]int)
		deps[k] = 1
		go use(deps)
	}
}
func filledAfter(ks []string) {
	for _, k := range ks {
		deps := make(map[string]int)
		go use(deps)
		deps[k] = 1 // want map-race
	}
}
func outside(ks []string) {
	deps := make(map[string]int)
	for _, k := range ks {
		deps[k] = 1 // want map-race
		go use(deps)
	}
}
func rebound(ks chan string) {
	queue := make(map[string]int)
	for k := range ks {
		queue[k] = 1
		if len(queue) > 9 {
			go fill(queue)
			queue = make(map[string]int)
		}
	}
}
func reboundTooEarly(ks chan string) {
	queue := make(map[string]int)
	for k := range ks {
		queue = make(map[string]int)
		go use(queue)
		queue[k] = 1 // want map-race
	}
}
func seesTheVariable(ks chan string) {
	queue := make(map[string]int)
	for range ks {
		go func() { use(queue) }()
		queue = make(map[string]int) // want map-race
	}
}
func given(ks chan string) {
	queue := make(map[string]int)
	for range ks {
		go use(queue)
		queue = nil
	}
}

type options struct{ by map[string]int }
func defaults(o options) options {
	o.by = maps.Clone(o.by)
	o.by[\"x\"] = 1
	return o
}
func noDefaults(o options) options {
	o.by[\"x\"] = 1 // want map-race
	return o
}
func setsThem(o options) {
	for range 3 {
		go defaults(o)
	}
	for range 3 {
		go noDefaults(o)
	}
}
",
    );
}

#[test]
fn a_type_that_is_called_like_a_handler_is_none() {
    check(
        named("map-race").expect("the rule exists"),
        "package a
import \"net/http\"
type HandlerFunc func(int) error
func walk(f HandlerFunc) { f(1); f(2) }
func blobs() {
	seen := map[int]bool{}
	walk(HandlerFunc(func(n int) error {
		seen[n] = true
		return nil
	}))
	for n := range seen {
		println(n)
	}
}
func serve() {
	seen := map[string]bool{}
	http.Handle(\"/\", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen[r.Host] = true // want map-race
	}))
}
",
    );
}
