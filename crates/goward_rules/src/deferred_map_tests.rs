//! Every way to write and read a map in a deferred call, in every situation in which that is safe or
//! not: tables whose rows are multiplied with each other, so that no combination is forgotten.

use std::fmt::Write;

use crate::rules::{map_read_in_defer, map_write_in_defer};
use crate::testing::check;
use crate::{Selection, check_package};

/// An operation on the map `M` with the key `k`.
struct Operation {
    name: &'static str,
    text: &'static str,
    writes: bool,
    /// It panics when the map is nil.
    panics_on_nil: bool,
}

const OPERATIONS: &[Operation] = &[
    Operation {
        name: "assign",
        text: "M[k] = 1",
        writes: true,
        panics_on_nil: true,
    },
    Operation {
        name: "update",
        text: "M[k] += 2",
        writes: true,
        panics_on_nil: true,
    },
    Operation {
        name: "count",
        text: "M[k]++",
        writes: true,
        panics_on_nil: true,
    },
    Operation {
        name: "delete",
        text: "delete(M, k)",
        writes: true,
        panics_on_nil: false,
    },
    Operation {
        name: "clear",
        text: "clear(M)",
        writes: true,
        panics_on_nil: false,
    },
    Operation {
        name: "iterate",
        text: "for key := range M { use(key) }",
        writes: true,
        panics_on_nil: false,
    },
    Operation {
        name: "read",
        text: "note(M[k])",
        writes: false,
        panics_on_nil: false,
    },
    Operation {
        name: "look up",
        text: "if _, ok := M[k]; ok { use(k) }",
        writes: false,
        panics_on_nil: false,
    },
];

/// How the operation gets into a deferred call. `OP` is the operation on `M`, `MAP` the map here.
struct Carrier {
    name: &'static str,
    text: &'static str,
    /// The map is evaluated when the call is deferred, or through a receiver.
    early: bool,
    /// It needs a receiver.
    method: bool,
}

const CARRIERS: &[Carrier] = &[
    Carrier {
        name: "closure",
        text: "defer func() { OP }()",
        early: false,
        method: false,
    },
    Carrier {
        name: "nested closure",
        text: "defer func() { func() { OP }() }()",
        early: false,
        method: false,
    },
    Carrier {
        name: "closure in a variable",
        text: "run := func() { OP }; defer run()",
        early: false,
        method: false,
    },
    Carrier {
        name: "helper called in a closure",
        text: "defer func() { helper(MAP, k) }()",
        early: false,
        method: false,
    },
    Carrier {
        name: "helper through a helper",
        text: "defer func() { outer(MAP, k) }()",
        early: false,
        method: false,
    },
    Carrier {
        name: "argument",
        text: "defer helper(MAP, k)",
        early: true,
        method: false,
    },
    Carrier {
        name: "argument of a literal",
        text: "defer func(M map[string]int) { OPM }(MAP)",
        early: true,
        method: false,
    },
    Carrier {
        name: "method",
        text: "defer t.op(k)",
        early: false,
        method: true,
    },
    Carrier {
        name: "method value",
        text: "run := t.op; defer run(k)",
        early: false,
        method: true,
    },
    Carrier {
        name: "method expression",
        text: "defer (*T).op(t, k)",
        early: false,
        method: true,
    },
    Carrier {
        name: "method called in a closure",
        text: "defer func() { t.op(k) }()",
        early: false,
        method: true,
    },
    Carrier {
        name: "method through a method",
        text: "defer t.outer(k)",
        early: false,
        method: true,
    },
];

/// A function around the deferred call `D`.
struct Situation {
    name: &'static str,
    text: &'static str,
    /// The map in it.
    map: &'static str,
    hazard: Hazard,
}

#[derive(Copy, Clone, PartialEq, Eq, Debug)]
enum Hazard {
    None,
    /// Another goroutine may be at the map.
    Shared,
    /// The same, with other goroutines that only read.
    SharedForWrites,
    /// The map is nil from the beginning to the end.
    Nil,
    /// It is nil, or may be, for whoever looks when the call runs.
    NilLate,
    /// It is nil when the call is deferred, and another one later.
    NilEarly,
    /// It is set to nil between.
    SetToNil,
    /// Another map takes its place between.
    Replaced,
    /// It is nil when the call is deferred, and may be another one later.
    NilOrReplaced,
}

