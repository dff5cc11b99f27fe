//! `deferred-result-not-called`: a call is deferred that was meant to give the function to defer.

use goward_diagnostics::{Category, Diagnostic, Edit, Fix, Safety, Severity, Span};
use goward_syntax::{Expression, Statement};

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::walk::defer_statements;

rule! {
    /// Reports deferred calls whose result is a function that nobody calls.
    ///
    /// ## What it reports
    ///
    /// `defer f()` where the only result of `f` is a function without parameters and results: a clean-up
    /// that should run at the end.
    ///
    /// ## Why it matters
    ///
    /// `defer start()` runs `start` when the function is over, and drops the function that it gives. The
    /// clock starts too late, the lock is taken at the end and never given back. `defer start()()` runs
    /// `start` at once and its result at the end.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "time"
    ///
    /// func measure(name string) func() {
    /// 	start := time.Now()
    /// 	return func() { println(name, time.Since(start)) }
    /// }
    ///
    /// func work() {
    /// 	defer measure("work") // want deferred-result-not-called
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import "time"
    ///
    /// func measure(name string) func() {
    /// 	start := time.Now()
    /// 	return func() { println(name, time.Since(start)) }
    /// }
    ///
    /// func work() {
    /// 	defer measure("work")()
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// The fix adds the second pair of parentheses. The first call runs earlier then: the fix is unsafe.
    pub(crate) const RULE: Rule = Rule {
        name: "deferred-result-not-called",
        category: Category::Leak,
        group: Group::Default,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: Some(Safety::Unsafe),
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let world = context.world();
    for (id, unit) in context.flow.units.iter() {
        let file = context.file(unit.file);
        for defer in defer_statements(unit) {
            let Statement::Defer { call } = file.tree.statement(defer) else {
                continue;
            };
            let Expression::Call { function, .. } = file.tree.expression(call) else {
                continue;
            };
            let Some(signature) = world.as_signature(file.facts.type_of(function)) else {
                continue;
            };
            let [result] = world.tuple(signature.results) else {
                continue;
            };
            let result = world.underlying(result.parameter_type);
            let Some(given) = world.as_signature(result) else {
                continue;
            };
            let plain =
                world.tuple(given.parameters).is_empty() && world.tuple(given.results).is_empty();
            if !plain {
                continue;
            }
            let path = context.path(unit.file);
            let span = context.span(unit.file, call);
            let text = context.text(unit.file, function);
            findings.push(
                RULE.diagnostic(
                    path.clone(),
                    span,
                    format!("the function that `{text}` returns is never called"),
                )
                .in_function(context.function(id))
                .operation(format!("defer {text}"))
                .step(
                    path.clone(),
                    span,
                    format!("`{text}` runs only at the end, and its result is dropped"),
                )
                .help(
                    "write a second pair of parentheses: the call runs now, its result at the end",
                )
                .fix(Fix {
                    safety: Safety::Unsafe,
                    message: "defer the function that the call returns".to_owned(),
                    edits: vec![Edit {
                        file: path,
                        span: Span::at(span.end),
                        replacement: "()".to_owned(),
                    }],
                }),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn what_is_deferred() {
        check(
            &RULE,
            r#"
package p

import "context"

type cleanup func()
type locks struct{}

func (locks) take() cleanup       { return func() {} }
func start(string) (stop func())  { return func() {} }
func open() (func(), error)       { return nil, nil }
func counter() func() int         { return nil }
func end()                        {}
func generic[T any](T) func()     { return func() {} }

func a() { defer start("a") } // want "the function that `start` returns"
func b(l locks) { defer l.take() } // want "`l.take` returns"
func c() { defer generic(1) } // want "never called"
func d() { defer func() func() { return end }() } // want "never called"

func called() { defer start("a")() }
func both() { defer open() }
func count() { defer counter() }
func plain() { defer end() }
func after() { defer context.AfterFunc(context.Background(), end) }
func kept() { stop := start("a"); defer stop() }
"#,
        );
    }
}
