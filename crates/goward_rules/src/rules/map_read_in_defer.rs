//! `map-read-in-defer`.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{Callee, Element, EventKind, PathId, callee, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use goward_types::TypeKind;

use crate::context::Context;
use crate::deferred_maps::report_all;
use crate::errors::is_nil;
use crate::rule::{Group, rule};

rule! {
    /// Reports a map that a deferred call reads when another goroutine may write it, or when it is gone.
    ///
    /// ## What it reports
    ///
    /// An element that is read in a deferred call, where at the time at which it runs no lock is held
    /// and another goroutine may write the map; where the map has been set to nil since the `defer`
    /// statement; or where the pointer that leads to the map can be nil. Also a map that is an argument
    /// of the deferred call, and is replaced by another one after the `defer` statement: arguments are
    /// evaluated when the call is deferred.
    ///
    /// ## Why it matters
    ///
    /// A map that is read while another goroutine writes it can end the process with `fatal error:
    /// concurrent map read and map write`, which no `recover` catches. Reading a nil map is no error:
    /// it finds nothing, silently. Reading through a nil pointer panics.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package session
    ///
    /// import (
    /// 	"log"
    /// 	"sync"
    /// )
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
    /// func (t *Table) Add(id string) {
    /// 	t.mu.Lock()
    /// 	defer t.mu.Unlock()
    /// 	t.open[id]++
    /// }
    ///
    /// func (t *Table) Serve(id string, run func()) {
    /// 	defer func() {
    /// 		log.Println(id, t.open[id]) // want map-read-in-defer
    /// 	}()
    /// 	run()
    /// }
    ///
    /// func report(counts map[string]int) {
    /// 	log.Println(counts)
    /// }
    ///
    /// func collect(load func() map[string]int) {
    /// 	counts := map[string]int{}
    /// 	defer report(counts) // want map-read-in-defer
    /// 	counts = load()
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package session
    ///
    /// import (
    /// 	"log"
    /// 	"sync"
    /// )
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
    /// func (t *Table) Add(id string) {
    /// 	t.mu.Lock()
    /// 	defer t.mu.Unlock()
    /// 	t.open[id]++
    /// 	defer log.Println(id, t.open[id])
    /// }
    ///
    /// func collect(load func() map[string]int) {
    /// 	counts := map[string]int{}
    /// 	defer func() { log.Println(counts["all"]) }()
    /// 	counts = load()
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix.
    pub(crate) const RULE: Rule = Rule {
        name: "map-read-in-defer",
        category: Category::Race,
        group: Group::Default,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    report_all(context, &RULE, true, findings);
    for observed in &context.flow.observed {
        if let EventKind::Set { path, .. } = observed.event.kind {
            replaced(context, observed.unit, path, observed.event.node, findings);
        }
    }
}

/// A map is replaced at `node`: deferred calls before it that have the old one as an argument.
fn replaced(
    context: &Context<'_>,
    id: goward_flow::UnitId,
    path: PathId,
    node: NodeId,
    findings: &mut Vec<Diagnostic>,
) {
    let flow = context.flow;
    let unit = flow.units.get(id);
    let file = context.file(unit.file);
    let tree = file.tree;
    let Some(root) = flow.locks.paths().root(path) else {
        return;
    };
    let world = context.world();
    let replaced = match flow.locks.paths().get(path).elements.last() {
        None => world.object_type(root),
        Some(Element::Field(field)) => world.object_type(*field),
        Some(_) => return,
    };
    if !replaced.is_known()
        || world.underlying(replaced).kind() != TypeKind::Map
        || tree.kind(node) != NodeKind::AssignStmt
    {
        return;
    }
    // `defer send(s.pending); s.pending = nil` hands the old map over and begins anew.
    let field = !flow.locks.paths().get(path).elements.is_empty();
    if field
        && let Statement::Assign { right, .. } = tree.statement(node)
        && right
            .iter()
            .any(|&value| is_empty_map(context, unit.file, value))
    {
        return;
    }
    let place = flow.text(path);
    let at = tree.span(node);
    for block in tree.preorder(unit.body) {
        let Statement::Block { statements } = tree.statement(block) else {
            continue;
        };
        if !tree.span(block).contains(at.start) {
            continue;
        }
        for &statement in statements {
            let Statement::Defer { call } = tree.statement(statement) else {
                continue;
            };
            if tree.span(statement).end > at.start {
                continue;
            }
            let Expression::Call {
                function,
                arguments,
                ..
            } = tree.expression(call)
            else {
                continue;
            };
            // An argument of a literal is there to keep the old value, and so it is in what
            // restores something.
            let text = context.text(unit.file, function).to_lowercase();
            let name = text.rsplit('.').next().unwrap_or_default();
            let keeps_old = tree.kind(function) == NodeKind::FuncLit
                || [
                    "restore", "reset", "set", "swap", "delete", "clear", "put", "recycle",
                    "release",
                ]
                .iter()
                .any(|word| name.starts_with(word));
            let given = arguments.iter().find(|&&argument| {
                let mut start = argument;
                while let Expression::Selector { operand, .. } = tree.expression(start) {
                    start = operand;
                }
                file.facts.object_of(start) == Some(root)
                    && context.text(unit.file, argument) == place
            });
            let Some(&argument) = given.filter(|_| !keeps_old) else {
                continue;
            };
            let span = tree.span(argument);
            if findings.iter().any(|finding| {
                finding.rule == RULE.name
                    && finding.span == span
                    && finding.file == context.path(unit.file)
            }) {
                continue;
            }
            let name = &place;
            findings.push(
                RULE.diagnostic(
                    context.path(unit.file),
                    span,
                    format!(
                        "`{name}` is replaced before the deferred call runs, which has the old map"
                    ),
                )
                .in_function(context.function(id))
                .operation(context.text(unit.file, statement))
                .help("defer a closure that reads the variable when it runs")
                .step(
                    context.path(unit.file),
                    tree.span(statement),
                    "the argument is evaluated here",
                )
                .step(
                    context.path(unit.file),
                    at,
                    format!("`{name}` gets another map here"),
                ),
            );
        }
    }
}

/// Whether a value is nil, an empty literal, or made here.
fn is_empty_map(context: &Context<'_>, file: usize, value: NodeId) -> bool {
    let file = context.file(file);
    let value = unparenthesized(file, value);
    match file.tree.expression(value) {
        Expression::CompositeLiteral { elements, .. } => elements.is_empty(),
        Expression::Call { function, .. } => {
            callee(context.world(), file, function) == Callee::Builtin("make")
        }
        _ => is_nil(context, file, value),
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn values_of_types_of_other_packages() {
        check(
            &RULE,
            r#"
-- specs/specs.go --
package specs

type Descriptor struct{ Annotations map[string]string }

type Request struct{ Header map[string]string }
-- a.go --
package p

import "example.com/app/specs"

type provider struct{ desc specs.Descriptor }

func made() specs.Descriptor { return specs.Descriptor{} }

func blobs() {
	go func() {
		desc := made()
		desc.Annotations["a"] = "b"
	}()
}

func (p *provider) unlazy() {
	defer func() {
		println(p.desc.Annotations["a"])
	}()
}

type shim struct{ r *specs.Request }

func (s *shim) serve() {
	go func() {
		s.r.Header["a"] = "b"
	}()
}

func (s *shim) note() {
	defer func() {
		println(s.r.Header["a"]) // want "where another goroutine may use it"
	}()
}
"#,
        );
    }
}