const FIELD: &str = "t.m";
const SITUATIONS: &[Situation] = &[
    // A map that is used under a lock elsewhere.
    Situation {
        name: "no lock",
        map: FIELD,
        hazard: Hazard::Shared,
        text: "func (t *T) Work(k string) { D; work() }",
    },
    Situation {
        name: "lock before only",
        map: FIELD,
        hazard: Hazard::Shared,
        text: "func (t *T) Work(k string) { t.mu.Lock(); t.m[k] = 2; t.mu.Unlock(); D; work() }",
    },
    Situation {
        name: "lock between",
        map: FIELD,
        hazard: Hazard::Shared,
        text: "func (t *T) Work(k string) { D; t.mu.Lock(); t.m[k] = 2; t.mu.Unlock(); work() }",
    },
    Situation {
        name: "unlocked before the end",
        map: FIELD,
        hazard: Hazard::Shared,
        text: "func (t *T) Work(k string) { t.mu.Lock(); D; work(); t.mu.Unlock() }",
    },
    Situation {
        name: "runs after the unlock",
        map: FIELD,
        hazard: Hazard::Shared,
        text: "func (t *T) Work(k string) { t.mu.Lock(); D; defer t.mu.Unlock(); work() }",
    },
    Situation {
        name: "runs after the unlock in a closure",
        map: FIELD,
        hazard: Hazard::Shared,
        text: "func (t *T) Work(k string) { t.mu.Lock(); D; defer func() { t.mu.Unlock() }(); work() }",
    },
    Situation {
        name: "runs before the unlock",
        map: FIELD,
        hazard: Hazard::None,
        text: "func (t *T) Work(k string) { t.mu.Lock(); defer t.mu.Unlock(); D; work() }",
    },
    Situation {
        name: "unlock deferred first, lock later",
        map: FIELD,
        hazard: Hazard::None,
        text: "func (t *T) Work(k string) { defer t.mu.Unlock(); D; t.mu.Lock(); work() }",
    },
    Situation {
        name: "unlock in a closure",
        map: FIELD,
        hazard: Hazard::None,
        text: "func (t *T) Work(k string) { t.mu.Lock(); defer func() { t.mu.Unlock() }(); D; work() }",
    },
    Situation {
        name: "taken again by a deferred call",
        map: FIELD,
        hazard: Hazard::None,
        text: "func (t *T) Work(k string) { defer t.mu.Unlock(); D; defer t.mu.Lock(); work() }",
    },
    Situation {
        name: "locked by every caller",
        map: FIELD,
        hazard: Hazard::None,
        text: "func (t *T) Work(k string) { t.mu.Lock(); defer t.mu.Unlock(); t.inner(k) }\nfunc (t *T) inner(k string) { D; work() }",
    },
    Situation {
        name: "new object",
        map: FIELD,
        hazard: Hazard::None,
        text: "func Make(k string) *T { t := &T{m: map[string]int{}}; D; work(); return t }",
    },
    Situation {
        name: "return early",
        map: FIELD,
        hazard: Hazard::Shared,
        text: "func (t *T) Work(k string) error { D; if err := try(); err != nil { return err }; t.mu.Lock(); defer t.mu.Unlock(); return nil }",
    },
    Situation {
        name: "part of the making",
        map: FIELD,
        hazard: Hazard::None,
        text: "func Make(k string) *T { t := &T{m: map[string]int{}}; t.fill(k); return t }\nfunc (t *T) fill(k string) { D; work() }",
    },
    Situation {
        name: "part of the making, and called later",
        map: FIELD,
        hazard: Hazard::Shared,
        text: "func Make(k string) *T { t := &T{m: map[string]int{}}; t.fill(k); return t }\nfunc (t *T) Again(k string) { t.fill(k) }\nfunc (t *T) fill(k string) { D; work() }",
    },
    Situation {
        name: "new object with a goroutine that locks",
        map: FIELD,
        hazard: Hazard::SharedForWrites,
        text: "func Make(k string) { t := New(); D; go t.Get(k); work() }",
    },
    // Local maps.
    Situation {
        name: "local",
        map: "m",
        hazard: Hazard::None,
        text: "func Work(k string) { m := map[string]int{}; D; m[k] = 2; work() }",
    },
    Situation {
        name: "local, returned",
        map: "m",
        hazard: Hazard::None,
        text: "func Work(k string) map[string]int { m := map[string]int{}; D; m[k] = 2; return m }",
    },
    Situation {
        name: "parameter",
        map: "m",
        hazard: Hazard::None,
        text: "func Work(m map[string]int, k string) { D; m[k] = 2; work() }",
    },
    Situation {
        name: "goroutine",
        map: "m",
        hazard: Hazard::Shared,
        text: "func Work(k string) { m := map[string]int{}; D; go func() { m[\"other\"] = 2 }(); work() }",
    },
    Situation {
        name: "goroutine before",
        map: "m",
        hazard: Hazard::Shared,
        text: "func Work(k string) { m := map[string]int{}; go func() { m[\"other\"] = 2 }(); D; work() }",
    },
    Situation {
        name: "goroutine, waited for",
        map: "m",
        hazard: Hazard::None,
        text: "func Work(k string) { m := map[string]int{}; var group sync.WaitGroup; group.Add(1); D; go func() { defer group.Done(); m[\"other\"] = 2 }(); group.Wait() }",
    },
    Situation {
        name: "goroutine, waited for before it runs",
        map: "m",
        hazard: Hazard::None,
        text: "func Work(k string) { m := map[string]int{}; var group sync.WaitGroup; D; defer group.Wait(); group.Add(1); go func() { defer group.Done(); m[\"other\"] = 2 }(); work() }",
    },
    Situation {
        name: "goroutine, waited for after it ran",
        map: "m",
        hazard: Hazard::Shared,
        text: "func Work(k string) { m := map[string]int{}; var group sync.WaitGroup; defer group.Wait(); D; group.Add(1); go func() { defer group.Done(); m[\"other\"] = 2 }(); work() }",
    },
    Situation {
        name: "goroutine, done channel",
        map: "m",
        hazard: Hazard::None,
        text: "func Work(k string) { m := map[string]int{}; done := make(chan bool); D; go func() { m[\"other\"] = 2; close(done) }(); <-done }",
    },
    Situation {
        name: "in a goroutine",
        map: "m",
        hazard: Hazard::Shared,
        text: "func Work(k string) { m := map[string]int{}; go func() { D; work() }(); m[\"other\"] = 2; work() }",
    },
    Situation {
        name: "in a goroutine, waited for",
        map: "m",
        hazard: Hazard::None,
        text: "func Work(k string) { m := map[string]int{}; var group sync.WaitGroup; group.Add(1); go func() { defer group.Done(); D; work() }(); group.Wait(); m[\"other\"] = 2 }",
    },
    Situation {
        name: "local with a local lock",
        map: "m",
        hazard: Hazard::None,
        text: "func Work(k string) { m := map[string]int{}; var mu sync.Mutex; go func() { mu.Lock(); m[\"other\"] = 2; mu.Unlock() }(); mu.Lock(); defer mu.Unlock(); D; work() }",
    },
    // Nil maps.
    Situation {
        name: "never made",
        map: "m",
        hazard: Hazard::Nil,
        text: "func Work(k string) { var m map[string]int; D; use(k); if m[k] > 3 { work() } }",
    },
    Situation {
        name: "made later",
        map: "m",
        hazard: Hazard::NilEarly,
        text: "func Work(k string) { var m map[string]int; D; m = map[string]int{}; work() }",
    },
    Situation {
        name: "made on a branch",
        map: "m",
        hazard: Hazard::NilOrReplaced,
        text: "func Work(k string) { var m map[string]int; D; if try() == nil { m = map[string]int{k: 1} }; work() }",
    },
    Situation {
        name: "set to nil",
        map: "m",
        hazard: Hazard::SetToNil,
        text: "func Work(k string) { m := map[string]int{}; D; m[k] = 2; m = nil; work() }",
    },
    Situation {
        name: "set to nil and made again",
        map: "m",
        hazard: Hazard::Replaced,
        text: "func Work(k string) { m := map[string]int{}; D; m = nil; work(); m = map[string]int{} }",
    },
    Situation {
        name: "named result",
        map: "m",
        hazard: Hazard::NilLate,
        text: "func Work(k string) (m map[string]int, err error) { m = map[string]int{}; D; if err = try(); err != nil { return nil, err }; return m, nil }",
    },
    // Package variables.
    Situation {
        name: "package variable with a goroutine",
        map: "table",
        hazard: Hazard::Shared,
        text: "var table = map[string]int{}\nfunc Start() { go func() { for { table[\"other\"]++ } }() }\nfunc Work(k string) { D; work() }",
    },
    Situation {
        name: "package variable with its lock",
        map: "table",
        hazard: Hazard::None,
        text: "var table = map[string]int{}\nvar tableLock sync.Mutex\nfunc Start() { go func() { tableLock.Lock(); table[\"other\"]++; tableLock.Unlock() }() }\nfunc Work(k string) { tableLock.Lock(); defer tableLock.Unlock(); D; work() }",
    },
    Situation {
        name: "package variable without its lock",
        map: "table",
        hazard: Hazard::Shared,
        text: "var table = map[string]int{}\nvar tableLock sync.Mutex\nfunc Start() { tableLock.Lock(); table[\"other\"]++; tableLock.Unlock() }\nfunc Work(k string) { D; work() }",
    },
];

