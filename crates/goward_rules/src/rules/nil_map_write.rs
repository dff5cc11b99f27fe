//! `nil-map-write`: an element of a nil map is set.

use goward_diagnostics::{Category, Diagnostic, Safety, Severity};
use goward_flow::{NilReason, NilWrite, Origin};

use crate::context::Context;
use crate::nil_maps::{left_nil, nil_write};
use crate::rule::{Group, rule};

rule! {
    /// Reports writes to a map that is nil, which panic.
    ///
    /// ## What it reports
    ///
    /// `m[k] = v`, `m[k] += v`, `m[k]++` and a range over `m[k]` where `m` is nil: declared without a
    /// value, set to nil, made on some branches only, a field that a struct literal leaves out, a
    /// named result, an inner map that nobody sets, a map from a function of the package that may
    /// return nil without an error, or with one that is not heeded, a field of a structure that
    /// encoding/json has decoded and that had no map before, what a failed type assertion gives,
    /// a field or package variable that nothing in the package ever makes, and a field that a sibling
    /// function makes when it is missing while this one does not. Also `Set` and `Add` of an `http.Header`
    /// or of `url.Values` that is nil, and `maps.Copy` into a map that is nil on every path. What the
    /// first turn of a loop makes is there in the later ones. Types of which the package makes no
    /// value are left to `nil-map-write-exported-field`.
    ///
    /// ## Why it matters
    ///
    /// Reading a nil map gives the zero value, so the map looks fine until the first write, which
    /// panics with `assignment to entry in nil map`. Unless something recovers the panic, the process
    /// ends.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import (
    /// 	"net/http"
    /// 	"net/url"
    /// )
    ///
    /// func count(words []string) map[string]int {
    /// 	var counts map[string]int
    /// 	for _, word := range words {
    /// 		counts[word]++ // want nil-map-write
    /// 	}
    /// 	return counts
    /// }
    ///
    /// type registry struct {
    /// 	names map[string]bool
    /// }
    ///
    /// func newRegistry() *registry { return &registry{} }
    ///
    /// func (r *registry) add(name string) {
    /// 	r.names[name] = true // want nil-map-write
    /// }
    ///
    /// func ping(target *url.URL) *http.Request {
    /// 	request := &http.Request{Method: "GET", URL: target}
    /// 	request.Header.Set("X-Ping", "1") // want nil-map-write
    /// 	return request
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// func index(words []string, wanted bool) map[string]int {
    /// 	var places map[string]int
    /// 	if wanted {
    /// 		places = make(map[string]int)
    /// 	}
    /// 	for i, word := range words {
    /// 		if wanted {
    /// 			places[word] = i
    /// 		}
    /// 	}
    /// 	return places
    /// }
    ///
    /// type lazy struct {
    /// 	names map[string]bool
    /// }
    ///
    /// func (l *lazy) add(name string) {
    /// 	if l.names == nil {
    /// 		l.names = make(map[string]bool)
    /// 	}
    /// 	l.names[name] = true
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// A local variable that is declared without a value gets `make`. The fix is safe where the
    /// function only reads, writes and ranges over the map; where it is returned, passed on or
    /// compared with nil, somebody may tell an empty map from a nil one, and the fix is unsafe.
    pub(crate) const RULE: Rule = Rule {
        name: "nil-map-write",
        category: Category::Panic,
        group: Group::Default,
        severity: Severity::Error,
        since: "0.1",
        fix_safety: Some(Safety::Safe),
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let maps = context.flow.nil_maps();
    for write in &maps.writes {
        // What deferred calls do is the business of `map-write-in-defer`.
        if write.deferred.is_none() && write.reason != NilReason::Decoded {
            findings.push(nil_write(context, &RULE, write));
        }
    }
    for write in &maps.nested {
        findings.push(nested(context, write));
    }
    for write in &maps.never_made {
        // A flow through the function that shows more has been reported already.
        let known = maps
            .writes
            .iter()
            .any(|other| other.unit == write.unit && other.node == write.node);
        if matches!(write.origin, Origin::Never | Origin::Sibling(_)) && !known {
            findings.push(left_nil(context, &RULE, write));
        }
    }
}

fn nested(context: &Context<'_>, write: &NilWrite) -> Diagnostic {
    let file = context.flow.units.get(write.unit).file;
    let text = context.text(file, write.map);
    RULE.diagnostic(
        context.path(file),
        context.span(file, write.node),
        format!("`{text}` is nil: nothing ever sets an inner map"),
    )
    .in_function(context.function(write.unit))
    .operation(format!("write {text}"))
    .step(
        context.path(file),
        context.span(file, write.made),
        "the outer map is made empty here",
    )
    .step(
        context.path(file),
        context.span(file, write.node),
        "the missing element is a nil map, and it is written",
    )
    .help(format!("set `{text}` to a new map where it is missing"))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn by_flow() {
        check(
            &RULE,
            r#"
package p

import "maps"

type T struct{ m map[string]int; Inner struct{ n map[string]int } }

func direct() { var m map[string]int; m["a"] = 1 } // want "is nil when it is written"
func compound() { var m map[string]int; m["a"] += 1 } // want "is nil"
func set() { m := map[string]int{}; m = nil; m["a"] = 1 } // want "is nil"
func conversion() { m := map[string]int(nil); m["a"] = 1 } // want "is nil"
func pointer() { p := new(map[string]int); (*p)["a"] = 1 } // want "is nil"
func named() (m map[string]int) { m["a"] = 1; return } // want "is nil"
func literal() { t := T{}; t.m["a"] = 1 } // want "is nil"
func literalPointer() { t := &T{}; t.m["a"] = 1 } // want "is nil"
func zero() { var t T; t.Inner.n["a"] = 1 } // want "is nil"
func copied() { var m map[string]int; n := m; n["a"] = 1 } // want "is nil"
func cloned() { var m map[string]int; n := maps.Clone(m); n["a"] = 1 } // want "is nil"
func branch(b bool) {
	var m map[string]int
	if b {
		m = map[string]int{}
	}
	m["a"] = 1 // want "may be nil"
}
func tested() { var m map[string]int; if m == nil { m["a"] = 1 } } // want "is nil"
func nested() { m := map[string]map[string]int{}; m["a"]["b"] = 1 } // want "nothing ever sets"
func twice() { var m map[string]int; m["a"] = 1; m["b"] = 2 } // want "is nil"
func ranged(s []int) { var m map[string]int; for m["i"] = range s { } } // want "is nil"
func closure() { func() { var m map[string]int; m["a"] = 1 }() } // want "is nil"

func made() { m := make(map[string]int); m["a"] = 1 }
func read() int { var m map[string]int; return m["a"] }
func deleted() { var m map[string]int; delete(m, "a"); clear(m); _ = len(m) }
func madeLater() { var m map[string]int; m = make(map[string]int); m["a"] = 1 }
func guarded() { var m map[string]int; if m != nil { m["a"] = 1 } }
func lengthGuarded(s map[string]int) { var m map[string]int; if len(s) > 0 { m = s }; if len(m) > 0 { m["a"] = 1 } }
func correlated(b bool) {
	var m map[string]int
	if b { m = make(map[string]int) }
	if b { m["a"] = 1 }
}
func early(b bool) {
	var m map[string]int
	if b { m = make(map[string]int) }
	if !b { return }
	m["a"] = 1
}
func byAddress() { var m map[string]int; fill(&m); m["a"] = 1 }
func fill(m *map[string]int) { *m = map[string]int{} }
func byClosure() { var m map[string]int; set := func() { m = map[string]int{} }; set(); m["a"] = 1 }
func outerRead() { m := map[string]map[string]int{}; m["a"] = map[string]int{}; m["a"]["b"] = 1 }
func parameter(m map[string]int) { m["a"] = 1 }
func ranging(m map[string]int) { for k := range m { m[k] = 1 } }
"#,
        );
    }

    #[test]
    fn from_functions() {
        check(
            &RULE,
            r#"
package p

import "errors"

func mayBeNil(b bool) map[string]int { if b { return nil }; return map[string]int{} }
func withError(b bool) (map[string]int, error) { if b { return nil, errors.New("no") }; return map[string]int{}, nil }
func nilAndNil(b bool) (map[string]int, error) { if b { return nil, nil }; return map[string]int{}, nil }
func clone(m map[string]int) map[string]int { if m == nil { return nil }; return map[string]int{} }
func write(m map[string]int) { m["a"] = 1 }

func a(b bool) { m := mayBeNil(b); m["a"] = 1 } // want "may be nil"
func c(b bool) { m, err := nilAndNil(b); if err != nil { return }; m["a"] = 1 } // want "may be nil"
func d(b bool) { m, _ := withError(b); m["a"] = 1 } // want "may be nil"
func e() { var m map[string]int; write(m) } // want "is nil"

func f(b bool) { m, err := withError(b); if err != nil { return }; m["a"] = 1 }
func g(m map[string]int) { n := clone(m); n["a"] = 1 }
func h(b bool) { m := mayBeNil(b); if m == nil { m = map[string]int{} }; m["a"] = 1 }
"#,
        );
    }

    #[test]
    fn never_made() {
        check(
            &RULE,
            r#"
package p

var table map[string]int
var filled = map[string]int{}
var Exported map[string]int

func setTable() { table["a"] = 1 } // want "nothing in the package ever makes it"
func setFilled() { filled["a"] = 1 }
func setExported() { Exported["a"] = 1 }

type cache struct{ entries, other map[string]int }

func newCache() *cache { return &cache{other: map[string]int{}} }
func (c *cache) put() { c.entries["a"] = 1 } // want "nothing in the package ever makes it"
func (c *cache) putOther() { c.other["a"] = 1 }

type Config struct{ Labels map[string]string }

func (c *Config) Set(k, v string) {
	if c.Labels == nil {
		c.Labels = map[string]string{}
	}
	c.Labels[k] = v
}
func (c *Config) Mark(k string) { c.Labels[k] = "" } // want "makes it when it is"

type Node struct{ Attributes, Links map[string]string }
type client struct{ node *Node }

func (c *client) setup() {
	if c.node.Attributes == nil {
		c.node.Attributes = map[string]string{}
	}
	if c.node.Links == nil {
		c.node.Links = map[string]string{}
	}
}
func (c *client) update(k string) { c.node.Attributes[k] = "" }

type Header struct{ Records map[string]string }

func prepare(h *Header) {
	if h.Records == nil {
		h.Records = map[string]string{}
	}
	h.Records["kind"] = "file"
}
func describe(h *Header) { h.Records["size"] = "0" }
func writeHeader(h *Header) { prepare(h); describe(h) }

func (c *Config) Read(k string) string { return c.Labels[k] }
"#,
        );
    }

    #[test]
    fn forms_of_the_map() {
        check(
            &RULE,
            r#"
package p

type T struct {
	m map[string]int
	sub map[string]map[string]int
	*inner
}
type inner struct{ n map[string]int }
type counts map[string]int

func (c counts) add(k string) { c[k]++ }

func innerMap() { m := make(map[string]map[string]int); m["a"]["b"]++ } // want "nothing ever sets"
func innerVariable(k string) { m := map[string]map[string]int{}; in := m[k]; in["b"] = 1 } // want "is nil"
func innerMissing(k string) { m := map[string]map[string]int{}; if _, ok := m[k]; !ok { m[k]["b"] = 1 } } // want "nothing ever sets"
func sliceElement() { s := make([]map[string]int, 3); s[0]["a"] = 1 } // want "is nil"
func arrayElement() { var s [3]map[string]int; s[0]["a"] = 1 } // want "is nil"
func newStruct() { t := new(T); t.m["a"] = 1 } // want "is nil"
func anonymous() { var s struct{ m map[string]int }; s.m["a"] = 1 } // want "is nil"
func namedType() { var c counts; c.add("a") } // want "is nil"
func namedTypeDirect() { var c counts; c["a"]++ } // want "is nil"
func two() { var a, b map[string]int; a = map[string]int{}; a["a"], b["b"] = 1, 2 } // want "`b` is nil"
func direct(b bool) { mayBeNil(b)["a"] = 1 } // want "may be nil"
func mayBeNil(b bool) map[string]int { if b { return nil }; return map[string]int{} }
func throughAnother(b bool) { m := again(b); m["a"] = 1 } // want "may be nil"
func again(b bool) map[string]int { return mayBeNil(b) }
func declaredOnly(b bool) (map[string]int, bool) { var m map[string]int; if b { m = map[string]int{} }; return m, true }
func fromDeclared(b bool) { m, _ := declaredOnly(b); m["a"] = 1 }
func cases(n int) {
	var m map[string]int
	switch n {
	case 1:
		m = map[string]int{}
	case 2:
		m = map[string]int{"a": 1}
	}
	m["b"] = 1 // want "may be nil"
}
func compared(list []string) {
	var m map[string]int
	for _, k := range list {
		if m == nil {
			m = map[string]int{}
		}
		m[k] = 1
	}
}
func innerSet(k string) { m := map[string]map[string]int{}; if m[k] == nil { m[k] = map[string]int{} }; m[k]["b"] = 1 }
func innerVariableSet(k string) {
	m := map[string]map[string]int{}
	in := m[k]
	if in == nil {
		in = map[string]int{}
		m[k] = in
	}
	in["b"] = 1
}
func sliceSet() { s := make([]map[string]int, 3); for i := range s { s[i] = map[string]int{} }; s[0]["a"] = 1 }
func sliceLiteral() { s := []map[string]int{{}, {}}; s[0]["a"] = 1 }
func sliceFilled(fill func([]map[string]int)) { s := make([]map[string]int, 3); fill(s); s[0]["a"] = 1 }
func defaultCase(n int) {
	var m map[string]int
	switch n {
	case 1:
		m = map[string]int{}
	default:
		m = map[string]int{"a": 1}
	}
	m["b"] = 1
}
func panics(b bool) {
	var m map[string]int
	if b {
		m = map[string]int{}
	} else {
		panic("no")
	}
	m["a"] = 1
}
func address() {
	var m map[string]int
	p := &m
	fill(p)
	m["a"] = 1
}
func fill(m *map[string]int) { *m = map[string]int{} }
func methodFills() { var t T; t.init(); t.m["a"] = 1 }
func (t *T) init() { t.m = map[string]int{} }
func alias() { t := &T{}; u := t; u.init(); t.m["a"] = 1 }
func kept(all *[]*T) { t := &T{}; *all = append(*all, t); fillAll(*all); t.m["a"] = 1 }
func fillAll(all []*T) { for _, t := range all { t.init() } }
"#,
        );
    }

    #[test]
    fn outcomes() {
        check(
            &RULE,
            r#"
package p

import (
	"errors"
	"fmt"
	"log"
)

func load(b bool) (map[string]int, error) {
	if b {
		return nil, errors.New("no")
	}
	return map[string]int{}, nil
}
func find(b bool) (map[string]int, bool) {
	if b {
		return nil, false
	}
	return map[string]int{}, true
}

func told(b bool) {
	m, err := load(b)
	if err != nil {
		log.Print(err)
	}
	m["a"] = 1 // want "may be nil"
}
func toldByBool(b bool) {
	m, ok := find(b)
	if !ok {
		fmt.Println("no")
	}
	m["a"] = 1 // want "may be nil"
}
func asserted(v any) {
	m, ok := v.(map[string]int)
	if !ok {
		println("no map")
	}
	m["a"]++ // want "may be nil"
}
func element(all map[string]map[string]int) {
	m, ok := all["a"]
	if !ok {
		println("none")
	}
	m["b"]++ // want "may be nil"
}
func testedOnly(all map[string]map[string]int) {
	m := all["a"]
	if m == nil {
		println("none")
	}
	m["b"]++ // want "may be nil"
}
func eachTurn(list []string) {
	var m map[string]int
	for i, k := range list {
		if i == 1 {
			m = map[string]int{}
		}
		m[k] = i // want "may be nil"
	}
}
func byAddress() { var m map[string]int; count(&m, "a") } // want "is nil"
func count(m *map[string]int, k string) { (*m)[k]++ }
func newValue() { m := *new(map[string]int); m["a"] = 1 } // want "is nil"
func captured() {
	var m map[string]int
	go func() {
		m["a"] = 1 // want "is nil"
	}()
}

func heeded(b bool) {
	m, err := load(b)
	if err != nil {
		return
	}
	m["a"] = 1
}
func heededLater(b bool) {
	m, err := load(b)
	if err != nil {
		log.Print(err)
	}
	if err == nil {
		m["a"] = 1
	}
}
func madeInstead(b bool) {
	m, ok := find(b)
	if !ok {
		m = map[string]int{}
	}
	m["a"] = 1
}
func onlyIfFound(v any) {
	if m, ok := v.(map[string]int); ok {
		m["a"]++
	}
}
func notLooked(v any) {
	m, ok := v.(map[string]int)
	println(ok)
	m["a"]++
}
func testedAndMade(all map[string]map[string]int, fill func(string)) {
	m := all["a"]
	if m == nil {
		fill("a")
		m = all["a"]
	}
	m["b"]++
}
func testedAndLeft(all map[string]map[string]int, fail func()) {
	m := all["a"]
	if m == nil {
		fail()
	}
	m["b"]++
}
func failed(b bool) {
	m, err := load(b)
	if err != nil {
		failf("no: %v", err)
	}
	m["a"] = 1
}
func failf(string, ...any) {}

type labels map[string]string

func (l *labels) init()        { *l = labels{} }
func (l labels) set(k string)  { l[k] = k }
func initialised()             { var l labels; l.init(); l.set("a") }
func ensured() { var m map[string]int; ensure(&m); m["a"]++ }
func ensure(m *map[string]int) {
	if *m == nil {
		*m = map[string]int{}
	}
	(*m)["a"]++
}
func capturedSet() {
	var m map[string]int
	set := func() { m = map[string]int{} }
	set()
	func() { m["a"] = 1 }()
}
"#,
        );
    }

    #[test]
    fn containers_of_packages_and_types() {
        check(
            &RULE,
            r#"
package p

var table = map[string]map[string]int{}
var filled = map[string]map[string]int{"a": {}}

func put(k string) { table[k]["a"]++ } // want "nothing ever sets"
func putFilled(k string) { filled[k]["a"]++ }

type grid struct {
	cells map[int]map[int]string
	rows  map[int]map[int]string
	list  []map[int]string
}

func newGrid() *grid {
	return &grid{cells: map[int]map[int]string{}, rows: make(map[int]map[int]string)}
}
func (g *grid) set(x, y int, v string) { g.cells[x][y] = v } // want "nothing ever sets"
func (g *grid) setRow(x, y int, v string) {
	if g.rows[x] == nil {
		g.rows[x] = map[int]string{}
	}
	g.rows[x][y] = v
}
func (g *grid) add(y int, v string) {
	g.list = append(g.list, map[int]string{})
	g.list[0][y] = v
}

type pair struct{ byName map[string]map[string]int }

func newPair(m map[string]map[string]int) pair { return pair{m} }
func (p pair) count(k string)                  { p.byName[k]["a"]++ }

type Lazy struct{ values map[string]string }

func (l *Lazy) Set(k, v string) {
	if l.values == nil {
		l.values = make(map[string]string)
	}
	l.values[k] = v
}
func (l *Lazy) Append(k, v string) { l.values[k] += v } // want "makes it when it is"
func (l *Lazy) extend(k, v string) { l.values[k] += v }
func (l *Lazy) Replace(k, v string) { l.first(k); l.values[k] = v }
func (l *Lazy) first(k string)      { l.Set(k, "") }

type Prepared struct{ values map[string]string }

func (p *Prepared) Prepare() {
	if p.values == nil {
		p.values = make(map[string]string)
	}
}
func (p *Prepared) Put(k, v string) { p.values[k] = v }

type idle struct{ names map[string]bool }

func (i *idle) add(name string) { i.names[name] = true }

type elided struct{ names map[string]bool }

var all = []*elided{{}}

func (e *elided) add(name string) { e.names[name] = true } // want "nothing in the package ever makes it"
"#,
        );
    }

    #[test]
    fn unknown_types() {
        check(
            &RULE,
            r#"
package p

import (
	"example.org/missing/api"
	"example.org/missing/types"
)

type lock struct{ object *api.Object }

func (l *lock) get(c *api.Client) {
	l.object = c.Get()
	if l.object.Annotations == nil {
		l.object.Annotations = make(map[string]string)
	}
}
func (l *lock) update(c *api.Client) {
	l.object.Annotations["leader"] = "me" // want "`lock.get` makes it when it is"
	c.Put(l.object)
}

func flatten(in types.Mapping) types.Values {
	if len(in) == 0 {
		return nil
	}
	out := types.Values{}
	for k, v := range in {
		out[k] = v
	}
	return out
}
func build(in types.Mapping, more map[string]string) {
	values := flatten(in)
	for k, v := range more {
		if _, ok := values[k]; !ok {
			values[k] = v // want "may be nil"
		}
	}
}

// It may be an array.
func hash(in types.Mapping) types.Hash {
	out := types.Hash{}
	out[0] = 1
	return out
}
func unset(b bool) {
	var list types.List
	if b {
		list = nil
	}
	list[0] = 1
}
"#,
        );
    }
}
