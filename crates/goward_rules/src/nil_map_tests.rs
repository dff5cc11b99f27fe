//! Tests of `nil-map-write` that reach beyond one function or one name: pointers and helpers.

use crate::RULES;
use crate::testing::check;

fn check_nil_maps(text: &str) {
    let rule = RULES.iter().find(|rule| rule.name == "nil-map-write");
    check(rule.unwrap(), text);
}

#[test]
fn local_pointers() {
    check_nil_maps(
        r#"
package p

import (
	"encoding/json"
	"sync"
)

type config struct{ m map[string]int }

func (c *config) init()     { c.m = map[string]int{} }
func fill(c *config)        { c.m = map[string]int{} }
func fillMap(p *map[string]int) { *p = map[string]int{} }
func write(p *map[string]int)   { (*p)["k"] = 1 }

func pointer() {
	var m map[string]int
	p := &m
	(*p)["k"] = 1 // want "`(*p)` is nil"
}
func pointerOfPointer() {
	var m map[string]int
	var p = &m
	q := p
	(*q)["k"]++ // want "`(*q)` is nil"
}
func behind() {
	var m map[string]int
	p := &m
	_ = len(*p)
	m["k"] = 1 // want "`m` is nil"
}
func given() {
	var m map[string]int
	p := &m
	write(p) // want "`*p` is nil"
}
func setToNil() {
	m := map[string]int{}
	p := &m
	*p = nil
	m["k"] = 1 // want "`m` is nil"
}
func sometimes(b bool) {
	var m map[string]int
	p := &m
	if b {
		*p = map[string]int{}
	}
	(*p)["k"] = 1 // want "`(*p)` may be nil"
}
func fields() {
	var c config
	p := &c
	p.m["k"] = 1 // want "`p.m` is nil"
}
func fieldPointer() {
	c := &config{}
	p := &c.m
	(*p)["k"] = 1 // want "`(*p)` is nil"
}
func secondName() {
	c := &config{}
	d := c
	d.m["k"] = 1 // want "`d.m` is nil"
}

func filled() {
	var m map[string]int
	p := &m
	fillMap(p)
	(*p)["k"] = 1
	m["k"] = 1
}
func setBehind() {
	var m map[string]int
	p := &m
	m = map[string]int{}
	(*p)["k"] = 1
}
func retargeted() {
	var m map[string]int
	n := map[string]int{}
	p := &m
	p = &n
	(*p)["k"] = 1
}
func throughPointer() {
	var m map[string]int
	n := map[string]int{}
	p := &m
	pp := &p
	*pp = &n
	(*p)["k"] = 1
}
func kept() {
	var m map[string]int
	var all []*map[string]int
	p := &m
	all = append(all, p)
	for _, q := range all {
		*q = map[string]int{}
	}
	(*p)["k"] = 1
}
func swapped() {
	var a map[string]int
	b := map[string]int{}
	p, q := &a, &b
	*p, *q = *q, *p
	(*p)["k"] = 1
	c, d := map[string]int{}, map[string]int(nil)
	c, d = d, c
	d["k"] = 1
	c["k"] = 1 // want "`c` is nil"
}
func decoded(data []byte) {
	var m map[string]int
	p := &m
	if json.Unmarshal(data, p) == nil {
		(*p)["k"] = 1
	}
}
func once() {
	var m map[string]int
	var o sync.Once
	p := &m
	o.Do(func() { *p = map[string]int{} })
	(*p)["k"] = 1
}
func initialised() {
	var c config
	p := &c
	p.init()
	c.m["k"] = 1
	d := &config{}
	e := d
	fill(e)
	d.m["k"] = 1
	var f config
	g := &f
	h := g.init
	h()
	g.m["k"] = 1
}
func started() {
	var m map[string]int
	done := make(chan bool)
	p := &m
	go func(p *map[string]int) {
		fillMap(p)
		close(done)
	}(p)
	<-done
	m["k"] = 1
}
"#,
    );
}

