//! Deferred calls in loops: which ones pile up until the function is over.

use goward_diagnostics::Diagnostic;
use goward_flow::{EdgeKind, Step, Unit, UnitId, unparenthesized};
use goward_syntax::{
    AssignOperator, BinaryOperator, Expression, NodeId, NodeKind, Statement, Tree, UnaryOperator,
};
use goward_types::{ObjectId, ObjectKind, TypedFile, VariableKind};
use rustc_hash::FxHashSet;

use crate::context::Context;
use crate::errors::is_error;
use crate::walk::{compared_by_edge, defer_statements, steps_after, walk, walk_all};

/// A `defer` statement that runs again before the function is over.
pub(crate) struct LoopedDefer {
    pub(crate) unit: UnitId,
    pub(crate) defer: NodeId,
    /// The innermost loop around it.
    pub(crate) around: NodeId,
    /// What it closes, if each turn opens its own and keeps it nowhere.
    pub(crate) closes: Option<NodeId>,
}

/// All deferred calls of a package that pile up.
pub(crate) fn looped_defers(context: &Context<'_>) -> Vec<LoopedDefer> {
    let mut found = Vec::new();
    for (id, unit) in context.flow.units.iter() {
        let file = context.file(unit.file);
        for defer in defer_statements(unit) {
            let Some(around) = innermost_loop(file.tree, unit, defer) else {
                continue;
            };
            let again = steps_after(&unit.graph, |step| step == Step::Register(defer))
                .contains(&Step::Register(defer));
            if again && !only_after_failure(context, file, unit, defer) {
                found.push(LoopedDefer {
                    unit: id,
                    defer,
                    around,
                    closes: closed_value(context, file, defer, around),
                });
            }
        }
    }
    found
}

/// The finding, but for its message and help.
pub(crate) fn finding(
    context: &Context<'_>,
    rule: &crate::Rule,
    looped: &LoopedDefer,
    message: String,
) -> Diagnostic {
    let file = context.flow.units.get(looped.unit).file;
    let path = context.path(file);
    let start = context.span(file, looped.around).start;
    let keyword = goward_diagnostics::Span::new(start, start + 3);
    rule.diagnostic(path.clone(), context.span(file, looped.defer), message)
        .in_function(context.function(looped.unit))
        .operation(context.text(file, looped.defer))
        .step(
            path.clone(),
            keyword,
            "each turn of this loop defers it again",
        )
        .step(
            path,
            context.span(file, looped.defer),
            format!(
                "none of them runs before `{}` returns",
                context.function(looped.unit)
            ),
        )
}

/// The innermost loop of a function around a node, other functions not looked into.
fn innermost_loop(tree: &Tree, unit: &Unit, node: NodeId) -> Option<NodeId> {
    let span = tree.span(node);
    let mut innermost: Option<NodeId> = None;
    walk(unit, |below, _| {
        let body = match tree.statement(below) {
            Statement::For { body, .. } if tree.kind(below) == NodeKind::ForStmt => body,
            Statement::Range { body, .. } if tree.kind(below) == NodeKind::RangeStmt => body,
            _ => return,
        };
        let inside = tree.span(body).start <= span.start && span.end <= tree.span(body).end;
        let nearer = innermost.is_none_or(|known| tree.span(known).len() > tree.span(below).len());
        if inside && nearer {
            innermost = Some(below);
        }
    });
    innermost
}

/// The variable of `defer v.Close()`, where each turn of the loop makes its own and nothing keeps it.
fn closed_value(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    defer: NodeId,
    around: NodeId,
) -> Option<NodeId> {
    let tree = file.tree;
    let Statement::Defer { call } = tree.statement(defer) else {
        return None;
    };
    let Expression::Call {
        function,
        arguments: [],
        ..
    } = tree.expression(call)
    else {
        return None;
    };
    let Expression::Selector { operand, name } = tree.expression(unparenthesized(file, function))
    else {
        return None;
    };
    if tree.symbol(name).as_str() != "Close" {
        return None;
    }
    let variable = root(file, operand)?;
    let object = file.facts.object_of(variable)?;
    let declared = context.world().object(object);
    let body = match tree.statement(around) {
        Statement::For { body, .. } | Statement::Range { body, .. } => body,
        _ => return None,
    };
    let own = declared.package == Some(context.package.package)
        && tree.span(body).contains(declared.offset);
    if !own
        || !is_opened(file, body, object)
        || few_turns(context, file, around)
        || is_kept(context, file, body, object, defer)
    {
        return None;
    }
    Some(operand)
}