const COMMON: &str = r#"package p

import "sync"

type T struct {
	mu sync.Mutex
	m  map[string]int
}

func New() *T { return &T{m: map[string]int{}} }
func (t *T) Set(k string) { t.mu.Lock(); defer t.mu.Unlock(); t.m[k] = 1 }
func (t *T) Get(k string) int { t.mu.Lock(); defer t.mu.Unlock(); return t.m[k] }
func work() {}
func try() error { return nil }
func use(string) {}
func note(int) {}
"#;

/// The program of one combination, if it makes sense.
fn program(operation: &Operation, carrier: &Carrier, situation: &Situation) -> Option<String> {
    if carrier.method && situation.map != FIELD {
        return None;
    }
    let here = operation.text.replace('M', situation.map);
    let deferred = carrier
        .text
        .replace("OPM", operation.text)
        .replace("OP", &here)
        .replace("MAP", situation.map);
    // What only some combinations need must not be unused evidence in the others.
    let mut text = COMMON.to_owned();
    let on_parameter = operation.text.replace('M', "m");
    let on_field = operation.text.replace('M', FIELD);
    if carrier.text.contains("helper(") || carrier.text.contains("outer(MAP") {
        let _ = writeln!(
            text,
            "func helper(m map[string]int, k string) {{ {on_parameter} }}"
        );
    }
    if carrier.text.contains("outer(MAP") {
        text.push_str("func outer(m map[string]int, k string) { helper(m, k) }\n");
    }
    if carrier.method {
        let _ = writeln!(text, "func (t *T) op(k string) {{ {on_field} }}");
    }
    if carrier.text.contains("t.outer") {
        text.push_str("func (t *T) outer(k string) { t.op(k) }\n");
    }
    text.push_str(&situation.text.replace('D', &deferred));
    text.push('\n');
    Some(text)
}