#[test]
fn helpers() {
    check_nil_maps(
        r#"
package p

func put(m map[string]int, k string) { m[k] = 1 }
func putIf(m map[string]int, k string) {
	if m != nil {
		m[k] = 1
	}
}
func track(m map[string]int, k string, tracks bool) {
	if tracks {
		m[k] = 1
	}
}
func putAll(m map[string]int, keys ...string) {
	for _, k := range keys {
		m[k] = 1
	}
}

func literal() {
	put(nil, "k") // want "`put` writes the map that it is given, which is nil here"
}
func goroutine() {
	var m map[string]int
	go put(m, "k") // want "`m` is nil"
}
func all() {
	var m map[string]int
	putAll(m, "a", "b") // want "`m` is nil"
}

func tested() { putIf(nil, "k") }
func onRequest() { track(nil, "k", false) }
func nothing() {
	var m map[string]int
	putAll(m)
}
"#,
    );
}

#[test]
fn elements_of_nil_maps() {
    check_nil_maps(
        r#"
package p

type graph struct{ edges map[string]map[string]bool }

func field() {
	g := graph{}
	g.edges["a"]["b"] = true // want nil-map-write
}
func local(k string) {
	var m map[string]map[string]int
	m[k]["b"]++ // want nil-map-write
}
func made(k string) {
	g := graph{}
	g.edges = map[string]map[string]bool{k: {}}
	g.edges[k]["b"] = true
}
func tested(k string) {
	g := graph{}
	if inner := g.edges[k]; inner != nil {
		inner["b"] = true
	}
	if g.edges[k] != nil {
		g.edges[k]["b"] = true
	}
}
"#,
    );
}

