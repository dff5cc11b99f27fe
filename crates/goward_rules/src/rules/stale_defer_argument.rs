//! `stale-defer-argument`: an argument of a deferred call is evaluated too early (or a variable too late).

use goward_diagnostics::{Category, Diagnostic, Edit, Fix, Safety, Severity, Span};
use goward_flow::{Callee, Step, Unit, UnitId, callee, unparenthesized};
use goward_syntax::{AssignOperator, Expression, NodeId, NodeKind, Statement};
use goward_types::{ObjectId, ObjectKind, TypeKind, TypedFile, VariableKind};

use crate::context::Context;
use crate::errors::is_error_variable;
use crate::rule::{Group, rule};
use crate::walk::{steps_after, walk, walk_all};

rule! {
    /// Reports arguments of deferred calls that are out of date when the call runs.
    ///
    /// ## What it reports
    ///
    /// Arguments of a deferred call that are evaluated at the `defer` statement and changed before
    /// the function is over, where that is a mistake: an error variable that is assigned later, an
    /// element of a map that is set later, and `time.Since`. And the opposite: a deferred function
    /// literal that unlocks or releases by a key in a variable which is assigned again.
    ///
    /// ## Why it matters
    ///
    /// The arguments of a deferred call are evaluated when the `defer` statement runs. A hook that is
    /// given `err` there always gets the error of that moment, most often nil, and `time.Since`
    /// measures no time at all.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import (
    /// 	"log"
    /// 	"time"
    /// )
    ///
    /// func finished(err error) { log.Print(err) }
    ///
    /// func run(step func() error) error {
    /// 	start := time.Now()
    /// 	defer log.Print(time.Since(start)) // want stale-defer-argument
    /// 	var err error
    /// 	defer finished(err) // want stale-defer-argument
    /// 	err = step()
    /// 	return err
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import (
    /// 	"log"
    /// 	"time"
    /// )
    ///
    /// func finished(err error) { log.Print(err) }
    ///
    /// func run(step func() error) error {
    /// 	start := time.Now()
    /// 	defer func() { log.Print(time.Since(start)) }()
    /// 	var err error
    /// 	defer func() { finished(err) }()
    /// 	err = step()
    /// 	return err
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// The call is put into a function literal, so that its arguments are evaluated when it runs. The
    /// fix is safe where all other arguments are constants; else it is unsafe, because they are
    /// evaluated later, too.
    pub(crate) const RULE: Rule = Rule {
        name: "stale-defer-argument",
        category: Category::StaleValue,
        group: Group::Default,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: Some(Safety::Safe),
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    for (id, unit) in context.flow.units.iter() {
        let file = context.file(unit.file);
        let mut defers = Vec::new();
        walk(unit, |node, _| {
            if let NodeKind::DeferStmt = file.tree.kind(node)
                && let Statement::Defer { call } = file.tree.statement(node)
            {
                defers.push((node, call));
            }
        });
        for (defer, call) in defers {
            let Expression::Call {
                function,
                arguments,
                ..
            } = file.tree.expression(call)
            else {
                continue;
            };
            for &argument in arguments {
                check_argument(context, id, defer, call, argument, findings);
            }
            let literal = unparenthesized(file, function);
            if file.tree.kind(literal) == NodeKind::FuncLit {
                check_release(context, id, unit, defer, literal, findings);
            }
        }
    }
}

fn check_argument(
    context: &Context<'_>,
    id: UnitId,
    defer: NodeId,
    call: NodeId,
    argument: NodeId,
    findings: &mut Vec<Diagnostic>,
) {
    let unit = context.flow.units.get(id);
    let file = context.file(unit.file);
    let node = unparenthesized(file, argument);
    let text = context.text(unit.file, node);
    let after = || steps_after(&unit.graph, |step| step == Step::Register(defer));
    let (message, change) = match file.tree.expression(node) {
        _ if holds_time_since(context, file, node) => (
            "`time.Since` is evaluated at the `defer` statement, not when the call runs".to_owned(),
            None,
        ),
        Expression::Identifier => {
            let Some(object) = error_variable(context, file, unit, node) else {
                return;
            };
            let Some(change) = after()
                .into_iter()
                .find(|&step| assigns(context, file, unit, step, object))
            else {
                return;
            };
            (
                format!("`{text}` is evaluated at the `defer` statement and assigned after it"),
                Some(change),
            )
        }
        Expression::Index { operand, .. } if is_map(context, file, operand) => {
            let Some(change) = after()
                .into_iter()
                .find(|&step| sets_element(context, unit, file, step, &text))
            else {
                return;
            };
            (
                format!("`{text}` is read at the `defer` statement and set after it"),
                Some(change),
            )
        }
        _ => return,
    };
    let path = context.path(unit.file);
    let mut diagnostic = RULE
        .diagnostic(path.clone(), context.span(unit.file, node), message)
        .in_function(context.function(id))
        .operation(format!("defer with {text}"))
        .step(
            path.clone(),
            context.span(unit.file, node),
            format!("`{text}` is evaluated here"),
        );
    if let Some(change) = change {
        diagnostic = diagnostic.step(
            path,
            context.span(unit.file, step_node(change)),
            "it changes here, too late for the deferred call",
        );
    }
    let is_literal = matches!(file.tree.expression(call), Expression::Call { function, .. }
        if file.tree.kind(unparenthesized(file, function)) == NodeKind::FuncLit);
    diagnostic = if is_literal {
        diagnostic.help(format!(
            "use `{text}` inside of the function literal instead of passing it"
        ))
    } else {
        diagnostic
            .help(format!(
                "put the call into a function literal: `defer func() {{ {} }}()`",
                context.text(unit.file, call)
            ))
            .fix(wrap(context, unit.file, call, node))
    };
    findings.push(diagnostic);
}

fn step_node(step: Step) -> NodeId {
    match step {
        Step::Expression(node)
        | Step::Statement(node)
        | Step::Register(node)
        | Step::RunDeferred(node)
        | Step::RangeNext(node)
        | Step::RangeAssign(node)
        | Step::Communicate(node)
        | Step::Return(node)
        | Step::Branch(node) => node,
    }
}

/// Puts the deferred call into a function literal.
fn wrap(context: &Context<'_>, file_index: usize, call: NodeId, stale: NodeId) -> Fix {
    let file = context.file(file_index);
    let span = context.span(file_index, call);
    let others_are_constant = match file.tree.expression(call) {
        Expression::Call {
            arguments,
            function,
            ..
        } => {
            let named = !matches!(
                file.tree.expression(unparenthesized(file, function)),
                Expression::Call { .. }
            );
            named
                && arguments.iter().all(|&argument| {
                    unparenthesized(file, argument) == stale
                        || file
                            .facts
                            .get(argument)
                            .is_some_and(|fact| fact.value.is_some())
                })
        }
        _ => false,
    };
    let path = context.path(file_index);
    Fix {
        safety: if others_are_constant {
            Safety::Safe
        } else {
            Safety::Unsafe
        },
        message: "evaluate the arguments when the call runs".to_owned(),
        edits: vec![
            Edit {
                file: path.clone(),
                span: Span::at(span.start),
                replacement: "func() { ".to_owned(),
            },
            Edit {
                file: path,
                span: Span::at(span.end),
                replacement: " }()".to_owned(),
            },
        ],
    }
}

/// Whether an argument calls `time.Since` to get its value; a literal in it runs later.
fn holds_time_since(context: &Context<'_>, file: &TypedFile<'_>, argument: NodeId) -> bool {
    let tree = file.tree;
    match tree.kind(argument) {
        NodeKind::FuncLit => return false,
        NodeKind::CallExpr => {
            if let Expression::Call { function, .. } = tree.expression(argument)
                && is_time_since(context, file, function)
            {
                return true;
            }
        }
        _ => {}
    }
    let mut found = false;
    tree.for_each_child(argument, |child| {
        found |= holds_time_since(context, file, child);
    });
    found
}

fn is_time_since(context: &Context<'_>, file: &TypedFile<'_>, function: NodeId) -> bool {
    let Callee::Function(object) = callee(context.world(), file, function) else {
        return false;
    };
    let entry = context.world().object(object);
    let path = entry
        .package
        .map(|package| context.world().package(package).path.as_str());
    (path, entry.name.as_str()) == (Some("time"), "Since")
}

fn is_map(context: &Context<'_>, file: &TypedFile<'_>, node: NodeId) -> bool {
    context.world().underlying(file.facts.type_of(node)).kind() == TypeKind::Map
}

/// The local variable or result of type error that an identifier stands for.
fn error_variable(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    unit: &Unit,
    node: NodeId,
) -> Option<ObjectId> {
    let object = file.facts.object_of(node)?;
    let entry = context.world().object(object);
    let kind = match entry.kind {
        ObjectKind::Variable(VariableKind::Local) => {
            file.tree.span(unit.body).contains(entry.offset)
        }
        ObjectKind::Variable(VariableKind::Result) => unit.results.contains(&Some(object)),
        _ => false,
    };
    (kind && is_error_variable(context, object)).then_some(object)
}

/// Whether a step gives the variable another value.
fn assigns(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    unit: &Unit,
    step: Step,
    object: ObjectId,
) -> bool {
    match step {
        Step::Statement(node) | Step::Communicate(node)
            if file.tree.kind(node) == NodeKind::AssignStmt =>
        {
            matches!(file.tree.statement(node), Statement::Assign { operator: AssignOperator::Assign | AssignOperator::Define, left, .. }
                if left.iter().any(|&target| file.facts.object_of(target) == Some(object)))
        }
        // `return v` sets a named result; `return err` leaves it as it is.
        Step::Return(node) => {
            let Statement::Return { results } = file.tree.statement(node) else {
                return false;
            };
            let position = unit
                .results
                .iter()
                .position(|&result| result == Some(object));
            let value = position.and_then(|position| results.get(position));
            value.is_some_and(|&value| {
                let value = unparenthesized(file, value);
                let nil = file.tree.kind(value) == NodeKind::Ident
                    && file
                        .facts
                        .object_of(value)
                        .is_some_and(|other| context.world().object(other).kind == ObjectKind::Nil);
                file.facts.object_of(value) != Some(object) && !nil
            })
        }
        _ => false,
    }
}

/// Whether a step sets the element of a map with this text.
fn sets_element(
    context: &Context<'_>,
    unit: &Unit,
    file: &TypedFile<'_>,
    step: Step,
    text: &str,
) -> bool {
    let Step::Statement(node) = step else {
        return false;
    };
    let targets: Vec<NodeId> = match file.tree.kind(node) {
        NodeKind::AssignStmt => match file.tree.statement(node) {
            Statement::Assign { left, .. } => left.to_vec(),
            _ => Vec::new(),
        },
        NodeKind::IncDecStmt => match file.tree.statement(node) {
            Statement::IncrementDecrement { operand, .. } => vec![operand],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    targets.into_iter().any(|target| {
        file.tree.kind(target) == NodeKind::IndexExpr && context.text(unit.file, target) == text
    })
}

/// A deferred literal that unlocks by a key which is assigned again before it runs.
fn check_release(
    context: &Context<'_>,
    id: UnitId,
    unit: &Unit,
    defer: NodeId,
    literal: NodeId,
    findings: &mut Vec<Diagnostic>,
) {
    let file = context.file(unit.file);
    let mut keys = Vec::new();
    walk_all(file.tree, literal, |node| {
        if let NodeKind::CallExpr = file.tree.kind(node)
            && let Expression::Call {
                function,
                arguments,
                ..
            } = file.tree.expression(node)
            && let Expression::Selector { name, .. } =
                file.tree.expression(unparenthesized(file, function))
            && matches!(
                file.tree.symbol(name).as_str(),
                "Unlock" | "RUnlock" | "Release"
            )
        {
            keys.extend(
                arguments
                    .iter()
                    .map(|&argument| unparenthesized(file, argument)),
            );
        }
    });
    for key in keys {
        if file.tree.kind(key) != NodeKind::Ident {
            continue;
        }
        let Some(object) = file.facts.object_of(key) else {
            continue;
        };
        let entry = context.world().object(object);
        let local = matches!(
            entry.kind,
            ObjectKind::Variable(VariableKind::Local | VariableKind::Parameter)
        ) && file.tree.span(unit.node).contains(entry.offset)
            && !file.tree.span(literal).contains(entry.offset);
        if !local {
            continue;
        }
        // A variable of the next turn of a loop is another one, although it has the same name.
        let change = steps_after(&unit.graph, |step| step == Step::Register(defer)).into_iter().find(|&step| {
            let Step::Statement(node) = step else { return false };
            file.tree.kind(node) == NodeKind::AssignStmt
                && matches!(file.tree.statement(node), Statement::Assign { operator: AssignOperator::Assign, left, right, .. }
                    if left.iter().any(|&target| file.facts.object_of(target) == Some(object))
                        && !right.iter().any(|&value| mentions(file, value, object)))
        });
        let Some(change) = change else { continue };
        let name = entry.name;
        let path = context.path(unit.file);
        findings.push(
            RULE.diagnostic(
                path.clone(),
                context.span(unit.file, key),
                format!("`{name}` is read when the deferred function runs, and it is assigned before that"),
            )
            .in_function(context.function(id))
            .operation(format!("release by {name}"))
            .step(path.clone(), context.span(unit.file, step_node(change)), format!("`{name}` gets another value here"))
            .step(path, context.span(unit.file, key), "so another key is released than the one that was taken")
            .help(format!("pass `{name}` as an argument of the deferred call: it is then evaluated at the `defer` statement")),
        );
        return;
    }
}

fn mentions(file: &TypedFile<'_>, root: NodeId, object: ObjectId) -> bool {
    let mut found = false;
    walk_all(file.tree, root, |node| {
        found |=
            file.tree.kind(node) == NodeKind::Ident && file.facts.object_of(node) == Some(object);
    });
    found
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn errors_elements_durations_and_keys() {
        check(
            &RULE,
            r#"
package p

import (
	"errors"
	"log"
	"time"
)

func work() error { return nil }
func report(err error) {}
func note(n int) {}

type locks struct{}
func (locks) Lock(key string) {}
func (locks) Unlock(key string) {}

func since(start time.Time) { defer log.Println("took", time.Since(start)) } // want "time.Since"
func nested(start time.Time) { defer log.Println("took", float64(time.Since(start))/2) } // want "time.Since"
func method(start time.Time) { defer log.Print(time.Since(start).Seconds()) } // want "time.Since"
func later(start time.Time) { defer log.Print(func() any { return time.Since(start) }) }
func assigned() { var err error; defer report(err); err = work(); _ = err } // want "assigned after it"
func result() (err error) { defer report(err); return work() } // want "assigned after it"
func result2() (err error) { defer report(err); return errors.New("no") } // want "assigned after it"
func literal() { var err error; defer func(e error) { report(e) }(err); err = work(); _ = err } // want "assigned after it"
func element(m map[string]int) { defer note(m["a"]); m["a"] = 2 } // want "set after it"
func counted(m map[string]int) { defer note(m["a"]); m["a"]++ } // want "set after it"
func key(l locks, k string) { l.Lock(k); defer func() { l.Unlock(k) }(); k = "other" } // want "assigned before that"

func before() { err := work(); defer report(err) }
func closure() { var err error; defer func() { report(err) }(); err = work(); _ = err }
func same() (err error) { err = work(); defer report(err); return err }
func success() (err error) { defer report(err); return nil }
func identifier(id string) { defer log.Print(id); id = "other" }
func otherElement(m map[string]int) { defer note(m["a"]); m["b"] = 2 }
func keyArgument(l locks, k string) { l.Lock(k); defer l.Unlock(k); k = "other" }
func duration(start time.Time) { d := time.Since(start); defer log.Print(d) }
func inClosure(start time.Time) { defer func() { log.Print(time.Since(start)) }() }
"#,
        );
    }
}