/// Whether a combination is to be reported.
fn expected(operation: &Operation, carrier: &Carrier, situation: &Situation) -> bool {
    match situation.hazard {
        Hazard::None => false,
        // The other side of these writes.
        Hazard::Shared => true,
        Hazard::SharedForWrites => {
            operation.panics_on_nil || matches!(operation.name, "delete" | "clear")
        }
        Hazard::Nil => operation.panics_on_nil,
        // A map that is given away at the `defer` statement is the one of that moment.
        Hazard::NilLate => operation.panics_on_nil && !carrier.early,
        Hazard::NilEarly => operation.panics_on_nil && carrier.early || stale(operation, carrier),
        Hazard::SetToNil => match carrier.early {
            // It reads the old map, or it reads nothing.
            true => stale(operation, carrier),
            false => operation.panics_on_nil || !operation.writes,
        },
        Hazard::Replaced => stale(operation, carrier),
        Hazard::NilOrReplaced => operation.panics_on_nil || stale(operation, carrier),
    }
}

/// Whether it reads a map that was given away and then replaced. Who passes it to a literal wants the
/// old one.
fn stale(operation: &Operation, carrier: &Carrier) -> bool {
    !operation.writes && carrier.name == "argument"
}

#[test]
fn every_operation_in_every_call_in_every_situation() {
    let selection = Selection::new(
        &["map-write-in-defer", "map-read-in-defer"],
        &[""; 0],
        &[""; 0],
    )
    .unwrap();
    let mut differences = String::new();
    let mut count = 0;
    for situation in SITUATIONS {
        // One module, with a package for each combination.
        let mut text = String::new();
        let mut combinations = Vec::new();
        for carrier in CARRIERS {
            for operation in OPERATIONS {
                if let Some(program) = program(operation, carrier, situation) {
                    let _ = write!(text, "-- p{}/a.go --\n{program}", combinations.len());
                    combinations.push((operation, carrier));
                }
            }
        }
        let sources = goward_flow::testing::sources(&text);
        let mut found = Vec::new();
        goward_flow::testing::with_packages(&sources, |package| {
            found.extend(check_package(package, &selection).findings);
        });
        for (number, &(operation, carrier)) in combinations.iter().enumerate() {
            let path = format!("p{number}/a.go");
            let rule = match operation.writes {
                true => "map-write-in-defer",
                false => "map-read-in-defer",
            };
            let reported = found
                .iter()
                .any(|finding| finding.rule == rule && finding.file.as_str() == path);
            let wanted = expected(operation, carrier, situation);
            count += 1;
            if reported != wanted {
                let _ = writeln!(
                    differences,
                    "{} | {} | {}: {}",
                    situation.name,
                    carrier.name,
                    operation.name,
                    if wanted { "missed" } else { "false alarm" },
                );
            }
        }
    }
    assert!(count > 1_000, "{count} combinations");
    assert!(differences.is_empty(), "of {count}:\n{differences}");
}

