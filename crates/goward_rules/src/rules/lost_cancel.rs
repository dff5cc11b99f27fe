//! `lost-cancel`: a context that nobody can cancel any more.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{BlockId, Step, Unit, UnitId, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Specification, Statement};
use goward_types::{IdentifierFact, ObjectId, ObjectKind, TypedFile, VariableKind};

use crate::context::Context;
use crate::parent_contexts::ParentRelease;
use crate::rule::{Group, rule};
use crate::standard_library::{called_function, type_name};
use crate::walk::{walk, walk_all};

rule! {
    /// Reports contexts whose cancel function is dropped, overwritten, or not used on a path.
    ///
    /// ## What it reports
    ///
    /// A `context.CancelFunc` that a call returns and that is assigned to `_`, replaced by another one
    /// before it is used, or not used on a path to a return. Silent for contexts derived from
    /// `context.Background()`, which keeps none of them (unless a timer of a minute or more does and the
    /// function is assigned to `_`), for those derived from a context that the
    /// function made itself and cancels on every way out, in tests, for timeouts in what serves tests, and in
    /// the function `main` of a program.
    ///
    /// ## Why it matters
    ///
    /// A context is kept by its parent until it is cancelled or its deadline passes, and goroutines
    /// that wait for it stay. In a loop, or in a function that is called often, they pile up under a
    /// parent that lives long.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import (
    /// 	"context"
    /// 	"time"
    /// )
    ///
    /// func do(ctx context.Context, limit time.Duration, work func(context.Context)) {
    /// 	ctx, cancel := context.WithCancel(ctx) // want lost-cancel
    /// 	if limit > 0 {
    /// 		ctx, cancel = context.WithTimeout(ctx, limit)
    /// 	}
    /// 	defer cancel()
    /// 	work(ctx)
    /// }
    ///
    /// func drop(ctx context.Context, work func(context.Context)) {
    /// 	child, _ := context.WithCancel(ctx) // want lost-cancel
    /// 	work(child)
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import (
    /// 	"context"
    /// 	"time"
    /// )
    ///
    /// func do(ctx context.Context, limit time.Duration, work func(context.Context)) {
    /// 	ctx, cancel := context.WithCancel(ctx)
    /// 	defer cancel()
    /// 	if limit > 0 {
    /// 		var stop context.CancelFunc
    /// 		ctx, stop = context.WithTimeout(ctx, limit)
    /// 		defer stop()
    /// 	}
    /// 	work(ctx)
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: the context may have to live longer than the function.
    pub(crate) const RULE: Rule = Rule {
        name: "lost-cancel",
        category: Category::Leak,
        group: Group::Default,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let main = context.is_command();
    for (id, unit) in context.flow.units.iter() {
        if main && unit.name == "main" {
            // The process ends with it.
            continue;
        }
        let file = context.file(unit.file);
        if file.test {
            continue;
        }
        walk(unit, |node, _| {
            let (names, value) = match file.tree.kind(node) {
                NodeKind::AssignStmt => match file.tree.statement(node) {
                    Statement::Assign {
                        left,
                        right: [value],
                        ..
                    } => (left, *value),
                    _ => return,
                },
                NodeKind::ValueSpec => match file.tree.specification(node) {
                    Specification::Value {
                        names,
                        values: [value],
                        ..
                    } => (names, *value),
                    _ => return,
                },
                _ => return,
            };
            let [first, .., last] = names else { return };
            let call = unparenthesized(file, value);
            let cancel = Cancel {
                context,
                id,
                unit,
                file,
                statement: node,
                call,
                name: *last,
            };
            // A timeout ends by itself, and in what serves tests that is soon enough.
            let over_soon = || cancel.is_timeout() && context.is_for_tests(unit.file);
            if cancel.is_made(*first)
                && !over_soon()
                && (!is_unregistered(context, unit.file, call)
                    || cancel.is_dropped() && waits_long(context, unit.file, call))
                && let Some(finding) = cancel.judge()
                && !ParentRelease::new(context, id, unit).releases_child_of(node, call)
            {
                findings.push(finding);
            }
        });
    }
}

/// The package of the standard library, and what came before it.
pub(crate) fn is_context_package(path: &str) -> bool {
    // Also where it is vendored in the ways from before modules.
    path == "context" || path.ends_with("golang.org/x/net/context")
}

/// Whether the context that a call makes has no parent that keeps it.
pub(crate) fn is_unregistered(context: &Context<'_>, index: usize, call: NodeId) -> bool {
    let file = context.file(index);
    let Expression::Call {
        arguments: [parent, ..],
        ..
    } = file.tree.expression(call)
    else {
        return false;
    };
    let of_context = |call| {
        let (package, name) = called_function(context, file, call)?;
        is_context_package(package).then_some(name)
    };
    let mut parent = unparenthesized(file, *parent);
    if let Some(object) = file.facts.object_of(parent)
        && let Some((declared, value)) = context.flow.lowered.variables.single(object)
        && declared == index
    {
        parent = unparenthesized(file, value);
    }
    of_context(call).is_some() && matches!(of_context(parent), Some("Background" | "TODO"))
}

/// Whether the context that a call makes has a timer of a minute or more, which keeps it until then.
fn waits_long(context: &Context<'_>, index: usize, call: NodeId) -> bool {
    const MINUTE: i64 = 60_000_000_000;
    let file = context.file(index);
    let timeout = match file.tree.expression(call) {
        Expression::Call {
            arguments: &[_, timeout],
            ..
        } => timeout,
        _ => return false,
    };
    let known = file.facts.get(timeout).and_then(|fact| fact.value);
    called_function(context, file, call).is_some_and(|(_, name)| name == "WithTimeout")
        && known
            .and_then(|known| known.int64_value())
            .is_some_and(|timeout| timeout >= MINUTE)
}

struct Cancel<'c, 'a> {
    context: &'c Context<'a>,
    id: UnitId,
    unit: &'c Unit,
    file: &'c TypedFile<'a>,
    /// Sets the variable.
    statement: NodeId,
    call: NodeId,
    /// The identifier of the variable, or `_`.
    name: NodeId,
}

/// What becomes of the function.
enum Lost {
    Overwritten(NodeId),
    /// A return without a use, or the end of the body.
    Unused(Option<NodeId>),
}

impl Cancel<'_, '_> {
    /// Whether the last result of the call is a cancel function. Where the called function is not
    /// known, the names must leave no doubt.
    fn is_made(&self, first: NodeId) -> bool {
        let tree = self.file.tree;
        let Expression::Call { function, .. } = tree.expression(self.call) else {
            return false;
        };
        let world = self.context.world();
        let made = self.file.facts.type_of(self.call);
        if made.is_known() {
            let last = world.tuple(made).last();
            return last.is_some_and(|result| {
                matches!(
                    type_name(self.context, result.parameter_type),
                    Some((path, "CancelFunc" | "CancelCauseFunc")) if is_context_package(path)
                )
            });
        }
        let function = unparenthesized(self.file, function);
        let text = self.context.text(self.unit.file, function);
        if matches!(
            text.as_str(),
            "context.WithCancel" | "context.WithTimeout" | "context.WithDeadline"
        ) {
            return true;
        }
        let name = text.rsplit('.').next().unwrap_or_default();
        let derives = ["With", "Join", "Merge", "Cancel", "Timeout", "Deadline"];
        tree.kind(first) == NodeKind::Ident
            && tree
                .symbol(first)
                .as_str()
                .to_ascii_lowercase()
                .ends_with("ctx")
            && tree.kind(self.name) == NodeKind::Ident
            && tree.symbol(self.name).as_str() == "_"
            && derives.iter().any(|part| name.contains(part))
    }

    /// Whether the context ends by itself, as the name of what makes it tells.
    fn is_timeout(&self) -> bool {
        let Expression::Call { function, .. } = self.file.tree.expression(self.call) else {
            return false;
        };
        let text = self.context.text(self.unit.file, function);
        text.contains("Timeout") || text.contains("Deadline")
    }

    /// Whether it is assigned to `_`.
    fn is_dropped(&self) -> bool {
        let tree = self.file.tree;
        tree.kind(self.name) == NodeKind::Ident && tree.symbol(self.name).is_blank()
    }

    fn judge(&self) -> Option<Diagnostic> {
        let tree = self.file.tree;
        if tree.kind(self.name) != NodeKind::Ident {
            return None;
        }
        let name = tree.symbol(self.name).as_str();
        if name == "_" {
            let diagnostic = self.diagnostic("the cancel function of this context is dropped");
            return Some(diagnostic.help(
                "keep it, and call it when the context is no longer needed: `defer cancel()`",
            ));
        }
        let object = self.file.facts.object_of(self.name)?;
        let local =
            self.context.world().object(object).kind == ObjectKind::Variable(VariableKind::Local);
        if !local || !self.context.flow.declared_inside(object, self.id) {
            return None;
        }
        match self.lost(object)? {
            Lost::Overwritten(node) => {
                let message = format!("`{name}` is overwritten before it is called");
                let diagnostic = self.diagnostic(message).step(
                    self.context.path(self.unit.file),
                    self.context.span(self.unit.file, node),
                    format!("`{name}` gets another value here"),
                );
                Some(diagnostic.help("give the two functions two names, and call both"))
            }
            Lost::Unused(exit) => {
                let message = format!("`{name}` is not called on every path");
                let mut diagnostic = self.diagnostic(message);
                if let Some(exit) = exit {
                    diagnostic = diagnostic.step(
                        self.context.path(self.unit.file),
                        self.context.span(self.unit.file, exit),
                        "the function can return here without a call of it",
                    );
                }
                Some(diagnostic.help(format!("`defer {name}()`, right after this")))
            }
        }
    }

    fn diagnostic(&self, message: impl Into<String>) -> Diagnostic {
        let context = self.context;
        let path = context.path(self.unit.file);
        RULE.diagnostic(path, context.span(self.unit.file, self.call), message)
            .in_function(context.function(self.id))
    }

    /// Looks for a path on which the function is lost.
    fn lost(&self, object: ObjectId) -> Option<Lost> {
        let tree = self.file.tree;
        let own = tree.span(self.statement);
        // Every place that names the variable, apart from the left sides of assignments.
        let mut uses = Vec::new();
        let mut sets = Vec::new();
        walk_all(tree, self.unit.body, |node| match tree.kind(node) {
            NodeKind::Ident if self.file.facts.object_of(node) == Some(object) => {
                uses.push(node);
            }
            NodeKind::AssignStmt => {
                if let Statement::Assign { left, .. } = tree.statement(node)
                    && let Some(&place) = left
                        .iter()
                        .find(|&&place| self.file.facts.object_of(place) == Some(object))
                {
                    sets.push((node, place));
                }
            }
            _ => {}
        });
        uses.retain(|&node| {
            !sets.iter().any(|&(_, place)| place == node)
                && self.file.facts.identifier(node)
                    != Some(IdentifierFact::Definition(Some(object)))
        });
        // A closure that was made before may call it at any time.
        let mut captured_before = false;
        walk(self.unit, |node, _| {
            let span = tree.span(node);
            captured_before |= tree.kind(node) == NodeKind::FuncLit
                && span.start < own.start
                && uses
                    .iter()
                    .chain(sets.iter().map(|(_, place)| place))
                    .any(|&used| span.contains(tree.span(used).start));
        });
        if captured_before {
            return None;
        }
        let uses_in = |node: NodeId| {
            let span = tree.span(node);
            uses.iter()
                .any(|&used| span.contains(tree.span(used).start))
        };
        let graph = &self.unit.graph;
        let start = graph.reverse_postorder().iter().copied().find_map(|block| {
            let steps = graph.block(block).steps;
            let index = steps
                .iter()
                .position(|&step| step == Step::Statement(self.statement))?;
            Some((block, index + 1))
        });
        let mut seen = vec![false; graph.block_count()];
        let mut pending: Vec<(BlockId, usize)> = start.into_iter().collect();
        let mut unused = None;
        'blocks: while let Some((block, from)) = pending.pop() {
            for &step in &graph.block(block).steps[from..] {
                let node = match step {
                    Step::Expression(node)
                    | Step::Statement(node)
                    | Step::Register(node)
                    | Step::RunDeferred(node)
                    | Step::Communicate(node)
                    | Step::Return(node) => node,
                    _ => continue,
                };
                if uses_in(node) {
                    continue 'blocks;
                }
                if sets.iter().any(|&(set, _)| set == node) {
                    if node == self.statement {
                        continue 'blocks;
                    }
                    return Some(Lost::Overwritten(node));
                }
            }
            for exit in &graph.exits {
                if exit.terminal == block && exit.kind.returns() {
                    unused = unused.or(Some(exit.node));
                }
            }
            for edge in graph.block(block).successors {
                if !std::mem::replace(&mut seen[edge.to.index()], true) {
                    pending.push((edge.to, 0));
                }
            }
        }
        unused.map(Lost::Unused)
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn timeouts_in_what_serves_tests() {
        check(
            &RULE,
            r#"
-- harness.go --
package p

import (
	"context"
	"testing"
	"time"
)

func Limited(t *testing.T, parent context.Context) context.Context {
	ctx, _ := context.WithTimeout(parent, time.Second)
	return ctx
}
func Endless(t *testing.T, parent context.Context) context.Context {
	ctx, _ := context.WithCancel(parent) // want "is dropped"
	return ctx
}
-- other.go --
package p

import (
	"context"
	"time"
)

func Serve(parent context.Context) context.Context {
	ctx, _ := context.WithTimeout(parent, time.Second) // want "is dropped"
	return ctx
}
"#,
        );
    }

    #[test]
    fn cancel_functions_on_their_paths() {
        check(
            &RULE,
            r#"
-- b.go --
package p

import std "context"

func backgroundByAnotherName() {
	ctx, _ := std.WithCancel(std.Background())
	use(ctx)
}
-- a.go --
package p

import (
	"context"
	"time"

	"example.com/missing/join"
)

func bad() bool { return true }
func use(context.Context) {}

func onePath(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second) // want "not called on every path"
	if bad() {
		return ctx.Err()
	}
	cancel()
	return nil
}

func longTimer() {
	ctx, _ := context.WithTimeout(context.Background(), time.Hour) // want "dropped"
	use(ctx)
}
func shortTimer() {
	ctx, _ := context.WithTimeout(context.Background(), 5*time.Second)
	use(ctx)
}

func joined(a, b context.Context) {
	joinedCtx, _ := join.Join(a, b) // want "dropped"
	use(joinedCtx)
}

func unknown(a context.Context) {
	value, _ := join.Other(a)
	use(value)
}

func inLoop(ctx context.Context) {
	for {
		c, cancel := context.WithCancel(ctx) // want "not called on every path"
		use(c)
		if bad() {
			return
		}
		cancel()
	}
}

func background() {
	ctx, _ := context.WithCancel(context.Background())
	use(ctx)
}

func returned(ctx context.Context) (context.Context, func()) {
	c, cancel := context.WithCancel(ctx)
	if bad() {
		return c, cancel
	}
	return c, func() { cancel() }
}

type holder struct{ cancel func() }

func kept(ctx context.Context, h *holder) {
	c, cancel := context.WithCancel(ctx)
	h.cancel = cancel
	use(c)
}

func fieldItself(ctx context.Context, h *holder) (c context.Context) {
	c, h.cancel = context.WithCancel(ctx)
	return c
}

func closureBefore(ctx context.Context) {
	var cancel context.CancelFunc
	defer func() {
		if cancel != nil {
			cancel()
		}
	}()
	ctx, cancel = context.WithCancel(ctx)
	use(ctx)
}

func panics(ctx context.Context) {
	c, cancel := context.WithCancel(ctx)
	if bad() {
		panic("no")
	}
	cancel()
	use(c)
}

func releasedWithParent(ctx context.Context) {
	ctx, cancel := context.WithCancelCause(ctx)
	ctx, _ = context.WithTimeoutCause(ctx, time.Second, nil)
	defer cancel(nil)
	use(ctx)
}

func releasedInClosure(ctx context.Context) {
	parent, cancel := context.WithCancel(ctx)
	defer func() { cancel() }()
	child, _ := context.WithTimeout(context.WithValue(parent, 1, 2), time.Second)
	grandchild, _ := context.WithCancel(child)
	use(grandchild)
}

func releasedByCalls(ctx context.Context) {
	var cancel context.CancelFunc
	if bad() {
		ctx, cancel = context.WithCancel(ctx)
		ctx, _ = context.WithTimeout(ctx, time.Second)
	}
	for {
		if bad() {
			if cancel != nil {
				cancel()
			}
			return
		}
		use(ctx)
	}
}

func parentOfNobody(ctx context.Context) {
	var cancel context.CancelFunc
	for {
		if bad() {
			ctx, cancel = context.WithCancel(context.Background())
			ctx, _ = context.WithTimeout(ctx, time.Second)
		}
		if bad() {
			cancel()
		}
		use(ctx)
	}
}

func parentNotReleased(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx) // want "not called on every path"
	ctx, _ = context.WithTimeout(ctx, time.Second) // want "dropped"
	if bad() {
		return
	}
	cancel()
}

func parentHandedOn(ctx context.Context) func() {
	ctx, cancel := context.WithCancel(ctx)
	ctx, _ = context.WithTimeout(ctx, time.Second) // want "dropped"
	use(ctx)
	return cancel
}

func otherParent(first context.Context) {
	second, cancel := context.WithCancel(first)
	defer cancel()
	child, _ := context.WithTimeout(first, time.Second) // want "dropped"
	use(child)
	use(second)
}

func maybeParent(first context.Context) {
	ctx := first
	if bad() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(first)
		defer cancel()
	}
	child, _ := context.WithTimeout(ctx, time.Second) // want "dropped"
	use(child)
}

func pilesUp(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for {
		child, _ := context.WithCancel(ctx) // want "dropped"
		use(child)
	}
}

func notTheirOwn(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	child, _ := context.WithCancel(context.WithoutCancel(ctx)) // want "dropped"
	use(child)
}

func watched(ctx context.Context, stop chan bool) {
	c, cancel := context.WithCancel(ctx)
	go func() {
		<-stop
		cancel()
	}()
	use(c)
}
"#,
        );
    }
}
