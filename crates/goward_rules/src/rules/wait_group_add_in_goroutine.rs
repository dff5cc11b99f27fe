//! `wait-group-add-in-goroutine`: a goroutine that counts itself, when its waiter may be through.

use goward_diagnostics::{Category, Diagnostic, Edit, Fix, Safety, Severity, Span};
use goward_flow::{Start, StartKind, Unit, UnitId};
use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use goward_types::{ObjectId, TypedFile};

use crate::context::Context;
use crate::meetings::Meetings;
use crate::rule::{Group, rule};
use crate::wait_groups::{GroupCall, WaitGroups, statements};

rule! {
    /// Reports `WaitGroup.Add` in the goroutine that is to be waited for.
    ///
    /// ## What it reports
    ///
    /// `Add` on a `sync.WaitGroup` from outside among the first statements of a function that a `go`
    /// statement starts, where the same function calls `Done`, somebody calls `Wait`, and whoever starts
    /// the goroutine has not called `Add` itself. Silent where all who wait have met the goroutine
    /// after its `Add`: on a channel, or by `Wait` of another group that it tells with `Done`.
    ///
    /// ## Why it matters
    ///
    /// `Wait` may be called before the goroutine gets to `Add`: the counter is still zero then, and
    /// `Wait` returns. The goroutine runs on, uses what is closed already, and nobody waits for it any
    /// more.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "sync"
    ///
    /// func all(work []func()) {
    /// 	var group sync.WaitGroup
    /// 	for _, f := range work {
    /// 		go func() {
    /// 			group.Add(1) // want wait-group-add-in-goroutine
    /// 			defer group.Done()
    /// 			f()
    /// 		}()
    /// 	}
    /// 	group.Wait()
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import "sync"
    ///
    /// func all(work []func()) {
    /// 	var group sync.WaitGroup
    /// 	for _, f := range work {
    /// 		group.Add(1)
    /// 		go func() {
    /// 			defer group.Done()
    /// 			f()
    /// 		}()
    /// 	}
    /// 	group.Wait()
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// In a literal, the call of `Add` moves before the `go` statement, where its argument is a number.
    /// That is safe.
    pub(crate) const RULE: Rule = Rule {
        name: "wait-group-add-in-goroutine",
        category: Category::Leak,
        group: Group::Default,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: Some(Safety::Safe),
        check: Some(check),
    };
}

/// How far down in a goroutine `Add` is still meant for the goroutine itself.
const FIRST_STATEMENTS: usize = 3;

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let groups = WaitGroups::new(context);
    for (id, starts) in context.flow.launches().iter() {
        let unit = context.flow.units.get(id);
        let file = context.file(unit.file);
        let first: Vec<NodeId> = statements(file, unit)
            .iter()
            .copied()
            .take(FIRST_STATEMENTS)
            .collect();
        for add in &groups.calls {
            if add.unit != id || add.name != "Add" || !first.contains(&add.parent) {
                continue;
            }
            let counted = |start: &&Start| {
                start.kind == StartKind::Go && is_uncounted(context, &groups, add, id, **start)
            };
            let Some(start) = starts.iter().find(counted) else {
                continue;
            };
            let starter = context.flow.units.get(start.unit).file;
            let launch = context.span(starter, start.node);
            let name = &add.text;
            let mut diagnostic = RULE
                .diagnostic(
                    context.path(unit.file),
                    context.span(unit.file, add.node),
                    format!("`{name}.Add` in the goroutine may come after `{name}.Wait`"),
                )
                .in_function(context.function(id))
                .step(
                    context.path(starter),
                    Span::new(launch.start, launch.start + 2),
                    "the goroutine is started here, and has not run yet when the next statement does",
                )
                .help(format!("call `{name}.Add` before the `go` statement"));
            if unit.is_literal() && starts.len() == 1 {
                diagnostic.fix = fix(context, file, unit, add, *start);
            }
            findings.push(diagnostic);
        }
    }
}

/// Whether the goroutine counts itself in a group that somebody waits for, and nobody else counts it.
fn is_uncounted(
    context: &Context<'_>,
    groups: &WaitGroups,
    add: &GroupCall,
    goroutine: UnitId,
    start: Start,
) -> bool {
    let Some(group) = groups.seen_outside(context, add, goroutine, start) else {
        return false;
    };
    let done = groups.calls.iter().any(|call| {
        call.name == "Done"
            && call.text == add.text
            && context
                .flow
                .units
                .chain(call.unit)
                .any(|unit| unit == goroutine)
    });
    // A goroutine that is counted already may add more.
    let counted = groups
        .calls
        .iter()
        .any(|call| call.name == "Add" && call.group == group && call.unit == start.unit);
    done && !counted && !is_ordered(context, groups, add, group, goroutine, start)
}

/// Whether all who wait for the group are behind `Add`: the function that starts the goroutine meets
/// it first. Functions that start it too are asked about their own starts.
fn is_ordered(
    context: &Context<'_>,
    groups: &WaitGroups,
    add: &GroupCall,
    group: ObjectId,
    goroutine: UnitId,
    start: Start,
) -> bool {
    let starts = context.flow.launches().of(goroutine);
    let mut waits = groups
        .calls
        .iter()
        .filter(|call| call.name == "Wait" && call.group == group);
    waits.all(|wait| {
        if wait.unit == start.unit {
            Meetings::new(context, groups, goroutine, add.node, start.unit)
                .precede(start.node, wait.node)
        } else {
            let mut starts = starts.iter();
            starts.any(|other| other.kind == StartKind::Go && other.unit == wait.unit)
        }
    })
}

