//! Cases of `stale-defer-argument` about errors, elements, durations, keys and what is counted.

use crate::rules::stale_defer_argument::RULE;
use crate::testing::check;

#[test]
fn errors_elements_durations_and_keys() {
    check(
        &RULE,
        r#"
package p

import (
	"errors"
	"log"
	"time"
)

func work() error { return nil }
func report(err error) {}
func note(n int) {}

type locks struct{}
func (locks) Lock(key string) {}
func (locks) Unlock(key string) {}

func since(start time.Time) { defer log.Println("took", time.Since(start)) } // want "time.Since"
func nested(start time.Time) { defer log.Println("took", float64(time.Since(start))/2) } // want "time.Since"
func method(start time.Time) { defer log.Print(time.Since(start).Seconds()) } // want "time.Since"
func later(start time.Time) { defer log.Print(func() any { return time.Since(start) }) }
func assigned() { var err error; defer report(err); err = work(); _ = err } // want "assigned after it"
func result() (err error) { defer report(err); return work() } // want "assigned after it"
func putBack(put func(error)) { var err error; defer put(err); err = work(); _ = err } // want "assigned after it"
func result2() (err error) { defer report(err); return errors.New("no") } // want "assigned after it"
func literal() { var err error; defer func(e error) { report(e) }(err); err = work(); _ = err } // want "assigned after it"
func element(m map[string]int) { defer note(m["a"]); m["a"] = 2 } // want "set after it"
func counted(m map[string]int) { defer note(m["a"]); m["a"]++ } // want "set after it"
func key(l locks, k string) { l.Lock(k); defer func() { l.Unlock(k) }(); k = "other" } // want "assigned before that"

func eachTurn(n int) { for range n { err := work(); defer report(err) } }
func kept() { old := work(); defer report(old); old = work(); _ = old }
func before() { err := work(); defer report(err) }
func closure() { var err error; defer func() { report(err) }(); err = work(); _ = err }
func same() (err error) { err = work(); defer report(err); return err }
func success() (err error) { defer report(err); return nil }
func identifier(id string) { defer log.Print(id); id = "other" }
func otherElement(m map[string]int) { defer note(m["a"]); m["b"] = 2 }
func keyArgument(l locks, k string) { l.Lock(k); defer l.Unlock(k); k = "other" }
func duration(start time.Time) { d := time.Since(start); defer log.Print(d) }
func inClosure(start time.Time) { defer func() { log.Print(time.Since(start)) }() }
"#,
    );
}

#[test]
fn lengths_and_deletions() {
    check(
        &RULE,
        r#"
package p

import (
	"fmt"
	"log"
)

type T struct {
	m    map[int]bool
	next int
	list []int
}

func drop(m map[string]int, k string) { delete(m, k) }
func restore(v int)                   {}
func truncate(n int)                  {}
func next() string                    { return "" }
func load() map[int]bool              { return nil }

func lengthOfMap(keys []string) {
	seen := map[string]bool{}
	defer fmt.Println("distinct", len(seen)) // want "changes after it"
	for _, k := range keys {
		seen[k] = true
	}
}
func lengthOfSlice(n int) {
	var list []int
	defer log.Print(len(list)) // want "changes after it"
	list = append(list, n)
}
func key(m map[string]int) { k := "a"; defer delete(m, k); k = "b"; m[k] = 1 } // want "`k` is evaluated at"
func keyGiven(m map[string]int) { var k string; defer delete(m, k); k = next(); m[k] = 1 } // want "`k` is evaluated at"
func keyOfHelper(m map[string]int) { var k string; defer drop(m, k); k = next(); m[k] = 1 } // want "`k` is evaluated at"
func keyUpdated(m map[string]int, k string) { defer delete(m, k); k += "!"; m[k] = 1 } // want "`k` is evaluated at"
func (t *T) field() { defer delete(t.m, t.next); t.next++; t.m[t.next] = true } // want "`t.next` is evaluated at"
func (t *T) replaced() { defer delete(t.m, 1); t.m = load(); t.m[1] = true } // want "`t.m` is evaluated at"
func cleared() { m := load(); defer clear(m); m = load(); m[1] = true } // want "`m` is evaluated at"

func lengthKept(t *T) { defer truncate(len(t.list)); t.list = append(t.list, 1) }
func lengthSame(list []int) { defer fmt.Println(len(list)); list[0] = 1 }
func keySet(m map[string]int, k string) { m[k] = 1; defer delete(m, k); k = "other"; println(k) }
func keyOfCaller(m map[string]int, k string) { defer delete(m, k); k = next(); println(k) }
func keyEachTurn(m map[string]int, keys []string) {
	for i := range keys {
		k := keys[i]
		m[k] = 1
		defer delete(m, k)
	}
}
func deletedTwice(m map[string]int) { k := "a"; defer delete(m, k); k = "b"; m[k] = 1; defer delete(m, k) }
func givenUp(t *T) { defer delete(t.m, 1); t.m = nil }
func madeOfIt(t *T) { defer delete(t.m, 1); t.m = extend(t.m) }
func extend(m map[int]bool) map[int]bool { return m }
func begunAgain(t *T) { defer clear(t.m); t.m = make(map[int]bool) }
func before(m map[string]int) { var k string; k = next(); defer delete(m, k); m[k] = 1 }
func old(m map[string]int) { defer func(v int) { m["a"] = v }(m["a"]); m["a"] = 2 }
func named(m map[string]int) { defer restore(m["a"]); m["a"] = 2 }
"#,
    );
}
