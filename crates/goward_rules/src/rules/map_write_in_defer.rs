//! `map-write-in-defer`.

use goward_diagnostics::{Category, Diagnostic, Severity, Span};

use crate::context::Context;
use crate::deferred_conditions::is_kept_from_nil;
use crate::deferred_maps::report_all;
use crate::rule::{Group, rule};

rule! {
    /// Reports a map that a deferred call changes or iterates over when it is not safe to.
    ///
    /// ## What it reports
    ///
    /// An assignment to an element, `delete`, `clear` or `range` in a deferred call (the call itself, a
    /// method, a closure, a closure in it, or a function of the package that it calls), where at the
    /// time at which it *runs* no lock is held (or only one that none of the others hold) and another
    /// goroutine can reach the map, or where the map, or the pointer that leads to it, can be nil then.
    /// Deferred calls run last in, first out: a write that was deferred before `defer mu.Unlock()` runs
    /// after the unlock.
    ///
    /// That other goroutines reach the map shows in a lock that is held for it elsewhere or earlier in
    /// the function, in a goroutine or handler that uses it, or in its being a package variable which
    /// an exported function writes. Nothing is said of local maps that no goroutine has, of objects
    /// that the function has just made, and after `wg.Wait()`.
    ///
    /// ## Why it matters
    ///
    /// Two goroutines that write a map at the same time end the process with `fatal error: concurrent
    /// map writes` where the run time notices, and no `recover` catches it; a write to a nil map in a
    /// deferred call panics over whatever panic is being handled. It strikes at the exit of a function,
    /// often while an error is handled already.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package session
    ///
    /// import "sync"
    ///
    /// type Table struct {
    /// 	mu   sync.Mutex
    /// 	open map[string]int
    /// }
    ///
    /// func New() *Table {
    /// 	return &Table{open: map[string]int{}}
    /// }
    ///
    /// func (t *Table) Serve(id string, run func()) {
    /// 	t.mu.Lock()
    /// 	defer delete(t.open, id) // want map-write-in-defer
    /// 	defer t.mu.Unlock()
    /// 	t.open[id]++
    /// 	run()
    /// }
    /// ```
    ///
    /// ```go
    /// package count
    ///
    /// func words(read func() (string, error)) (counts map[string]int, err error) {
    /// 	defer func() {
    /// 		counts["total"]++ // want map-write-in-defer
    /// 	}()
    /// 	word, err := read()
    /// 	if err != nil {
    /// 		return nil, err
    /// 	}
    /// 	counts = map[string]int{word: 1}
    /// 	return counts, nil
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package session
    ///
    /// import "sync"
    ///
    /// type Table struct {
    /// 	mu   sync.Mutex
    /// 	open map[string]int
    /// }
    ///
    /// func New() *Table {
    /// 	return &Table{open: map[string]int{}}
    /// }
    ///
    /// func (t *Table) Serve(id string, run func()) {
    /// 	t.mu.Lock()
    /// 	t.open[id]++
    /// 	t.mu.Unlock()
    /// 	defer func() {
    /// 		t.mu.Lock()
    /// 		defer t.mu.Unlock()
    /// 		delete(t.open, id)
    /// 	}()
    /// 	run()
    /// }
    ///
    /// func visit(node string, next func(string) []string, open map[string]bool) {
    /// 	open[node] = true
    /// 	defer delete(open, node)
    /// 	for _, other := range next(node) {
    /// 		if !open[other] {
    /// 			visit(other, next, open)
    /// 		}
    /// 	}
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: the lock has to span what belongs together, which only you know.
    pub(crate) const RULE: Rule = Rule {
        name: "map-write-in-defer",
        category: Category::Race,
        group: Group::Default,
        severity: Severity::Error,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let before = findings.len();
    report_all(context, &RULE, false, findings);
    // A map that is nil by the time the deferred function runs; one finding a write is enough.
    for write in &context.flow.nil_maps().writes {
        let Some(defer) = write.deferred else {
            continue;
        };
        let file = context.flow.units.get(write.unit).file;
        let (path, span) = (context.path(file), context.span(file, write.node));
        let known = findings[before..].iter().any(|other| {
            other.file == path && span.start <= other.span.end && other.span.start <= span.end
        });
        if known || is_kept_from_nil(context, write) {
            continue;
        }
        let text = context.text(file, write.map);
        let start = context.span(file, defer).start;
        let may = if write.certain { "is" } else { "may be" };
        findings.push(
            RULE.diagnostic(
                path.clone(),
                span,
                format!("`{text}` {may} nil when the deferred call writes it"),
            )
            .in_function(context.function(write.unit))
            .operation(format!("write {text}"))
            .step(
                path.clone(),
                Span::new(start, start + 5),
                "registered here, it runs when the function is over",
            )
            .step(
                path.clone(),
                context.span(file, write.made),
                format!("`{text}` is nil from here on"),
            )
            .step(path, span, "the write to the nil map panics here")
            .help(format!(
                "write `{text}` before it is given up, or make it again first"
            )),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn objects_that_nobody_else_has() {
        check(
            &RULE,
            r#"
package p

import "sync"

type bridge struct {
	mu   sync.Mutex
	refs map[string]int
}

func bad() bool { return true }

func connect() (*bridge, error) {
	b := &bridge{refs: map[string]int{}}
	if bad() {
		return nil, nil
	}
	return b, nil
}

var kept = &bridge{refs: map[string]int{}}

func find() (*bridge, error) {
	return kept, nil
}

func (b *bridge) Add(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refs[name]++
}

func (b *bridge) Remove(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.refs, name)
}

func solve(build func(*bridge) error) error {
	b, err := connect()
	if err != nil {
		return err
	}
	defer func() {
		for name := range b.refs {
			delete(b.refs, name)
		}
	}()
	return build(b)
}

func solveShared(build func(*bridge) error) error {
	b, err := find()
	if err != nil {
		return err
	}
	defer func() {
		delete(b.refs, "x") // want "without the lock"
	}()
	return build(b)
}

type process struct {
	mu      sync.Mutex
	writers map[int]int
}

func newProcess() *process { return &process{writers: map[int]int{}} }

func serve(names chan int) {
	for name := range names {
		p := newProcess()
		println(p.writers[name])
		go func() {
			defer func() {
				p.mu.Lock()
				defer p.mu.Unlock()
				delete(p.writers, name)
			}()
			println(name)
		}()
	}
}

func serveShared(names chan int) {
	p := newProcess()
	for name := range names {
		println(p.writers[name])
		go func() {
			defer func() {
				p.mu.Lock()
				defer p.mu.Unlock()
				delete(p.writers, name) // want "while another goroutine may use it"
			}()
			println(name)
		}()
	}
}

func serveAfter(names chan int) {
	for name := range names {
		p := newProcess()
		go func() {
			defer func() {
				p.mu.Lock()
				defer p.mu.Unlock()
				delete(p.writers, name) // want "while another goroutine may use it"
			}()
			println(name)
		}()
		println(p.writers[name])
	}
}
"#,
        );
    }
}