/// The variable at the beginning of `v.Body`.
fn root(file: &TypedFile<'_>, node: NodeId) -> Option<NodeId> {
    let node = unparenthesized(file, node);
    match file.tree.expression(node) {
        Expression::Identifier => Some(node),
        Expression::Selector { operand, .. } => root(file, operand),
        _ => None,
    }
}

/// Whether the variable is defined by a call: what is taken out of a list was opened before.
fn is_opened(file: &TypedFile<'_>, body: NodeId, object: ObjectId) -> bool {
    let tree = file.tree;
    let mut opened = false;
    walk_all(tree, body, |node| {
        if tree.kind(node) == NodeKind::AssignStmt
            && let Statement::Assign {
                left,
                right: &[value],
                ..
            } = tree.statement(node)
            && left
                .iter()
                .any(|&target| file.facts.object_of(target) == Some(object))
        {
            opened |= tree.kind(unparenthesized(file, value)) == NodeKind::CallExpr;
        }
    });
    opened
}

/// A constant number of turns up to this one is small.
const FEW: i64 = 16;

/// Whether a loop goes over a literal, also by way of a variable that is set only once and has no element
/// added, or a small constant number of times: there are as many turns as are written.
fn few_turns(context: &Context<'_>, file: &TypedFile<'_>, around: NodeId) -> bool {
    let tree = file.tree;
    let constant = |node: NodeId| file.facts.get(node)?.value?.int64_value();
    match tree.statement(around) {
        Statement::Range { operand, .. } => {
            let operand = unparenthesized(file, operand);
            let is_literal =
                |file: &TypedFile<'_>, node| file.tree.kind(node) == NodeKind::CompositeLit;
            let only_value = || {
                let object = file.facts.object_of(operand)?;
                let local = context.world().object(object).kind
                    == ObjectKind::Variable(VariableKind::Local);
                context
                    .flow
                    .lowered
                    .variables
                    .single(object)
                    .filter(|_| local)
            };
            is_literal(file, operand)
                || constant(operand).is_some_and(|turns| turns <= FEW)
                || only_value().is_some_and(|(index, value)| {
                    let file = context.file(index);
                    is_literal(file, unparenthesized(file, value))
                })
        }
        Statement::For {
            initial: Some(initial),
            condition: Some(condition),
            post: Some(post),
            ..
        } => {
            let (
                Statement::Assign {
                    right: &[first], ..
                },
                Statement::IncrementDecrement {
                    increment: true, ..
                },
                Expression::Binary {
                    operator: BinaryOperator::Less | BinaryOperator::LessEqual,
                    right: last,
                    ..
                },
            ) = (
                tree.statement(initial),
                tree.statement(post),
                tree.expression(condition),
            )
            else {
                return false;
            };
            matches!((constant(first), constant(last)), (Some(first), Some(last)) if last - first <= FEW)
        }
        _ => false,
    }
}

/// Whether control comes from a `defer` statement to it again only by way of an error: a loop that tries again
/// until something went well, and then ends.
fn only_after_failure(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    unit: &Unit,
    defer: NodeId,
) -> bool {
    let graph = &unit.graph;
    let failed = |kind: EdgeKind| {
        let compared = compared_by_edge(file, kind);
        compared.is_some_and(|(compared, nil)| !nil && is_error(context, file, compared))
    };
    let mut seen = vec![false; graph.block_count()];
    let mut pending = Vec::new();
    for &block in graph.reverse_postorder() {
        let mut steps = graph.block(block).steps.iter();
        if steps.any(|&step| step == Step::Register(defer)) {
            pending.push(block);
            break;
        }
    }
    let Some(&start) = pending.first() else {
        return false;
    };
    while let Some(block) = pending.pop() {
        for edge in graph.block(block).successors {
            if failed(edge.kind) {
                continue;
            }
            if edge.to == start {
                return false;
            }
            if !std::mem::replace(&mut seen[edge.to.index()], true) {
                pending.push(edge.to);
            }
        }
    }
    true
}

