//! Deferred calls that come to a nil map only under a condition on what the function has set.

use crate::rules::{map_read_in_defer, map_write_in_defer};
use crate::testing::check;

#[test]
fn conditions_of_deferred_writes() {
    check(
        &map_write_in_defer::RULE,
        r#"
package p

import "errors"

func onlyWithoutError(ok bool) (out map[string]int, err error) {
	defer func() {
		if err == nil {
			out["loaded"] = 1
		}
	}()
	if !ok {
		return nil, errors.New("not there")
	}
	return map[string]int{}, nil
}
func leavesForErrors(ok bool) (out map[string]int, err error) {
	defer func() {
		if err != nil {
			return
		}
		out["loaded"] = 1
	}()
	if !ok {
		return nil, errors.New("not there")
	}
	return map[string]int{}, nil
}
func nilWithoutError(ok bool) (out map[string]int, err error) {
	defer func() {
		if err == nil {
			out["loaded"] = 1 // want "`out` can be nil"
		}
	}()
	if !ok {
		return nil, nil
	}
	return map[string]int{}, nil
}
func forErrors(ok bool) (out map[string]int, err error) {
	defer func() {
		if err != nil {
			out["failed"] = 1 // want "`out` can be nil"
		}
	}()
	if !ok {
		return nil, errors.New("not there")
	}
	return map[string]int{}, nil
}
func flag(ok bool) (out map[string]int) {
	done := false
	defer func() {
		if done {
			out["loaded"] = 1
		}
	}()
	if !ok {
		return nil
	}
	done = true
	return map[string]int{}
}
func always(ok, note bool) (out map[string]int) {
	defer func() {
		if note {
			out["loaded"] = 1 // want "`out` can be nil"
		}
	}()
	if !ok {
		return nil
	}
	return map[string]int{}
}
func recovered(work func()) (out map[string]int) {
	defer func() {
		if r := recover(); r != nil {
			out["panics"]++ // want "`out` can be nil"
		}
	}()
	work()
	return nil
}
func found(ok bool) (out map[string]int, known bool) {
	defer func() {
		if known && len(out) == 0 {
			out["loaded"] = 1
		}
	}()
	if !ok {
		return nil, false
	}
	return map[string]int{}, true
}
"#,
    );
}

#[test]
fn pointers_in_fields_that_are_nil_by_then() {
    check(
        &map_read_in_defer::RULE,
        r#"
package p

type node struct {
	table map[string]int
	next  *node
}

func cut(n *node, k string) int {
	defer func() {
		println(n.next.table[k]) // want "`n.next` is nil when the deferred call uses `n.next.table`"
	}()
	v := n.table[k]
	n.next = nil
	return v
}
func sometimes(n *node, k string, last bool) {
	defer func() {
		println(n.next.table[k]) // want "`n.next` is nil when"
	}()
	if last {
		n.next = nil
		return
	}
	println(n.table[k])
}
func tested(n *node, k string) {
	defer func() {
		if n.next != nil {
			println(n.next.table[k])
		}
	}()
	n.next = nil
}
func leaves(n *node, k string) {
	defer func() {
		if n.next == nil {
			return
		}
		println(n.next.table[k])
	}()
	n.next = nil
}
func early(n *node, k string) {
	defer println(n.next.table[k])
	n.next = nil
}
func given(n *node, k string) {
	defer show(n.next, k)
	n.next = nil
}
func show(n *node, k string) { println(n.table[k]) }
func replaced(n *node, k string) {
	defer func() {
		println(n.next.table[k])
	}()
	n.next = nil
	n.next = &node{}
}
func made(n *node, k string) {
	defer func() {
		n.next = &node{}
		println(n.next.table[k])
	}()
	n.next = nil
}
func renewed(n *node, k string) {
	defer func() {
		println(n.next.table[k])
	}()
	n.next = nil
	fill(n)
}
func fill(n *node) { n.next = &node{} }
"#,
    );
}
