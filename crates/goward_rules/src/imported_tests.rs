//! Cases in which what a function of another package does decides.

use crate::rule as named;
use crate::testing::{check, findings};

/// A package that others import.
const STORE: &str = "-- store/store.go --
package store
import (
	\"errors\"
	\"os\"
	\"sync\"
)
type Store struct {
	Mu    sync.Mutex
	Views sync.RWMutex
	M     map[string]int
}
var Global sync.Mutex
func (s *Store) Get(k string) int {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return s.M[k]
}
func (s *Store) GetTwice(k string) int { return s.Get(k) + s.Get(k) }
func (s *Store) View(k string) int {
	s.Views.RLock()
	defer s.Views.RUnlock()
	return s.M[k]
}
func (s *Store) Acquire() { s.Mu.Lock() }
func (s *Store) Release() { s.Mu.Unlock() }
func (s *Store) TryFor(n int) error {
	if n == 0 {
		return errors.New(\"none\")
	}
	s.Mu.Lock()
	return nil
}
func Size(s *Store) int {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return len(s.M)
}
func Swap(s, t *Store) {
	s = t
	s.Mu.Lock()
	s.Mu.Unlock()
}
func Count() int {
	Global.Lock()
	defer Global.Unlock()
	return 1
}
func NilMap() map[string]string { return nil }
func Labels(ok bool) map[string]string {
	if !ok {
		return nil
	}
	return map[string]string{}
}
func Lookup(name string) (map[string]string, error) {
	switch name {
	case \"\":
		return nil, errors.New(\"no name\")
	case \"known\":
		return map[string]string{}, nil
	}
	return nil, nil
}
func Clone(m map[string]string) map[string]string {
	if m == nil {
		return nil
	}
	return map[string]string{}
}
func Checked(ok bool) (map[string]string, error) {
	if !ok {
		return nil, errors.New(\"no labels\")
	}
	return map[string]string{}, nil
}
func FromEnvironment() map[string]string {
	name := os.Getenv(\"LABEL\")
	if name == \"\" {
		return nil
	}
	return map[string]string{name: \"\"}
}
func PutLocked(m map[string]int, k string) {
	Global.Lock()
	defer Global.Unlock()
	m[k]++
}
func Find(m map[string]int, k string) int { return m[k] }
func Both(m map[string]int, k string) int {
	Put(m, k)
	return Find(m, k)
}
func (s *Store) Bump(k string) { s.M[k]++ }
func Drop(s *Store, k string) { delete(s.M, k) }
type Later struct{ M map[string]int }
func (l *Later) Add(k string) {
	if l.M == nil {
		l.M = map[string]int{}
	}
	l.M[k]++
}
type Drive struct {
	mu   sync.Mutex
	rw   sync.RWMutex
	jobs int
}
func (d *Drive) Lock() { d.mu.Lock() }
func (d *Drive) Unlock() { d.mu.Unlock() }
func (d *Drive) RLock() { d.rw.RLock() }
func (d *Drive) RUnlock() { d.rw.RUnlock() }
func (d *Drive) Count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.jobs
}
func (d *Drive) Write() {
	d.rw.Lock()
	defer d.rw.Unlock()
	d.jobs++
}
type Set map[string]bool
func (s Set) Insert(k string) { s[k] = true }
func (s Set) Contains(k string) bool { return s[k] }
func Made() map[string]string { return map[string]string{} }
func Put(m map[string]int, k string) { m[k]++ }
func PutIf(m map[string]int, k string) {
	if m != nil {
		m[k]++
	}
}
func Die(message string) {
	println(message)
	os.Exit(1)
}
";

/// Holds the findings of the named rule in a package that imports [`STORE`] against the marks.
#[track_caller]
fn holds(rule: &str, text: &str) {
    let text = format!("{STORE}-- use/use.go --\npackage use\n{text}");
    check(named(rule).expect("the rule exists"), &text);
}

#[test]
fn locks_that_imported_methods_are_there_for() {
    holds(
        "double-lock",
        "import \"example.com/app/store\"
type device struct{ d *store.Drive }
func (v *device) jobs() int {
	v.d.Lock()
	defer v.d.Unlock()
	return v.d.Count() // want double-lock
}
func twice(d *store.Drive) {
	d.Lock()
	d.Lock() // want double-lock
	d.Unlock()
	d.Unlock()
}
func upgrade(d *store.Drive) {
	d.RLock()
	defer d.RUnlock()
	d.Write() // want double-lock
}
func after(d *store.Drive) int {
	d.Lock()
	d.Unlock()
	return d.Count()
}
func another(d *store.Drive) {
	d.Lock()
	defer d.Unlock()
	d.Write()
}
",
    );
    holds(
        "unlock-missing-on-path",
        "import \"example.com/app/store\"
func leaves(d *store.Drive, bad bool) int {
	d.Lock()
	if bad {
		return 0 // want unlock-missing-on-path
	}
	d.Unlock()
	return 1
}
func deferred(d *store.Drive, bad bool) int {
	d.Lock()
	defer d.Unlock()
	if bad {
		return 0
	}
	return 1
}
",
    );
}

#[test]
fn locks_that_imported_functions_take() {
    holds(
        "double-lock",
        "import \"example.com/app/store\"
type service struct {
	*store.Store
	other store.Store
}
func direct(s *store.Store) int {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return s.Get(\"a\") // want double-lock
}
func through(s *store.Store) int {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return s.GetTwice(\"a\") // want double-lock
}
func argument(s *store.Store) int {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return store.Size(s) // want double-lock
}
func global() int {
	store.Global.Lock()
	defer store.Global.Unlock()
	return store.Count() // want double-lock
}
func kept(s *store.Store) int {
	s.Acquire()
	defer s.Release()
	return s.Get(\"a\") // want double-lock
}
func (s *service) embedded() int {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return s.Get(\"a\") // want double-lock
}
func (s *service) helper() int { return s.Get(\"a\") }
func (s *service) twice() int {
	s.Acquire()
	defer s.Release()
	return s.helper() // want double-lock
}
func (s *service) another() int {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return s.other.Get(\"a\")
}
func after(s *store.Store) int {
	s.Mu.Lock()
	s.Mu.Unlock()
	return s.Get(\"a\")
}
func released(s *store.Store) int {
	s.Acquire()
	s.Release()
	return s.Get(\"a\")
}
func read(s *store.Store) int {
	s.Views.RLock()
	defer s.Views.RUnlock()
	return s.Get(\"a\")
}
func replaced(s, t *store.Store) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	store.Swap(s, t)
}
func started(s *store.Store) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	go s.Get(\"a\")
}
func maybe(s *store.Store) int {
	if err := s.TryFor(1); err != nil {
		return 0
	}
	s.Release()
	return s.Get(\"a\")
}
",
    );
    holds(
        "rlock-reentry",
        "import \"example.com/app/store\"
func view(s *store.Store) int {
	s.Views.RLock()
	defer s.Views.RUnlock()
	return s.View(\"a\") // want rlock-reentry
}
",
    );
}

#[test]
fn locks_that_imported_functions_keep() {
    holds(
        "unlock-missing-on-path",
        "import (
	\"errors\"
	\"example.com/app/store\"
)
func kept(s *store.Store, bad bool) error {
	s.Acquire()
	if bad {
		return errors.New(\"bad\") // want unlock-missing-on-path
	}
	s.Release()
	return nil
}
func deferred(s *store.Store, bad bool) error {
	s.Acquire()
	defer s.Release()
	if bad {
		return errors.New(\"bad\")
	}
	return nil
}
func mixed(s *store.Store, bad bool) error {
	s.Mu.Lock()
	if bad {
		s.Release()
		return errors.New(\"bad\")
	}
	s.Mu.Unlock()
	return nil
}
func dies(s *store.Store, bad bool) {
	s.Mu.Lock()
	if bad {
		store.Die(\"bad\")
	}
	s.Mu.Unlock()
}
func dead(s *store.Store, bad bool) {
	s.Mu.Lock()
	if bad {
		store.Die(\"bad\")
		return
	}
	s.Mu.Unlock()
}
",
    );
}

#[test]
fn maps_that_imported_functions_give_and_write() {
    holds(
        "nil-map-write",
        "import \"example.com/app/store\"
func given() {
	m := store.NilMap()
	m[\"a\"] = \"b\" // want nil-map-write
}
func perhaps() {
	m := store.FromEnvironment()
	m[\"a\"] = \"b\" // want nil-map-write
}
func depends() {
	m := store.Labels(true)
	m[\"a\"] = \"b\"
}
func restsOnArgument(ok bool) {
	m := store.Labels(ok)
	m[\"a\"] = \"b\"
}
func notThere(name string) error {
	m, err := store.Lookup(name)
	if err != nil {
		return err
	}
	m[\"a\"] = \"b\" // want nil-map-write
	return nil
}
func lookedAt(name string) error {
	m, err := store.Lookup(name)
	if err != nil || m == nil {
		return err
	}
	m[\"a\"] = \"b\"
	return nil
}
func cloned(in map[string]string) {
	m := store.Clone(in)
	m[\"a\"] = \"b\"
}
func marks(updated store.Set) {
	for _, k := range []string{\"a\"} {
		if updated.Contains(k) {
			updated.Insert(k + k)
		}
	}
}
func none() {
	forward(nil)
}
func forward(updated store.Set) {
	marks(updated)
}
func unchecked(ok bool) {
	m, _ := store.Checked(ok)
	m[\"a\"] = \"b\" // want nil-map-write
}
func checked(ok bool) {
	m, err := store.Checked(ok)
	if err != nil {
		return
	}
	m[\"a\"] = \"b\"
}
func made() {
	m := store.Made()
	m[\"a\"] = \"b\"
}
func tested(ok bool) {
	m := store.Labels(ok)
	if m == nil {
		m = store.Made()
	}
	m[\"a\"] = \"b\"
}
func passed() {
	var m map[string]int
	store.Put(m, \"k\") // want nil-map-write
	var n map[string]int
	store.PutIf(n, \"k\")
}
",
    );
}

#[test]
fn maps_that_imported_functions_use() {
    holds(
        "map-race",
        "import (
	\"example.com/app/store\"
	\"sync\"
)
func puts(ks []string) {
	m := map[string]int{}
	for _, k := range ks {
		go func() {
			store.Put(m, k) // want map-race
		}()
	}
}
func both(ks []string) {
	m := map[string]int{}
	for _, k := range ks {
		go func() {
			store.Both(m, k) // want map-race
		}()
	}
}
func locked(ks []string) {
	m := map[string]int{}
	var mu sync.Mutex
	for _, k := range ks {
		go func() {
			mu.Lock()
			defer mu.Unlock()
			store.Put(m, k)
		}()
	}
}
func lockedThere(ks []string) {
	m := map[string]int{}
	for _, k := range ks {
		go func() {
			store.PutLocked(m, k)
		}()
	}
}
func reads(ks []string) {
	m := map[string]int{}
	for _, k := range ks {
		go func() {
			store.Find(m, k)
		}()
	}
}
func own(ks []string) {
	for _, k := range ks {
		go func() {
			m := map[string]int{}
			store.Put(m, k)
		}()
	}
}
",
    );
    holds(
        "map-write-in-defer",
        "import (
	\"example.com/app/store\"
	\"sync\"
)
type counts struct {
	mu sync.Mutex
	m  map[string]int
}
func (c *counts) after(k string) {
	defer store.Put(c.m, k) // want map-write-in-defer
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m[k]++
}
func (c *counts) before(k string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer store.Put(c.m, k)
	c.m[k]++
}
func (c *counts) other(k string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.m, k)
}
",
    );
}

#[test]
fn maps_within_what_imported_functions_are_given() {
    holds(
        "map-race",
        "import (
	\"example.com/app/store\"
	\"sync\"
)
func method(s *store.Store, ks []string) {
	var wg sync.WaitGroup
	for _, k := range ks {
		wg.Add(1)
		go func() {
			defer wg.Done()
			s.Bump(k) // want map-race
		}()
	}
	wg.Wait()
}
func function(ks []string) {
	s := &store.Store{M: map[string]int{}}
	for _, k := range ks {
		go func() {
			store.Drop(s, k) // want map-race
		}()
	}
}
func started(s *store.Store, ks []string) {
	for _, k := range ks {
		go s.Bump(k) // want map-race
	}
}
func startedOn(ks []string) {
	m := map[string]int{}
	for _, k := range ks {
		go store.Put(m, k) // want map-race
	}
}
func startedOnce(s *store.Store, k string) {
	go s.Bump(k)
}
func startedInTurn(s *store.Store, ks []string, done chan bool) {
	for _, k := range ks {
		go s.Bump(k)
		<-done
	}
}
func startedOnEach(all []*store.Store) {
	for _, s := range all {
		go s.Bump(\"k\")
	}
}
func startedLocked(s *store.Store, ks []string) {
	for _, k := range ks {
		go s.Get(k)
	}
}
type service struct{ *store.Store }
func (s service) embedded(ks []string) {
	for _, k := range ks {
		go func() {
			s.Bump(k) // want map-race
		}()
	}
}
func locked(s *store.Store, ks []string) {
	for _, k := range ks {
		go func() {
			s.Mu.Lock()
			defer s.Mu.Unlock()
			s.Bump(k)
		}()
	}
}
func lockedThere(s *store.Store, ks []string) {
	for _, k := range ks {
		go func() {
			s.Get(k)
		}()
	}
}
func own(ks []string) {
	for _, k := range ks {
		go func() {
			s := &store.Store{M: map[string]int{}}
			s.Bump(k)
		}()
	}
}
func joined(s *store.Store, k string) {
	done := make(chan bool)
	go func() {
		s.Bump(k)
		close(done)
	}()
	<-done
	s.Bump(k)
}
func together(s *store.Store, k string) {
	go func() {
		s.Bump(k)
	}()
	s.Bump(k) // want map-race
}
",
    );
    holds(
        "map-write-in-defer",
        "import (
	\"example.com/app/store\"
	\"sync\"
)
func measured(s *store.Store, ks []string) {
	for _, k := range ks {
		go func() {
			defer after(s, k)
			s.Get(k)
		}()
	}
}
func after(s *store.Store, k string) { s.Bump(k) } // want map-write-in-defer
func order(s *store.Store, k string) {
	defer s.Bump(k) // want map-write-in-defer
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.M[k]++
}
func methodValue(s *store.Store, k string) {
	done := s.Bump
	defer done(k) // want map-write-in-defer
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.M[k]++
}
func right(s *store.Store, k string) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	defer s.Bump(k)
	s.M[k]++
}
func lazy(k string) {
	var l store.Later
	defer l.Add(k)
}
func nothing(k string) {
	l := &store.Later{}
	defer l.Add(k)
	l.M = nil
}
",
    );
}

#[test]
fn a_deferred_call_of_an_imported_function_is_no_slip_of_the_pen() {
    let text = format!(
        "{STORE}-- use/use.go --\npackage use\nimport \"example.com/app/store\"\n\
         func use(s *store.Store) {{\n\ts.Mu.Lock()\n\tdefer s.Mu.Unlock()\n\tdefer s.Get(\"a\")\n}}\n"
    );
    let found = findings(&goward_flow::testing::sources(&text));
    let mut relocks = found.iter().filter(|finding| finding.rule == "double-lock");
    let finding = relocks.next().expect("the lock is taken again");
    // `defer s.Lock()` is meant to unlock; this is not.
    assert_eq!(finding.fix, None);
    let steps: Vec<&str> = finding.path.iter().map(|step| &*step.message).collect();
    assert_eq!(
        steps,
        [
            "`s.Mu` is locked here",
            "this call is deferred: it runs when the function returns",
            "`s.Get`, of another package, locks it again"
        ]
    );
}

#[test]
fn objects_that_each_call_is_given() {
    check(
        named("map-write-in-defer").expect("the rule exists"),
        r#"
-- audit/audit.go --
package audit

import "net/http"

// Log reads what the client sent.
func Log(r *http.Request) (names []string) {
	for name := range r.Header {
		names = append(names, name)
	}
	return names
}
-- a.go --
package app

import (
	"net/http"

	"example.com/app/audit"
)

type handlers struct{}

func (handlers) Get(w http.ResponseWriter, r *http.Request) {
	defer audit.Log(r)
	w.WriteHeader(204)
}

func (handlers) Put(w http.ResponseWriter, r *http.Request) {
	defer audit.Log(r)
	r.Header["Prefix"] = nil
}
"#,
    );
}

#[test]
fn results_that_tell_together() {
    check(
        named("nil-map-write").expect("the rule exists"),
        r#"
-- config/config.go --
package config

import "errors"

// Owner gives the key within the owner, and the owner.
func Owner(path string, all map[string]map[string]any) (string, map[string]any, error) {
	if path == "" {
		return "", nil, nil
	}
	owner, ok := all[path]
	if !ok {
		return "", nil, errors.New("no owner")
	}
	return path, owner, nil
}

// Section gives nothing where there is none.
func Section(path string, all map[string]map[string]any) (map[string]any, error) {
	if path == "" {
		return nil, nil
	}
	return all[path], nil
}
-- a.go --
package app

import "example.com/app/config"

func set(path string, all map[string]map[string]any) error {
	key, owner, err := config.Owner(path, all)
	if err != nil {
		return err
	}
	if key != "" {
		owner[key] = 1
	}
	return nil
}

func setSection(path string, all map[string]map[string]any) error {
	section, err := config.Section(path, all)
	if err != nil {
		return err
	}
	section["k"] = 1 // want nil-map-write
	return nil
}
"#,
    );
}
