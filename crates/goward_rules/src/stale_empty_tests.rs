//! Cases of `stale-defer-argument` about what holds nothing yet, and receivers that are copied.

use crate::rule as named;
use crate::testing::check;

#[test]
fn arguments_that_hold_nothing_yet() {
    check(
        named("stale-defer-argument").expect("the rule exists"),
        r#"
package p

import "time"

type response struct{ code int }

func show(*response)             {}
func add(int)                    {}
func publish(string, int)        {}
func took(time.Duration)         {}
func free([]byte)                {}
func do() (*response, error)     { return nil, nil }
func list() []string             { return nil }

func nilPointer() error {
	var r *response
	defer show(r) // want "`r` is evaluated at the `defer` statement and set after it"
	r, err := do()
	_ = r
	return err
}
func nilSlice(parts ...[]byte) int {
	var all []byte
	defer free(all) // want "`all` is evaluated"
	for _, part := range parts {
		all = append(all, part...)
	}
	return len(all)
}
func length(items []string) []string {
	var queue []string
	defer add(len(queue)) // want "`len(queue)` is evaluated"
	for _, item := range items {
		queue = append(queue, item)
	}
	return queue
}
func element(words []string) {
	hits := map[string]int{}
	defer publish("error", hits["error"]) // want "is read at the `defer` statement"
	for _, word := range words {
		hits[word]++
	}
}
func sub(f func()) {
	begin := time.Now()
	defer took(time.Now().Sub(begin)) // want "`time.Since` is evaluated"
	f()
}

func setBefore() {
	r, _ := do()
	defer show(r)
	r, _ = do()
}
func setInBranch(b bool) {
	var r *response
	if b {
		r, _ = do()
	}
	defer show(r)
	r = nil
}
func neverSet() {
	var r *response
	defer show(r)
}
func lengthOfGiven(queue []string) []string {
	defer add(len(queue))
	return append(queue, "x")
}
func lengthSetBefore() {
	queue := []string{}
	queue = append(queue, list()...)
	defer add(len(queue))
	queue = append(queue, "x")
}
func filledByCallee(fill func(map[string]int)) {
	hits := map[string]int{}
	fill(hits)
	defer publish("error", hits["error"])
	hits["x"]++
}
func cut(buf []string) {
	var own []string
	defer func(n int) { own = own[:n] }(len(own))
	own = append(own, buf...)
}
"#,
    );
}

#[test]
fn receivers_that_are_copied() {
    check(
        named("stale-defer-argument").expect("the rule exists"),
        r#"
package p

type summary struct {
	name string
	ok   int
	bad  int
}

func (s summary) print()       { println(s.ok, s.bad) }
func (s summary) title()       { println(s.name) }
func (s *summary) pointer()    { println(s.ok) }

func run(tests []func() error) {
	var s summary
	defer s.print() // want "`s` is copied at the `defer` statement and set after it"
	for _, test := range tests {
		if test() != nil {
			s.bad++
			continue
		}
		s.ok++
	}
}
func other(n int) {
	var s summary
	defer s.title()
	s.ok = n
}
func pointer(n int) {
	var s summary
	defer s.pointer()
	s.ok = n
}
func pointerVariable(n int) {
	s := &summary{}
	s.ok = n
	defer s.pointer()
	s.ok++
}
func before(n int) {
	var s summary
	s.ok = n
	defer s.print()
}
func closure(n int) {
	var s summary
	defer func() { s.print() }()
	s.ok = n
}
"#,
    );
}

#[test]
fn fields_texts_and_receivers() {
    check(
        named("stale-defer-argument").expect("the rule exists"),
        r#"
package p

import (
	"errors"
	"fmt"
	"log"
	"os"
)

type job struct {
	status string
	tries  int
	err    error
}

func (j *job) run(f func() error) {
	defer log.Println("status", j.status, j.tries) // want "`j.status` is read at the `defer` statement and set after it" "`j.tries` is read"
	j.status = "running"
	if f() != nil {
		j.status = "failed"
		j.tries++
	}
}
func (j *job) kept(f func() error) {
	defer fmt.Println("left", j.status)
	if f() != nil {
		log.Println(j.status)
	}
}
func (j *job) restored() {
	defer j.set(j.status)
	j.status = "busy"
}
func (j *job) set(status string) { j.status = status }
func other(j, k *job) {
	defer log.Println(j.status)
	k.status = "done"
}
func before(j *job) {
	j.status = "done"
	defer log.Println(j.status)
}

func text(f func() (int, error)) (n int, err error) {
	defer log.Print(fmt.Sprintf("n=%d: %v", n, err)) // want "`n` is evaluated" "`err` is evaluated at the `defer` statement and assigned after it"
	n, err = f()
	return n, err
}
func joined(report func(error), f func() error) (err error) {
	defer report(errors.Join(err, errors.New("left"))) // want "`err` is evaluated"
	return f()
}
func named(f func(string), name string) {
	defer f(fmt.Sprintf("end of %s", name))
	name += "/inner"
	f(name)
}

func last(names []string) (err error) {
	var f *os.File
	defer f.Close() // want "`f` is nil at the `defer` statement and set after it"
	for _, name := range names {
		if f, err = os.Open(name); err != nil {
			return err
		}
	}
	return nil
}
func shadow(name string) error {
	var f *os.File
	defer f.Close() // want "`f` is nil"
	f, err := os.Open(name)
	return err
}
func literal(name string) (err error) {
	var f *os.File
	defer func() { f.Close() }()
	f, err = os.Open(name)
	return err
}
func opened(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	f, err = os.Open(name + "x")
	return err
}
"#,
    );
}