/// Moves the call before the `go` statement.
fn fix(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    unit: &Unit,
    add: &GroupCall,
    start: Start,
) -> Option<Fix> {
    let tree = file.tree;
    let Expression::Call {
        arguments: [number],
        ..
    } = tree.expression(add.node)
    else {
        return None;
    };
    // A parameter has another name outside.
    if tree.kind(*number) != NodeKind::BasicLit
        || !matches!(tree.statement(start.node), Statement::Go { .. })
        || unit.parameters.contains(&Some(add.root))
    {
        return None;
    }
    let indent_before = |offset: u32| {
        let before = &file.source[..offset as usize];
        let line = before.rsplit(|&byte| byte == b'\n').next()?;
        line.iter().all(u8::is_ascii_whitespace).then_some(line)
    };
    let (call, go) = (tree.span(add.node), tree.span(start.node));
    let (own, outer) = (indent_before(call.start)?, indent_before(go.start)?);
    let after = &file.source[call.end as usize..];
    let line_end = after.iter().position(|&byte| byte == b'\n')?;
    if !after[..line_end].iter().all(u8::is_ascii_whitespace) {
        return None;
    }
    let line = Span::new(
        call.start - own.len() as u32,
        call.end + line_end as u32 + 1,
    );
    let text = context.text(unit.file, add.node);
    Some(Fix {
        safety: Safety::Safe,
        message: "count the goroutine before it is started".to_owned(),
        edits: vec![
            Edit {
                file: context.path(unit.file),
                span: Span::at(go.start),
                replacement: format!("{text}\n{}", String::from_utf8_lossy(outer)),
            },
            Edit {
                file: context.path(unit.file),
                span: line,
                replacement: String::new(),
            },
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn groups_and_their_goroutines() {
        check(
            &RULE,
            r#"
package p

import "sync"

func work() {}

type server struct {
	group sync.WaitGroup
	own   struct{ group *sync.WaitGroup }
}

func (s *server) start() {
	go s.loop()
	go s.counted()
}

func (s *server) loop() {
	s.group.Add(1) // want "may come after `s.group.Wait`"
	defer s.group.Done()
	work()
}

func (s *server) stop() {
	s.group.Wait()
}

func (s *server) counted() {
	work()
}

func passed() {
	var group sync.WaitGroup
	go worker(&group)
	group.Wait()
}

func worker(group *sync.WaitGroup) {
	group.Add(1) // want "may come after"
	work()
	group.Done()
}

func children() {
	var group sync.WaitGroup
	group.Add(1)
	go func() {
		defer group.Done()
		group.Add(1)
		go func() {
			defer group.Done()
			work()
		}()
	}()
	group.Wait()
}

func own() {
	go func() {
		var group sync.WaitGroup
		group.Add(1)
		go func() {
			defer group.Done()
			work()
		}()
		group.Wait()
	}()
}

func told() {
	var group, started sync.WaitGroup
	started.Add(2)
	for range 2 {
		go func() {
			group.Add(1)
			defer group.Done()
			started.Done()
			work()
		}()
	}
	started.Wait()
	group.Wait()
}

func toldTooEarly() {
	var group, started sync.WaitGroup
	started.Add(1)
	go func() {
		started.Done()
		group.Add(1) // want "may come after"
		defer group.Done()
	}()
	started.Wait()
	group.Wait()
}

type request struct{ number int }

type serving struct {
	group    sync.WaitGroup
	requests <-chan request
}

func newServing(requests <-chan request) *serving {
	return &serving{requests: requests}
}

func (s *serving) run() {
	s.group.Add(1)
	defer s.group.Done()
	for range s.requests {
		work()
	}
}

func requested() {
	requests := make(chan request)
	s := newServing(requests)
	go s.run()
	requests <- request{1}
	close(requests)
	s.group.Wait()
}

func served(s *serving) {
	go s.run()
}

type serving2 struct {
	group    sync.WaitGroup
	requests chan request
}

func (s *serving2) run() {
	s.group.Add(1) // want "may come after"
	defer s.group.Done()
	for range s.requests {
		work()
	}
}

func sometimesRequested(b bool) {
	requests := make(chan request)
	s := &serving2{requests: requests}
	go s.run()
	if b {
		requests <- request{1}
	}
	close(requests)
	s.group.Wait()
}

func ready() {
	var group sync.WaitGroup
	ready := make(chan bool)
	go func() {
		group.Add(1)
		defer group.Done()
		close(ready)
		work()
	}()
	<-ready
	group.Wait()
}

func readyMany() {
	var group sync.WaitGroup
	ready := make(chan bool)
	for range 3 {
		go func() {
			group.Add(1) // want "may come after"
			defer group.Done()
			ready <- true
		}()
	}
	<-ready
	group.Wait()
}

type frames struct {
	group sync.WaitGroup
	out   chan []byte
}

func (f *frames) collect() {
	f.group.Add(1)
	for range f.out {
		work()
	}
	f.group.Done()
}

func copyFrames(out chan<- []byte) {
	for range 3 {
		out <- nil
	}
}

func collected() {
	f := frames{out: make(chan []byte)}
	go f.collect()
	copyFrames(f.out)
	close(f.out)
	f.group.Wait()
}

func nobodyWaits(group *sync.WaitGroup) {
	go func() {
		group.Add(1)
		defer group.Done()
		work()
	}()
}
"#,
        );
    }
}