#[test]
fn other_locks_and_places() {
    check(
        &map_write_in_defer::RULE,
        r#"
package p

import (
	"maps"
	"net/http"
	"sync"
)

type readers struct {
	mu sync.RWMutex
	m  map[string]int
}

func newReaders() *readers { return &readers{m: map[string]int{}} }
func (r *readers) set(k string) { r.mu.Lock(); r.m[k] = 1; r.mu.Unlock() }
func (r *readers) readLocked(k string) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	// `write-under-rlock` says what is wrong here.
	defer func() { r.m[k]++ }()
}
func (r *readers) written(k string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer func() { r.m[k]++ }()
}

type embedded struct {
	sync.Mutex
	m map[string]int
}

func newEmbedded() *embedded { return &embedded{m: map[string]int{}} }
func (e *embedded) set(k string) { e.Lock(); defer e.Unlock(); e.m[k] = 1 }
func (e *embedded) late(k string) {
	e.Lock()
	defer delete(e.m, k) // want "`e.m` is deleted from"
	defer e.Unlock()
}
func (e *embedded) inTime(k string) {
	e.Lock()
	defer e.Unlock()
	defer delete(e.m, k)
}

type nested struct {
	mu  sync.Mutex
	sub map[string]map[string]int
	in  struct{ m map[string]int }
}

func newNested() *nested {
	n := &nested{sub: map[string]map[string]int{}}
	n.in.m = map[string]int{}
	return n
}
func (n *nested) set(k string) { n.mu.Lock(); defer n.mu.Unlock(); n.sub[k][k] = 1; n.in.m[k] = 1 }
func (n *nested) inner(k string) { defer func() { n.sub[k][k]++ }() } // want "n.sub"
func (n *nested) field(k string) { defer func() { n.in.m[k]++ }() } // want "n.in.m"
func (n *nested) fieldLocked(k string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	defer func() { n.in.m[k]++ }()
}

var hits = map[string]int{}

func handle(w http.ResponseWriter, r *http.Request) {
	defer func() { hits[r.URL.Path]++ }() // want "hits"
}

type counter map[string]int

func (c counter) add(k string) { c[k]++ } // want "`c` can be nil"
func named(k string) {
	var c counter
	defer c.add(k)
}

func loop(keys []string) {
	m := map[string]int{}
	for _, k := range keys {
		go func() {
			defer func() { m[k]++ }() // want "`m` is written in a deferred call"
		}()
	}
}
func copied(other map[string]int) {
	m := map[string]int{}
	defer maps.Copy(m, other) // want "`m` is written in a deferred call"
	go func() { m["a"] = 1 }()
}
func synced(k string) {
	var m sync.Map
	defer m.Store(k, 1)
	go m.Store(k, 2)
}
func checked(k string) {
	var m map[string]int
	defer func() {
		if m != nil {
			m[k] = 1
		}
	}()
}
func madeThere(k string) {
	var m map[string]int
	defer func() {
		if m == nil {
			m = map[string]int{}
		}
		m[k] = 1
	}()
}
func onlyRecovered(work func()) (counts map[string]int) {
	counts = map[string]int{}
	defer func() {
		if r := recover(); r != nil {
			counts["panics"]++
		}
	}()
	work()
	return counts
}
func madeInTheCall(find func() *box, k string) (err error) {
	var b *box
	defer func() {
		if b == nil {
			b = find()
		}
		b.m[k] = 1
	}()
	b = find()
	return nil
}

type loop struct {
	m    map[string]int
	done chan bool
}

func (l *loop) run() { l.m["a"] = 1; close(l.done) }
func (l *loop) stop() {
	<-l.done
	clear(l.m)
}
func waitsInTheCall(l *loop) {
	defer l.stop()
	go l.run()
}
func generic[K comparable](k K) {
	m := map[K]int{}
	defer func() { m[k]++ }() // want "`m` is written in a deferred call"
	go func() { m[k] = 2 }()
}
func pointer(k string) {
	var q *readers
	if k != "" {
		q = newReaders()
	}
	defer func() { q.m[k] = 1 }() // want "`q` can be nil"
}
type box struct{ m map[string]int }

// The receiver is evaluated at the defer statement.
func receiver(k string) {
	b := &box{m: map[string]int{}}
	defer b.set(k)
	b = nil
}
func (b *box) set(k string) { b.m[k] = 1 }
"#,
    );
}

