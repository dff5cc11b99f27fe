//! Tests of `send-abandoned` about what ends before anybody could mind: a test, the process.

use crate::RULES;
use crate::testing::{check, check_incomplete};

fn check_sends(text: &str) {
    let rule = RULES.iter().find(|rule| rule.name == "send-abandoned");
    check(rule.unwrap(), text);
}

#[test]
fn tests_that_give_up() {
    let rule = RULES.iter().find(|rule| rule.name == "send-abandoned");
    check_incomplete(
        rule.unwrap(),
        r#"
-- a_test.go --
package p

import (
	"testing"
	"time"

	"example.com/elsewhere/require"
)

func TestPatient(t *testing.T) {
	done := make(chan bool)
	go func() { done <- true }()
	select {
	case <-done:
	case <-time.After(time.Second):
		t.Error("did not finish")
	}
}

func TestQuiet(t *testing.T) {
	done := make(chan bool)
	go func() { done <- true }() // want "blocks for ever"
	select {
	case <-done:
	case <-time.After(time.Second):
		println("never mind")
	}
}

func TestAnswer(t *testing.T) {
	done := make(chan bool)
	stop := make(chan bool)
	go func() { done <- true }()
	select {
	case ok := <-done:
		if !ok {
			t.Fail()
		}
	case <-stop:
		t.Errorf("stopped")
		return
	}
}

func TestRequired(t *testing.T) {
	done := make(chan bool)
	go func() { done <- true }()
	select {
	case <-done:
	case <-time.After(time.Second):
		require.Fail(t, "did not finish")
	}
}

func pair() (int, error) {
	done := make(chan int)
	go func() { done <- 1 }()
	err := dial()
	if err != nil {
		return 0, err
	}
	return <-done, nil
}
func maybePair() (int, error) {
	done := make(chan int)
	go func() { done <- 1 }() // want "blocks for ever"
	if err := dial(); err == nil {
		return 0, err
	}
	return <-done, nil
}
func dial() error { return nil }

func TestFound(t *testing.T) {
	done := make(chan bool)
	found := make(chan bool)
	go func() { done <- true }() // want "blocks for ever"
	select {
	case <-done:
		t.Error("was to be stopped")
	case <-found:
		t.Log("found")
	}
}
"#,
    );
}

#[test]
fn ends_of_the_process() {
    check_sends(
        r#"
package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"time"
)

func work() error { return errors.New("no") }

func main() {
	if len(os.Args) > 3 {
		begin()
		begun()
	}
	handlers["on"] = stored
	for range 3 {
		turn()
	}
	setUp()
	time.Sleep(time.Hour)
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var handlers = map[string]func() error{}

func run() error {
	stop := make(chan error)
	go func() { stop <- work() }()
	select {
	case err := <-stop:
		return err
	case <-time.After(time.Second):
	}
	return inner()
}
func inner() error {
	stop := make(chan error)
	go func() { stop <- work() }()
	select {
	case err := <-stop:
		return err
	case <-time.After(time.Second):
		return nil
	}
}
func stored() error {
	stop := make(chan error)
	go func() { stop <- work() }() // want "blocks for ever"
	select {
	case err := <-stop:
		return err
	case <-time.After(time.Second):
		return nil
	}
}
func turn() {
	stop := make(chan error)
	go func() { stop <- work() }() // want "blocks for ever"
	select {
	case <-stop:
	case <-time.After(time.Second):
	}
}
func setUp() {
	stop := make(chan error)
	go func() { stop <- work() }() // want "blocks for ever"
	select {
	case <-stop:
	case <-time.After(time.Second):
	}
}
func begin() {
	stop := make(chan error)
	go func() { stop <- work() }() // want "blocks for ever"
	select {
	case <-stop:
	case <-time.After(time.Second):
	}
}
func begun() { log.Println("begun") }
"#,
    );
}

#[test]
fn channels_that_stop_the_goroutine() {
    check_sends(
        r#"
package p

func next() error { return nil }
func bad() bool { return true }

func stopped() error {
	stop := make(chan bool)
	errs := make(chan error)
	go func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := next(); err != nil {
				errs <- err
				return
			}
		}
	}()
	if bad() {
		stop <- true
		return nil
	}
	return <-errs
}
func stoppedByRoom() error {
	stop := make(chan bool, 1)
	errs := make(chan error)
	go func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := next(); err != nil {
				errs <- err // want "this send on `errs` blocks for ever"
				return
			}
		}
	}()
	if bad() {
		stop <- true
		return nil
	}
	return <-errs
}
func saysMore() error {
	stop := make(chan bool)
	errs := make(chan error)
	go func() {
		<-stop
		errs <- next() // want "this send on `errs` blocks for ever"
	}()
	if bad() {
		stop <- true
		return nil
	}
	stop <- true
	return <-errs
}
"#,
    );
}

#[test]
fn receives_that_are_counted() {
    check_sends(
        r#"
package p

func step() error { return nil }

func both() error {
	one := make(chan error)
	other := make(chan error)
	go func() {
		one <- step()
		one <- step()
	}()
	go func() {
		other <- step()
		other <- step()
	}()
	var ones, others int
	for {
		select {
		case <-one:
			ones++
			if ones == 2 && others == 2 {
				return nil
			}
		case <-other:
			others++
			if ones == 2 && others == 2 {
				return nil
			}
		}
	}
}
func either() error {
	one := make(chan error)
	other := make(chan error)
	go func() {
		one <- step() // want "this send on `one` blocks for ever"
		one <- step()
	}()
	go func() {
		other <- step() // want "this send on `other` blocks for ever"
	}()
	var ones int
	for {
		select {
		case <-one:
			ones++
			if ones == 2 {
				return nil
			}
		case err := <-other:
			return err
		}
	}
}
"#,
    );
}
