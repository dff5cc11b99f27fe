//! `empty-critical-section`: a lock is given back at once, before what it is there for.

use goward_diagnostics::{Category, Diagnostic, Edit, Fix, Safety, Severity, Span};
use goward_flow::{EventKind, LockMode, Observed, PathId, Unit, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Statement, UnaryOperator};
use goward_types::{ObjectKind, SelectionKind, VariableKind};
use rustc_hash::FxHashMap;

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::standard_library::named;

rule! {
    /// Reports locks that are given back at once, before the statement that they are there for.
    ///
    /// ## What it reports
    ///
    /// `mu.Lock()` and `mu.Unlock()`, or `RLock` and `RUnlock`, right after each other with nothing between, where
    /// the next statement uses a field of the same object, or a variable of the package or a captured one where the
    /// mutex is one, too. A `defer` is missing.
    ///
    /// Some functions take and give back a lock in order to wait for others: where no such use follows, where a
    /// comment stands by or that of the function speaks of it, and beside a wait, nothing is said.
    ///
    /// ## Why it matters
    ///
    /// The statement runs without the lock. It looks guarded and is not: counts lose increments, and a map that is
    /// used so ends the process with `fatal error: concurrent map writes`.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "sync"
    ///
    /// type Counter struct {
    /// 	mu sync.Mutex
    /// 	n  int
    /// }
    ///
    /// func (c *Counter) Add() {
    /// 	c.mu.Lock() // want empty-critical-section
    /// 	c.mu.Unlock()
    /// 	c.n++
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
    /// type Counter struct {
    /// 	mu sync.Mutex
    /// 	n  int
    /// }
    ///
    /// func (c *Counter) Add() {
    /// 	c.mu.Lock()
    /// 	defer c.mu.Unlock()
    /// 	c.n++
    /// }
    ///
    /// func (c *Counter) Wait() {
    /// 	c.mu.Lock()
    /// 	c.mu.Unlock()
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// `defer mu.Unlock()` is made on request only: the rest of the function then runs with the lock held.
    pub(crate) const RULE: Rule = Rule {
        name: "empty-critical-section",
        category: Category::Race,
        group: Group::Default,
        severity: Severity::Error,
        since: "0.1",
        fix_safety: Some(Safety::Unsafe),
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let flow = context.flow;
    for (id, unit) in flow.units.iter() {
        // By call: the mutex, and what is done to it.
        let mut calls: FxHashMap<NodeId, (PathId, LockMode, bool)> = FxHashMap::default();
        for observed in flow.observed_in(id) {
            let Observed { event, .. } = observed;
            match event.kind {
                EventKind::Lock {
                    path,
                    mode,
                    sync: true,
                } => {
                    calls.insert(event.node, (path, mode, true));
                }
                EventKind::Unlock { path, mode } => {
                    calls.insert(event.node, (path, mode, false));
                }
                _ => {}
            }
        }
        if !calls.values().any(|call| call.2) {
            continue;
        }
        let file = context.file(unit.file);
        let call_of = |statement: NodeId| match file.tree.kind(statement) {
            NodeKind::ExprStmt => match file.tree.statement(statement) {
                Statement::Expression { expression } => {
                    let call = unparenthesized(file, expression);
                    calls.get(&call).map(|&known| (call, known))
                }
                _ => None,
            },
            _ => None,
        };
        for &(node, _) in &unit.nodes {
            let statements = match file.tree.kind(node) {
                NodeKind::BlockStmt => match file.tree.statement(node) {
                    Statement::Block { statements } => statements,
                    _ => continue,
                },
                NodeKind::CaseClause => match file.tree.statement(node) {
                    Statement::CaseClause { body, .. } => body,
                    _ => continue,
                },
                _ => continue,
            };
            for (position, window) in statements.windows(3).enumerate() {
                let &[lock, unlock, next] = window else {
                    continue;
                };
                let previous = position.checked_sub(1).map(|before| statements[before]);
                let (
                    Some((locked, (path, mode, true))),
                    Some((unlocked, (other, other_mode, false))),
                ) = (call_of(lock), call_of(unlock))
                else {
                    continue;
                };
                let place = Place {
                    context,
                    file: unit.file,
                    path,
                };
                if path == other
                    && call_of(next).is_none()
                    && mode == other_mode
                    && place.is_used(next)
                    && !place.is_explained(locked, next)
                    && !place.is_documented(unit)
                    && !previous
                        .into_iter()
                        .chain([next])
                        .any(|beside| place.is_wait(beside))
                {
                    let finding = place.finding(mode, locked, unlocked, next);
                    findings.push(finding.in_function(context.function(id)));
                }
            }
        }
    }
}

/// A mutex in a file.
struct Place<'c, 'a> {
    context: &'c Context<'a>,
    file: usize,
    path: PathId,
}

impl Place<'_, '_> {
    /// Whether a statement uses what the mutex may guard.
    fn is_used(&self, statement: NodeId) -> bool {
        let context = self.context;
        let file = context.file(self.file);
        let tree = file.tree;
        let plain = matches!(
            tree.kind(statement),
            NodeKind::AssignStmt
                | NodeKind::IncDecStmt
                | NodeKind::ReturnStmt
                | NodeKind::IfStmt
                | NodeKind::RangeStmt
                | NodeKind::ExprStmt
        );
        // Of what follows under a condition only the condition says what is guarded.
        let roots: Vec<NodeId> = match tree.kind(statement) {
            NodeKind::IfStmt => match tree.statement(statement) {
                Statement::If {
                    initial, condition, ..
                } => initial.into_iter().chain([condition]).collect(),
                _ => return false,
            },
            NodeKind::RangeStmt => match tree.statement(statement) {
                Statement::Range { operand, .. } => vec![operand],
                _ => return false,
            },
            _ => vec![statement],
        };
        let (root, is_field) = {
            let paths = context.flow.locks.paths();
            let Some(root) = paths.root(self.path) else {
                return false;
            };
            (root, !paths.get(self.path).elements.is_empty())
        };
        let world = context.world();
        let kind = world.object(root).kind;
        let nodes = roots.into_iter().flat_map(|root| tree.preorder(root));
        plain
            && nodes.into_iter().any(|node| match tree.kind(node) {
                NodeKind::SelectorExpr if is_field => {
                    file.facts
                        .selections
                        .get(&node)
                        .is_some_and(|selection| selection.kind == SelectionKind::FieldValue)
                        && named(context, file, node)
                            .is_some_and(|place| place.root == root && !self.is_mutex(place.last))
                }
                NodeKind::Ident if !is_field => {
                    file.facts.object_of(node).is_some_and(|object| {
                        let known = world.object(object);
                        known.kind == kind
                            && known.package == Some(context.package.package)
                            && object != root
                            && !self.is_mutex(object)
                            && match kind {
                                ObjectKind::Variable(VariableKind::Package) => true,
                                // What a literal shares with the function around it.
                                ObjectKind::Variable(VariableKind::Local) => {
                                    self.is_captured(object, node)
                                }
                                _ => false,
                            }
                    })
                }
                _ => false,
            })
    }

    fn is_mutex(&self, object: goward_types::ObjectId) -> bool {
        let world = self.context.world();
        goward_flow::named_behind(world, world.object_type(object)).is_some_and(|named| {
            let named = world.object(named);
            named
                .package
                .is_some_and(|package| world.package(package).path.as_str() == "sync")
        })
    }

    /// Whether the function literal around a node uses a variable from outside of it.
    fn is_captured(&self, object: goward_types::ObjectId, node: NodeId) -> bool {
        let flow = self.context.flow;
        let at = self.context.span(self.file, node).start;
        let around = flow.units.iter().filter(|(_, unit)| {
            unit.file == self.file && self.context.span(self.file, unit.node).contains(at)
        });
        let innermost =
            around.min_by_key(|(_, unit)| self.context.span(self.file, unit.node).len());
        innermost.is_some_and(|(id, unit)| unit.is_literal() && !flow.declared_inside(object, id))
    }

    /// Whether it is meant: a comment stands on the line before the lock, or between its line and the next
    /// statement, or one on its line tells a linter so.
    fn is_explained(&self, lock: NodeId, next: NodeId) -> bool {
        let file = self.context.file(self.file);
        let lock = self.context.span(self.file, lock);
        let end = self.context.span(self.file, next).start;
        let line_ends = |byte: &u8| *byte == b'\n';
        let before = &file.source[..lock.start as usize];
        let line = before.iter().rposition(line_ends).unwrap_or(0);
        let from = before[..line].iter().rposition(line_ends).unwrap_or(0) as u32;
        let after = &file.source[lock.end as usize..];
        let below = lock.end + after.iter().position(line_ends).unwrap_or(0) as u32;
        file.tree.comments().iter().any(|comment| {
            let start = comment.span.start;
            start >= from && start < lock.start
                || start >= below && start < end
                // On the line of the lock only what speaks to a linter.
                || start >= lock.end && start < below && {
                    let text = String::from_utf8_lossy(&file.source[comment.span.range()]);
                    text.contains("nolint") || text.contains("lint:ignore")
                }
        })
    }

    /// Whether the comment of a function says that it takes locks, or tries them.
    fn is_documented(&self, unit: &Unit) -> bool {
        let text = self
            .context
            .documentation(self.file, unit.node)
            .to_lowercase();
        let mut words = text.split(|letter: char| !letter.is_alphanumeric());
        let speaks = |wanted: &'static [&'static str]| {
            move |word: &str| wanted.iter().any(|start| word.starts_with(start))
        };
        words.clone().any(speaks(&["lock", "mutex"]))
            && words.any(speaks(&["acquire", "probe", "barrier", "wait", "release"]))
    }

    /// Whether a statement before or behind waits for others: with the lock it is a barrier.
    fn is_wait(&self, statement: NodeId) -> bool {
        let tree = self.context.file(self.file).tree;
        let Statement::Expression { expression } = tree.statement(statement) else {
            return false;
        };
        match tree.expression(expression) {
            Expression::Call { function, .. } => matches!(
                tree.expression(function),
                Expression::Selector { name, .. } if tree.symbol(name).as_str() == "Wait"
            ),
            Expression::Unary {
                operator: UnaryOperator::Receive,
                ..
            } => true,
            _ => false,
        }
    }

    fn finding(
        &self,
        mode: LockMode,
        locked: NodeId,
        unlocked: NodeId,
        next: NodeId,
    ) -> Diagnostic {
        let context = self.context;
        let name = context.flow.text(self.path);
        let path = context.path(self.file);
        let span = context.span(self.file, locked);
        let unlock_span = context.span(self.file, unlocked);
        let next = context.span(self.file, next);
        let unlock = match mode {
            LockMode::Read => "RUnlock",
            LockMode::Write => "Unlock",
        };
        RULE.diagnostic(
            path.clone(),
            span,
            format!("`{name}` is given back at once, before the statement that it is there for"),
        )
        .operation(context.text(self.file, locked))
        .step(path.clone(), span, format!("`{name}` is locked here"))
        .step(path.clone(), unlock_span, "and given back at once")
        .step(
            path.clone(),
            Span::new(next.start, next.start + 1),
            "this runs without it",
        )
        .help(format!("`defer {name}.{unlock}()`, or unlock further down"))
        .fix(Fix {
            safety: Safety::Unsafe,
            message: format!("defer the call of `{unlock}`"),
            edits: vec![Edit {
                file: path,
                span: Span::at(unlock_span.start),
                replacement: "defer ".to_owned(),
            }],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn uses_and_barriers() {
        check(
            &RULE,
            r#"
package p

import "sync"

type C struct {
	mu sync.Mutex
	rw sync.RWMutex
	n  int
	m  map[string]int
}
type E struct {
	sync.Mutex
	n int
}

var (
	mu    sync.Mutex
	other sync.Mutex
	total int
)

func (c *C) get(k string) int {
	c.rw.RLock() // want "`c.rw` is given back at once"
	c.rw.RUnlock()
	return c.m[k]
}
func (c *C) test(k string) bool {
	c.mu.Lock() // want "`c.mu` is given back at once"
	c.mu.Unlock()
	if c.m[k] > 0 {
		return true
	}
	return false
}
func (e *E) add() {
	e.Lock() // want "`e` is given back at once"
	e.Unlock()
	e.n++
}
func global() {
	mu.Lock() // want "`mu` is given back at once"
	mu.Unlock()
	total++
}
func captured() int {
	var mu sync.Mutex
	var wg sync.WaitGroup
	n := 0
	for range 4 {
		wg.Go(func() {
			mu.Lock() // want "`mu` is given back at once"
			mu.Unlock()
			n++
		})
	}
	wg.Wait()
	return n
}

func (c *C) barrier() {
	c.n++
	c.mu.Lock()
	c.mu.Unlock()
}
func (c *C) explained() int {
	// Wait for whoever is still in there.
	c.mu.Lock()
	c.mu.Unlock()
	return c.n
}
func (c *C) explainedBelow() int {
	c.mu.Lock()
	c.mu.Unlock()
	// Nobody is in there any more.
	return c.n
}
func (c *C) explainedBeside() int {
	c.mu.Lock() //nolint:staticcheck
	c.mu.Unlock()
	return c.n
}
// probe acquires the mutex and gives it back.
func (c *C) probe() int {
	c.mu.Lock()
	c.mu.Unlock()
	return c.n
}
// first gives back the number.
func (c *C) first() int {
	c.mu.Lock() // want "given back at once"
	c.mu.Unlock()
	return c.n
}
func (c *C) behindWait(wg *sync.WaitGroup) int {
	wg.Wait()
	c.mu.Lock()
	c.mu.Unlock()
	return c.n
}
func (c *C) behindReceive(done chan bool) int {
	<-done
	c.mu.Lock()
	c.mu.Unlock()
	return c.n
}
func (c *C) signal() {
	c.mu.Lock()
	c.mu.Unlock()
	c.work()
}
func (c *C) work() {}
func (c *C) two(d *C) int {
	c.mu.Lock()
	d.mu.Unlock()
	n := c.n
	c.mu.Unlock()
	d.mu.Lock()
	return n
}
func handOver() {
	mu.Lock()
	mu.Unlock()
	other.Lock()
	total++
	other.Unlock()
}
func local() int {
	var mu sync.Mutex
	n := 1
	mu.Lock()
	mu.Unlock()
	n++
	return n
}
"#,
        );
    }
}