#[test]
fn reads() {
    check(
        &map_read_in_defer::RULE,
        r#"
package p

import (
	"fmt"
	"log"
	"maps"
	"sync"
)

type readers struct {
	mu sync.RWMutex
	m  map[string]int
}

func newReaders() *readers { return &readers{m: map[string]int{}} }
func (r *readers) set(k string) { r.mu.Lock(); r.m[k] = 1; r.mu.Unlock() }
func (r *readers) locked(k string) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	defer func() { fmt.Println(r.m[k]) }()
}
func (r *readers) unlocked(k string) { defer func() { fmt.Println(r.m[k]) }() } // want "`r.m` is read in a deferred call"
func (r *readers) late(k string) {
	r.mu.RLock()
	defer func() { fmt.Println(r.m[k]) }() // want "`r.m` is read in a deferred call"
	defer r.mu.RUnlock()
}
// The element is read at the defer statement, not when the call runs.
func (r *readers) early(k string) {
	r.mu.RLock()
	defer fmt.Println(r.m[k])
	defer r.mu.RUnlock()
}
func (r *readers) condition(k string) { defer func() { if r.m[k] > 1 { log.Print(k) } }() } // want "`r.m` is read"
func (r *readers) keys() { defer func() { for k := range maps.Keys(r.m) { log.Print(k) } }() } // want "`r.m` is read"

func onlyReads() {
	m := map[string]int{"a": 1}
	defer func() { fmt.Println(m["a"]) }()
	go func() { fmt.Println(m["a"]) }()
}
func written() {
	m := map[string]int{"a": 1}
	defer func() { fmt.Println(m["a"]) }() // want "`m` is read in a deferred call"
	go func() { m["a"] = 2 }()
}
func replacedForClosure(load func() map[string]int) {
	m := map[string]int{"a": 1}
	defer func() { fmt.Println(m["a"]) }()
	m = load()
}
func setToNil() {
	m := map[string]int{"a": 1}
	defer func() { fmt.Println(m["a"]) }() // want "`m` is nil when the deferred call reads it"
	m = nil
}
func show(m map[string]int) { fmt.Println(m["a"]) }
func replacedForArgument(load func() map[string]int) {
	m := map[string]int{"a": 1}
	defer show(m) // want "`m` is replaced before the deferred call runs"
	m = load()
}
func replacedField(t *readers, load func() map[string]int) {
	defer show(t.m) // want "`t.m` is replaced before the deferred call runs"
	t.m = load()
}
func handedOver(t *readers) {
	defer show(t.m)
	t.m = map[string]int{}
}
func otherField(t, u *readers, load func() map[string]int) {
	defer show(t.m)
	u.m = load()
}
func kept(load func() map[string]int) {
	m := map[string]int{"a": 1}
	defer show(m)
	m["b"] = 2
}
func nilPointer(find func() *readers, k string) {
	var r *readers
	defer func() { fmt.Println(r.m[k]) }() // want "`r` can be nil when the deferred call uses `r.m`"
	if k == "" {
		return
	}
	r = find()
}
"#,
    );
}

#[test]
fn objects_that_their_callers_lock() {
    check(
        &map_write_in_defer::RULE,
        "package a
import \"sync\"
type Loader struct {
	mu    sync.Mutex
	cache map[string]int
}
func New() *Loader { return &Loader{cache: map[string]int{}} }
func (l *Loader) LockWith(k string) {
	l.mu.Lock()
	l.cache[k] = 0
}
func (l *Loader) Unlock() { l.mu.Unlock() }
func (l *Loader) Load(k string) (n int) {
	defer func() {
		l.cache[k] = n
	}()
	return 1
}
",
    );
}
