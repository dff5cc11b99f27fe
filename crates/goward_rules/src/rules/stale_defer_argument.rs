//! `stale-defer-argument`: an argument of a deferred call is evaluated too early (or a variable too late).

use goward_diagnostics::{Category, Diagnostic, Edit, Fix, Safety, Severity, Span};
use goward_flow::{Callee, Step, Unit, UnitId, callee, unparenthesized};
use goward_syntax::{AssignOperator, Expression, NodeId, NodeKind, Statement};
use goward_types::{ObjectId, ObjectKind, TypeKind, TypedFile, VariableKind};

use crate::context::Context;
use crate::errors::{is_error_variable, is_nil};
use crate::rule::{Group, rule};
use crate::stale_constants::Deferred;
use crate::stale_empty::{
    fills, gathered, is_field, is_still_empty, receiver_copied_early, receiver_still_nil,
};
use crate::stale_times::holds_time_since;
use crate::standard_library::named;
use crate::walk::{mentions, steps_after, walk, walk_all};

rule! {
    /// Reports arguments of deferred calls that are out of date when the call runs.
    ///
    /// ## What it reports
    ///
    /// Arguments of a deferred call that are evaluated at the `defer` statement and changed before
    /// the function is over, where that is a mistake: an error variable that is assigned later, an
    /// element of a map that is set later, `time.Since`, a length that is printed, a variable that is still the
    /// constant which it starts with and is set later (where it is printed, or nothing else reads it), a
    /// pointer, slice or interface that is still nil (a pointer also as the receiver), a field that is printed
    /// and set later, what is read of a local map or slice that is still
    /// empty, and the map or the key of a deferred `delete`. Also the receiver of a deferred method that is
    /// copied there and has fields set later which the method reads. And the opposite: a deferred function literal that unlocks or
    /// releases by a key in a variable which is assigned again. Silent where the old value is kept on
    /// purpose, to be restored.
    ///
    /// ## Why it matters
    ///
    /// The arguments of a deferred call are evaluated when the `defer` statement runs. A hook that is
    /// given `err` there always gets the error of that moment, most often nil, `time.Since`
    /// measures no time at all, and a deferred `delete` takes the entry of the old key out of the old
    /// map.
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
    ///
    /// func allocate(used map[string]bool, next func() string) {
    /// 	var id string
    /// 	defer delete(used, id) // want stale-defer-argument
    /// 	id = next()
    /// 	used[id] = true
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
    ///
    /// func allocate(used map[string]bool, next func() string) {
    /// 	id := next()
    /// 	used[id] = true
    /// 	defer delete(used, id)
    /// }
    ///
    /// func quietly(settings map[string]string, step func()) {
    /// 	defer func(old string) { settings["level"] = old }(settings["level"])
    /// 	settings["level"] = "error"
    /// 	step()
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
            check_deletion(context, id, defer, call, findings);
            if let Some((receiver, change)) = receiver_still_nil(context, id, file, defer, call) {
                let text = context.text(unit.file, receiver);
                let message = format!("`{text}` is nil at the `defer` statement and set after it");
                report(context, id, call, receiver, message, Some(change), findings);
            }
            if let Some((receiver, change)) = receiver_copied_early(context, id, file, defer, call)
            {
                let text = context.text(unit.file, receiver);
                let message =
                    format!("`{text}` is copied at the `defer` statement and set after it");
                report(context, id, call, receiver, message, Some(change), findings);
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
    let in_text = gathered(context, file, node);
    if !in_text.is_empty() && !holds_time_since(context, file, node) {
        // What is made a text or an error of is as old as that.
        for &part in in_text {
            check_argument(context, id, defer, call, part, findings);
        }
        return;
    }
    let (message, change) = match file.tree.expression(node) {
        _ if holds_time_since(context, file, node) => (
            "`time.Since` is evaluated at the `defer` statement, not when the call runs".to_owned(),
            None,
        ),
        Expression::Identifier => {
            let Some(object) = error_variable(context, file, unit, node) else {
                let deferred = Deferred {
                    unit,
                    id,
                    defer,
                    prints: is_printed(context, file, call),
                };
                let variable = file.facts.object_of(node);
                let change =
                    variable.and_then(|variable| deferred.is_set_later(context, file, variable));
                if change.is_some() {
                    let message =
                        format!("`{text}` is evaluated at the `defer` statement and set after it");
                    report(context, id, call, node, message, change, findings);
                }
                return;
            };
            let kept = ["orig", "old", "prev", "saved", "last"];
            if assigns_again(context, unit.file, call, &text)
                || kept.iter().any(|word| text.starts_with(word))
            {
                return;
            }
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
        Expression::Selector { .. } if is_printed(context, file, call) && is_field(file, node) => {
            let Some(change) = after()
                .into_iter()
                .find(|&step| changes_place(context, unit, file, step, node))
            else {
                return;
            };
            (
                format!("`{text}` is read at the `defer` statement and set after it"),
                Some(change),
            )
        }
        Expression::Call {
            function,
            arguments: &[measured],
            ..
        } if callee(context.world(), file, function) == Callee::Builtin("len")
            && (is_printed(context, file, call)
                || is_still_empty(context, id, file, defer, measured)
                    && !assigns_again(
                        context,
                        unit.file,
                        call,
                        &context.text(unit.file, measured),
                    )) =>
        {
            let measured = unparenthesized(file, measured);
            let grows = |step: Step| grows(context, unit, file, step, measured);
            let Some(change) = after().into_iter().find(|&step| grows(step)) else {
                return;
            };
            (
                format!("`{text}` is evaluated at the `defer` statement and changes after it"),
                Some(change),
            )
        }
        Expression::Index { operand, .. }
            if is_map(context, file, operand) && !restores(context, unit.file, call, &text) =>
        {
            // Of a map that is empty there is nothing to read, whatever key is set later.
            let empty = file
                .facts
                .object_of(unparenthesized(file, operand))
                .filter(|_| is_still_empty(context, id, file, defer, operand));
            let Some(change) = after().into_iter().find(|&step| {
                sets_element(context, unit, file, step, &text)
                    || empty.is_some_and(|map| fills(file, step, map))
            }) else {
                return;
            };
            (
                format!("`{text}` is read at the `defer` statement and set after it"),
                Some(change),
            )
        }
        _ => return,
    };
    report(context, id, call, node, message, change, findings);
}

fn report(
    context: &Context<'_>,
    id: UnitId,
    call: NodeId,
    node: NodeId,
    message: String,
    change: Option<Step>,
    findings: &mut Vec<Diagnostic>,
) {
    let unit = context.flow.units.get(id);
    let file = context.file(unit.file);
    let text = context.text(unit.file, node);
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
                if left.iter().any(|&target| file.facts.object_of(target) == Some(object)
                    // The next turn of a loop declares another one.
                    && file.tree.span(target).start != context.world().object(object).offset))
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
    targets(file, node).into_iter().any(|target| {
        file.tree.kind(target) == NodeKind::IndexExpr && context.text(unit.file, target) == text
    })
}

/// Whether a deferred call is there to put an old value back: a literal that assigns the same place,
/// or a function that says so by its name.
fn restores(context: &Context<'_>, file_index: usize, call: NodeId, text: &str) -> bool {
    let file = context.file(file_index);
    let Expression::Call { function, .. } = file.tree.expression(call) else {
        return false;
    };
    let name = match file.tree.expression(unparenthesized(file, function)) {
        Expression::Selector { name, .. } => file.tree.symbol(name).as_str(),
        Expression::Identifier => file.tree.symbol(function).as_str(),
        _ => "",
    };
    let name = name.to_ascii_lowercase();
    let named = ["restore", "reset", "set", "swap", "put", "store", "undo"];
    named.iter().any(|word| name.starts_with(word))
        || assigns_again(context, file_index, call, text)
}

/// Whether a deferred literal assigns the place that is its argument.
fn assigns_again(context: &Context<'_>, file_index: usize, call: NodeId, text: &str) -> bool {
    let file = context.file(file_index);
    let Expression::Call { function, .. } = file.tree.expression(call) else {
        return false;
    };
    let function = unparenthesized(file, function);
    let mut assigned = false;
    if file.tree.kind(function) == NodeKind::FuncLit {
        walk_all(file.tree, function, |node| {
            assigned |= file.tree.kind(node) == NodeKind::AssignStmt
                && targets(file, node)
                    .iter()
                    .any(|&target| context.text(file_index, target) == text);
        });
    }
    assigned
}

/// Whether a call prints or logs its arguments.
fn is_printed(context: &Context<'_>, file: &TypedFile<'_>, call: NodeId) -> bool {
    let Expression::Call { function, .. } = file.tree.expression(call) else {
        return false;
    };
    match callee(context.world(), file, function) {
        Callee::Function(object) | Callee::Interface(object) => {
            let object = context.world().object(object);
            let package = object
                .package
                .map_or("", |package| context.world().package(package).path.as_str());
            matches!(package, "fmt" | "log" | "log/slog")
        }
        Callee::Builtin(name) => matches!(name, "print" | "println"),
        _ => false,
    }
}

/// Whether a step changes the length of a map or slice: an element of the map is set or deleted, or
/// the variable is assigned.
fn grows(
    context: &Context<'_>,
    unit: &Unit,
    file: &TypedFile<'_>,
    step: Step,
    measured: NodeId,
) -> bool {
    let tree = file.tree;
    if changes_place(context, unit, file, step, measured) {
        return true;
    }
    if !is_map(context, file, measured) {
        return false;
    }
    let text = context.text(unit.file, measured);
    let of_map = |operand: NodeId| context.text(unit.file, operand) == text;
    match step {
        Step::Statement(node) => targets(file, node).into_iter().any(|target| {
            matches!(tree.expression(unparenthesized(file, target)), Expression::Index { operand, .. }
                if of_map(operand))
        }),
        Step::Expression(node) => matches!(tree.expression(node), Expression::Call { function, arguments, .. }
            if matches!(callee(context.world(), file, function), Callee::Builtin("delete" | "clear"))
                && arguments.first().is_some_and(|&map| of_map(map))),
        _ => false,
    }
}

/// What a statement assigns, counts up or down.
fn targets(file: &TypedFile<'_>, node: NodeId) -> Vec<NodeId> {
    match file.tree.kind(node) {
        NodeKind::AssignStmt => match file.tree.statement(node) {
            Statement::Assign { left, .. } => left.to_vec(),
            _ => Vec::new(),
        },
        NodeKind::IncDecStmt => match file.tree.statement(node) {
            Statement::IncrementDecrement { operand, .. } => vec![operand],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Whether a step gives a variable or field another value: the same place, and not a new variable of
/// the same name.
fn changes_place(
    context: &Context<'_>,
    unit: &Unit,
    file: &TypedFile<'_>,
    step: Step,
    place: NodeId,
) -> bool {
    let Step::Statement(node) = step else {
        return false;
    };
    let Some(wanted) = named(context, file, place) else {
        return false;
    };
    let text = context.text(unit.file, place);
    targets(file, node).into_iter().any(|target| {
        let target = unparenthesized(file, target);
        let same = named(context, file, target)
            .is_some_and(|known| (known.root, known.last) == (wanted.root, wanted.last));
        let defines = context.world().object(wanted.root).offset == file.tree.span(target).start
            && file.tree.kind(target) == NodeKind::Ident;
        same && !defines && context.text(unit.file, target) == text
    })
}

/// A deferred `delete` or `clear`, itself or in a function of the package: the map and the key.
fn deletion(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    call: NodeId,
) -> Option<(NodeId, Option<NodeId>)> {
    let Expression::Call {
        function,
        arguments,
        ..
    } = file.tree.expression(call)
    else {
        return None;
    };
    match callee(context.world(), file, function) {
        Callee::Builtin("delete") => Some((*arguments.first()?, arguments.get(1).copied())),
        Callee::Builtin("clear") => {
            let map = *arguments.first()?;
            is_map(context, file, map).then_some((map, None))
        }
        Callee::Function(object) => {
            let target = context
                .flow
                .units
                .get(context.flow.units.of_object(object)?);
            let there = context.file(target.file);
            let mut found = None;
            walk(target, |node, _| {
                if there.tree.kind(node) == NodeKind::CallExpr
                    && let Expression::Call {
                        function,
                        arguments: &[map, key],
                        ..
                    } = there.tree.expression(node)
                    && callee(context.world(), there, function) == Callee::Builtin("delete")
                {
                    let position = |node: NodeId| {
                        let object = there.facts.object_of(unparenthesized(there, node))?;
                        let mut parameters = target.parameters.iter();
                        parameters.position(|&parameter| parameter == Some(object))
                    };
                    if let (Some(map), Some(key)) = (position(map), position(key)) {
                        found = found.or(Some((map, key)));
                    }
                }
            });
            let (map, key) = found?;
            Some((*arguments.get(map)?, arguments.get(key).copied()))
        }
        _ => None,
    }
}

/// A deferred `delete` whose map or key is another one by the time it runs.
fn check_deletion(
    context: &Context<'_>,
    id: UnitId,
    defer: NodeId,
    call: NodeId,
    findings: &mut Vec<Diagnostic>,
) {
    let unit = context.flow.units.get(id);
    let file = context.file(unit.file);
    let Some((map, key)) = deletion(context, file, call) else {
        return;
    };
    let (map, key) = (
        unparenthesized(file, map),
        key.map(|key| unparenthesized(file, key)),
    );
    let after = steps_after(&unit.graph, |step| step == Step::Register(defer));
    let change_of = |place: NodeId| {
        let changes = |&&step: &&Step| changes_place(context, unit, file, step, place);
        after.iter().find(changes).copied()
    };
    let replaced =
        change_of(map).filter(|&change| !gives_empty(context, file, change, map, unit.file));
    if let Some(change) = replaced {
        let text = context.text(unit.file, map);
        let message =
            format!("`{text}` is evaluated at the `defer` statement and replaced after it");
        report(context, id, call, map, message, Some(change), findings);
        return;
    }
    let Some((key, change)) = key.and_then(|key| Some((key, change_of(key)?))) else {
        return;
    };
    let element = format!(
        "{}[{}]",
        context.text(unit.file, map),
        context.text(unit.file, key)
    );
    let sets = |node: NodeId| {
        targets(file, node)
            .into_iter()
            .any(|target| context.text(unit.file, target) == element)
    };
    let at = file.tree.span(defer).start;
    let changed = file.tree.span(step_node(change)).end;
    let (mut set_before, mut set_after) = (false, false);
    walk(unit, |node, _| {
        if sets(node) {
            let start = file.tree.span(node).start;
            set_before |= start < at;
            set_after |= start >= changed;
        }
    });
    // Another one deletes by the new key.
    let mut deleted_after = false;
    walk(unit, |node, _| {
        deleted_after |= file.tree.kind(node) == NodeKind::CallExpr
            && file.tree.span(node).start >= changed
            && deletion(context, file, node).is_some_and(|(other_map, other)| {
                context.text(unit.file, other_map) == context.text(unit.file, map)
                    && other.is_some_and(|other| {
                        context.text(unit.file, other) == context.text(unit.file, key)
                    })
            });
    });
    // A variable of this function has the key that matters; what callers put in is their business.
    let own = file.facts.object_of(key).is_some_and(|object| {
        context.world().object(object).kind == ObjectKind::Variable(VariableKind::Local)
            && context.flow.declared_inside(object, id)
    });
    if !deleted_after && (set_after || own && !set_before) {
        let text = context.text(unit.file, key);
        let message =
            format!("`{text}` is evaluated at the `defer` statement and changes after it");
        report(context, id, call, key, message, Some(change), findings);
    }
}

/// Whether an assignment gives up a map, begins a new one, or makes it of the old one.
fn gives_empty(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    change: Step,
    map: NodeId,
    file_index: usize,
) -> bool {
    let Step::Statement(node) = change else {
        return true;
    };
    let Statement::Assign { right, .. } = file.tree.statement(node) else {
        return true;
    };
    right.iter().any(|&value| {
        let value = unparenthesized(file, value);
        let mut of_itself = false;
        walk_all(file.tree, value, |node| {
            of_itself |= file.tree.kind(node) == file.tree.kind(map)
                && context.text(file_index, node) == context.text(file_index, map);
        });
        of_itself
            || is_nil(context, file, value)
            || match file.tree.expression(value) {
                Expression::CompositeLiteral { elements, .. } => elements.is_empty(),
                Expression::Call { function, .. } => {
                    callee(context.world(), file, function) == Callee::Builtin("make")
                }
                _ => false,
            }
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
        // `Release(err)` is told how it ended, and not what to release.
        if file.facts.type_of(key) == context.world().universe().error {
            continue;
        }
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