#[test]
fn what_shows_that_a_map_is_there() {
    check_nil_maps(
        "package p

import (
	\"strings\"
	\"sync\"
)

func found(ks []string) (m map[string]string) {
	for _, k := range ks {
		if m == nil {
			m = make(map[string]string)
		}
		m[k] = k
	}
	if v, ok := m[\"a\"]; ok {
		m[\"a\"] = strings.ToUpper(v)
	}
	if _, ok := m[\"b\"]; !ok {
		m[\"b\"] = \"\" // want \"may be nil\"
	}
	return m
}

type set struct {
	once sync.Once
	m    map[string]int
}

func (s *set) init()             { s.m = make(map[string]int) }
func (s *set) union(o *set) *set {
	result := &set{}
	result.once.Do(result.init)
	result.m[\"a\"] = 1
	other := &set{}
	other.m[\"a\"] = 1 // want \"is nil\"
	return result
}

type api struct {
	state struct {
		sync.Mutex
		tokens map[string]int
	}
}

func newAPI() *api {
	return &api{state: struct {
		sync.Mutex
		tokens map[string]int
	}{tokens: make(map[string]int)}}
}
func (a *api) create(k string) { a.state.tokens[k] = 1 }

type other struct {
	state struct {
		keys map[string]int
	}
}

func newOther() *other            { return &other{} }
func (o *other) create(k string) { o.state.keys[k] = 1 } // want \"nothing in the package ever makes it\"
",
    );
}

#[test]
fn a_function_that_sets_an_object_up_is_no_sibling() {
    check_nil_maps(
        "package p

type State struct{ groups map[string]int }

func (s *State) Init() {
	if s.groups == nil {
		s.groups = make(map[string]int)
	}
}
func (s *State) Stop(k string) { s.groups[k] = 1 }

type Settings struct{ Networks map[string]int }

func (s *Settings) update() {
	if s.Networks == nil {
		s.Networks = make(map[string]int)
	}
	s.Networks[\"a\"] = 1
}
func create() *Settings {
	s := &Settings{}
	s.Networks = make(map[string]int)
	return s
}
func (s *Settings) Connect(k string) { s.Networks[k] = 1 }

type Lazy struct{ Names map[string]int }

func (l *Lazy) Add(k string) {
	if l.Names == nil {
		l.Names = make(map[string]int)
	}
	l.Names[k]++
}
func (l *Lazy) Set(k string) { l.Names[k] = 1 } // want \"makes it when it is\"
",
    );
}

#[test]
fn headers_values_and_copies() {
    check_nil_maps(
        r#"
package p

import (
	"maps"
	"net/http"
	"net/url"
)

func header() *http.Request {
	r := &http.Request{Method: "GET"}
	r.Header.Set("a", "b") // want "`r.Header` is nil"
	return r
}
func headerMade() *http.Request {
	r := &http.Request{Method: "GET", Header: http.Header{}}
	r.Header.Set("a", "b")
	return r
}
func headerOfRequest() {
	r, err := http.NewRequest("GET", "", nil)
	if err != nil {
		return
	}
	r.Header.Set("a", "b")
}
func values() string {
	var q url.Values
	q.Set("a", "b") // want "`q` is nil"
	return q.Get("a")
}
func deleted(h http.Header) {
	var q http.Header
	q.Del("a")
	h.Set("a", "b")
}
func merged(a, b map[string]int) map[string]int {
	var out map[string]int
	maps.Copy(out, a) // want "`out` is nil"
	maps.Copy(out, b)
	return out
}
func mergedIfAny(a map[string]int) (out map[string]int) {
	if len(a) > 0 {
		out = make(map[string]int)
	}
	maps.Copy(out, a)
	return out
}
"#,
    );
}

#[test]
fn arrays_of_maps() {
    check_nil_maps(
        r#"
package p

type sharded struct{ shards [4]map[string]int } // the declaration makes the array

func (s *sharded) inc(k string) { s.shards[len(k)%4][k]++ } // want "is nil"

type made struct{ shards [4]map[string]int }

func newMade() *made {
	m := &made{}
	for i := range m.shards {
		m.shards[i] = map[string]int{}
	}
	return m
}
func (m *made) inc(k string) { m.shards[len(k)%4][k]++ }

type given struct{ shards [2]map[string]int }

func newGiven(a, b map[string]int) *given {
	return &given{shards: [2]map[string]int{a, b}}
}
func (g *given) inc(k string) { g.shards[0][k]++ }

type sliced struct{ shards [2]map[string]int }

func fill(all []map[string]int) { all[0] = map[string]int{} }
func newSliced() *sliced {
	s := new(sliced)
	fill(s.shards[:])
	return s
}
func (s *sliced) inc(k string) { s.shards[0][k]++ }
"#,
    );
}

#[test]
fn maps_of_the_first_turn() {
    check_nil_maps(
        r#"
package p

func ranged(keys []string) (m map[string]int) {
	for i, k := range keys {
		if i == 0 {
			m = make(map[string]int)
		}
		m[k] = i
	}
	return m
}
func counted(keys []string) {
	var m map[string]int
	for i := 0; i < len(keys); i++ {
		if i == 0 {
			m = make(map[string]int)
		}
		m[keys[i]] = i
	}
}
func skipped(keys []string) {
	var m map[string]int
	for i, k := range keys {
		if k == "" {
			continue
		}
		if i == 0 {
			m = make(map[string]int)
		}
		m[k] = i // want "`m` may be nil"
	}
}
func flagged(keys []string) {
	var m map[string]int
	first := true
	for i, k := range keys {
		if first {
			m = make(map[string]int)
			first = false
		}
		m[k] = i
	}
}
func begun(keys []string) {
	var m map[string]int
	var begun bool
	for i, k := range keys {
		if k == "-" {
			continue
		}
		if !begun {
			m = make(map[string]int)
			begun = true
		}
		m[k] = i
	}
}
func begunElsewhere(keys []string) {
	var m map[string]int
	var begun bool
	for i, k := range keys {
		if k == "-" {
			begun = true
		}
		if !begun {
			m = make(map[string]int)
			begun = true
		}
		m[k] = i // want "`m` may be nil"
	}
}
func begunBefore(keys []string) {
	var m map[string]int
	begun := len(keys) > 3
	for i, k := range keys {
		if !begun {
			m = make(map[string]int)
			begun = true
		}
		m[k] = i // want "`m` may be nil"
	}
}
func counter(keys []string) {
	var m map[string]int
	n := 0
	for _, k := range keys {
		if n == 0 {
			m = make(map[string]int)
		}
		n++
		m[k] = n
	}
}
"#,
    );
}

#[test]
fn conditions_that_belong_together() {
    check_nil_maps(
        r#"
package p

import (
	"context"
	"errors"
)

type failure struct{ text string }

func (f *failure) Error() string { return f.text }

type told interface {
	error
	Code() int
}
type plain struct{ text string }

func load(b bool) (map[string]int, *failure) {
	if !b {
		return nil, &failure{"no"}
	}
	return map[string]int{}, nil
}
func loadTold(b bool, e told) (map[string]int, told) {
	if !b {
		return nil, e
	}
	return map[string]int{}, nil
}
func loadPlain(b bool) (map[string]int, *plain) {
	if !b {
		return nil, &plain{"no"}
	}
	return map[string]int{}, &plain{}
}
func ownError(b bool) error {
	m, failed := load(b)
	if failed != nil {
		return failed
	}
	m["a"] = 1
	return nil
}
func ownInterface(b bool, e told) error {
	m, failed := loadTold(b, e)
	if failed != nil {
		return failed
	}
	m["a"] = 1
	return nil
}
func ownErrorDropped(b bool) {
	m, _ := load(b)
	m["a"] = 1 // want "may be nil"
}
func noError(b bool) {
	m, other := loadPlain(b)
	_ = other
	m["a"] = 1 // want "may be nil"
}

func fillIf(m map[string]int, b bool) {
	if b {
		m["a"] = 1
	}
}
func fillAlways(m map[string]int) { m["a"] = 1 }
func givenOn(b, c bool) {
	var m map[string]int
	if b {
		m = map[string]int{}
	}
	fillIf(m, c)
}
func givenAlways(b bool) {
	var m map[string]int
	if b {
		m = map[string]int{}
	}
	fillAlways(m) // want "may be nil"
}

type part struct{ shared bool }
type model struct {
	donors map[int]int
	parts  []*part
	size   int
}

func (m *model) collect() {
	var kept map[int]bool
	if len(m.donors) > 0 {
		kept = map[int]bool{}
	}
	for i, p := range m.parts {
		if p.shared {
			kept[i] = true
		}
	}
}
func (m *model) collectAll(other *model) {
	var kept map[int]bool
	if len(m.donors) > 0 {
		kept = map[int]bool{}
	}
	for i := range m.parts {
		kept[i] = true // want "may be nil"
	}
	var more map[int]bool
	if len(m.donors) > 0 {
		more = map[int]bool{}
	}
	for i, p := range other.parts {
		if p.shared {
			more[i] = true // want "may be nil"
		}
	}
}

type key struct{}

func with(ctx context.Context) context.Context { return context.WithValue(ctx, key{}, map[string]int{}) }
func values(ctx context.Context) map[string]int {
	m, ok := ctx.Value(key{}).(map[string]int)
	if !ok {
		return nil
	}
	return m
}
func known(ctx context.Context) bool { return ctx.Value(key{}) != nil }
func checked(ctx context.Context) error {
	if ctx.Value(key{}) == nil {
		return errors.New("no")
	}
	return nil
}
func set(ctx context.Context) {
	m := values(ctx)
	m["a"] = 1 // want "may be nil"
}
func cancelled(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := values(ctx)
	m["a"] = 1 // want "may be nil"
}
func setOwn() {
	ctx := with(context.Background())
	m := values(ctx)
	m["a"] = 1
}
func setKnown(ctx context.Context) {
	if !known(ctx) {
		return
	}
	m := values(ctx)
	m["a"] = 1
}
func setSecond(ctx context.Context) {
	if values(ctx) == nil {
		return
	}
	m := values(ctx)
	m["a"] = 1
}
func setOther(ctx, other context.Context) {
	if !known(other) {
		return
	}
	m := values(ctx)
	m["a"] = 1 // want "may be nil"
}
func setAfter(ctx context.Context, b bool) {
	if b {
		if !known(ctx) {
			return
		}
	}
	m := values(ctx)
	m["a"] = 1 // want "may be nil"
}
"#,
    );
}

#[test]
fn fields_that_json_leaves_out() {
    check(
        crate::rule("nil-map-write").expect("the rule exists"),
        r#"
package p

import (
	"encoding/json"
	"io"
)

type inner struct{ Tags map[string]string }
type config struct {
	Name   string
	Env    map[string]string
	Inner  inner
	hidden map[string]int
}
type own struct{ Env map[string]string }

func (o *own) UnmarshalJSON([]byte) error { o.Env = map[string]string{}; return nil }

func variable(data []byte) (config, error) {
	var c config
	if err := json.Unmarshal(data, &c); err != nil {
		return c, err
	}
	c.Env["from"] = "file"     // want "`c.Env` may be nil"
	c.Inner.Tags["a"] = "b"    // want "`c.Inner.Tags` may be nil"
	c.hidden["a"]++            // want "`c.hidden` may be nil"
	return c, nil
}
func decoder(r io.Reader) (*config, error) {
	c := &config{Name: "a"}
	if err := json.NewDecoder(r).Decode(c); err != nil {
		return nil, err
	}
	c.Env["from"] = "file" // want "`c.Env` may be nil"
	return c, nil
}
func made(data []byte) (c config) {
	c = config{Env: map[string]string{}}
	if json.Unmarshal(data, &c) == nil {
		c.Env["from"] = "file"
	}
	return c
}
func tested(data []byte) (c config, err error) {
	if err = json.Unmarshal(data, &c); err != nil {
		return
	}
	if c.Env == nil {
		c.Env = map[string]string{}
	}
	c.Env["from"] = "file"
	return
}
func set(data []byte) error {
	var c config
	if err := json.Unmarshal(data, &c); err != nil {
		return err
	}
	c.defaults()
	c.Env["from"] = "file"
	return nil
}
func (c *config) defaults() { c.Env = map[string]string{} }
func methods(data []byte) error {
	var o own
	if err := json.Unmarshal(data, &o); err != nil {
		return err
	}
	o.Env["from"] = "file"
	return nil
}
func written() error {
	var c config
	if err := json.Unmarshal([]byte(`{"Env":{}}`), &c); err != nil {
		return err
	}
	c.Env["from"] = "file"
	return nil
}
func ranged(data []byte) error {
	var c config
	if err := json.Unmarshal(data, &c); err != nil {
		return err
	}
	for k := range c.Env {
		c.Env[k] = "x"
	}
	return nil
}
func has(data []byte) error {
	var c config
	if err := json.Unmarshal(data, &c); err != nil {
		return err
	}
	if c.Env["a"] == "" {
		return nil
	}
	c.Env["a"] = "b"
	if v, ok := c.Inner.Tags["a"]; ok {
		c.Inner.Tags["b"] = v
	}
	return nil
}
func both(data []byte, other *config) error {
	var c config
	if err := json.Unmarshal(data, &c); err != nil {
		return err
	}
	fill(&c)
	c.Env["a"] = "b"
	return nil
}
func fill(c *config) {}
func otherName(data []byte, names []string) error {
	var c config
	if err := json.Unmarshal(data, &c); err != nil {
		return err
	}
	env := c.Env
	for _, name := range names {
		if v, ok := env[name]; ok {
			c.Env[name] = v + v
		}
	}
	return nil
}
func copied(c *config) (*config, error) {
	data, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	var other config
	if err := json.Unmarshal(data, &other); err != nil {
		return nil, err
	}
	for k, v := range c.Env {
		other.Env[k] = v + v
	}
	return &other, nil
}
func wholeMap(data []byte) *config {
	c := &config{Env: map[string]string{}}
	if err := json.Unmarshal(data, &c.Env); err == nil {
		c.Env["a"] = "b"
	}
	return c
}
"#,
    );
}