/// Whether something keeps the value beyond the turn, so that it has to stay open.
fn is_kept(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    body: NodeId,
    object: ObjectId,
    defer: NodeId,
) -> bool {
    let tree = file.tree;
    let inside = tree.span(body);
    // The value, and what is made of it in the loop: a reader around it, say.
    let mut values = FxHashSet::from_iter([object]);
    loop {
        let before = values.len();
        walk_all(tree, body, |node| {
            if tree.kind(node) != NodeKind::AssignStmt {
                return;
            }
            let Statement::Assign {
                operator: AssignOperator::Define,
                left,
                right,
                ..
            } = tree.statement(node)
            else {
                return;
            };
            if right
                .iter()
                .any(|&value| is_passed_on(file, value, &values))
            {
                for &target in left {
                    if let Some(defined) = file.facts.object_of(target)
                        && context.world().object_type(defined) != context.world().universe().error
                    {
                        values.insert(defined);
                    }
                }
            }
        });
        if values.len() == before {
            break;
        }
    }
    let mut kept = false;
    walk_all(tree, body, |node| {
        kept |= match tree.kind(node) {
            NodeKind::AssignStmt => match tree.statement(node) {
                Statement::Assign {
                    left,
                    right,
                    operator: AssignOperator::Assign,
                    ..
                } => {
                    let outside = left.iter().any(|&target| {
                        let variable =
                            root(file, target).and_then(|root| file.facts.object_of(root));
                        let local = variable.is_some_and(|variable| {
                            inside.contains(context.world().object(variable).offset)
                        });
                        !local && !is_error(context, file, target) && !is_blank(file, target)
                    });
                    outside
                        && right
                            .iter()
                            .any(|&value| is_passed_on(file, value, &values))
                }
                _ => false,
            },
            NodeKind::SendStmt => match tree.statement(node) {
                Statement::Send { value, .. } => mentions(file, value, &values),
                _ => false,
            },
            NodeKind::GoStmt => mentions(file, node, &values),
            NodeKind::FuncLit => {
                let deferred = tree.span(defer).contains(tree.span(node).start);
                !deferred && mentions(file, node, &values)
            }
            NodeKind::CompositeLit | NodeKind::ReturnStmt => holds(file, node, &values),
            NodeKind::UnaryExpr => match tree.expression(node) {
                Expression::Unary {
                    operator: UnaryOperator::Address,
                    operand,
                } => is_value(file, operand, &values),
                _ => false,
            },
            _ => false,
        };
    });
    kept
}

fn is_blank(file: &TypedFile<'_>, node: NodeId) -> bool {
    file.tree.kind(node) == NodeKind::Ident && file.tree.symbol(node).is_blank()
}

fn is_value(file: &TypedFile<'_>, node: NodeId, values: &FxHashSet<ObjectId>) -> bool {
    let node = unparenthesized(file, node);
    file.tree.kind(node) == NodeKind::Ident
        && file
            .facts
            .object_of(node)
            .is_some_and(|object| values.contains(&object))
}

/// Whether an expression is one of the values, or a call that is given one (its method calls apart).
fn is_passed_on(file: &TypedFile<'_>, node: NodeId, values: &FxHashSet<ObjectId>) -> bool {
    let node = unparenthesized(file, node);
    match file.tree.expression(node) {
        Expression::Call { arguments, .. } => arguments
            .iter()
            .any(|&argument| is_passed_on(file, argument, values)),
        Expression::Unary { operand, .. } | Expression::TypeAssertion { operand, .. } => {
            is_passed_on(file, operand, values)
        }
        _ => is_value(file, node, values) || holds(file, node, values),
    }
}

/// Whether one of the values is an element of a literal or a result.
fn holds(file: &TypedFile<'_>, node: NodeId, values: &FxHashSet<ObjectId>) -> bool {
    let elements: Vec<NodeId> = match file.tree.kind(node) {
        NodeKind::CompositeLit => match file.tree.expression(node) {
            Expression::CompositeLiteral { elements, .. } => elements.to_vec(),
            _ => Vec::new(),
        },
        NodeKind::ReturnStmt => match file.tree.statement(node) {
            Statement::Return { results } => results.to_vec(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    elements.iter().any(|&element| {
        let value = match file.tree.expression(element) {
            Expression::KeyValue { value, .. } => value,
            _ => element,
        };
        is_value(file, value, values)
    })
}

fn mentions(file: &TypedFile<'_>, root: NodeId, values: &FxHashSet<ObjectId>) -> bool {
    let mut found = false;
    walk_all(file.tree, root, |node| {
        found |= is_value(file, node, values)
    });
    found
}

/// Whether what a function leaves open is closed soon by the end of the process: in `main`, and in tests and what serves them.
pub(crate) fn is_over_soon(context: &Context<'_>, unit: UnitId) -> bool {
    let declared = context.flow.units.get(unit);
    let main = !declared.is_literal() && declared.name == "main" && context.is_command();
    main || context.is_for_tests(declared.file)
}
