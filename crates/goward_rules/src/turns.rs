//! Loops whose goroutines do not run at the same time, or of which one only comes to a place: a group with
//! room for one, a listener that is closed after its first connection, a test that takes one connection
//! after the other, a flag that is down until the last one is over, and conditions that hold in one turn.

use goward_flow::{Observed, SpawnId, Unit, UnitId, unparenthesized};
use goward_syntax::{AssignOperator, BinaryOperator, Expression, NodeId, NodeKind, Statement};
use goward_types::{ObjectId, TypedFile};

use crate::context::Context;
use crate::sharing::innermost_loop;
use crate::standard_library::named;

/// Whether the goroutines that turns of a loop start run one after the other.
pub(crate) fn one_at_a_time(context: &Context<'_>, id: SpawnId) -> bool {
    let spawn = &context.flow.lowered.spawns[id.0 as usize];
    if group_of_one(context, id).is_some() {
        return true;
    }
    let Some(around) = innermost_loop(context, spawn.unit, spawn.node) else {
        return false;
    };
    let unit = context.flow.units.get(spawn.unit);
    let file = context.file(unit.file);
    let start = file.tree.span(spawn.node);
    let method_calls = |wanted: &'static [&'static str]| {
        let calls = unit.nodes.iter().filter_map(|&(node, _)| {
            let span = file.tree.span(node);
            let (operand, name) = method(file, node)?;
            (around.contains(span.start) && wanted.contains(&name)).then_some((span, operand))
        });
        calls.collect::<Vec<_>>()
    };
    let accepts = method_calls(&["Accept", "AcceptTCP", "AcceptUnix"]);
    accepts
        .iter()
        .filter(|accept| accept.0.end <= start.start)
        .any(|&(_, listener)| {
            // How many there are at once is up to the test.
            file.test
                || method_calls(&["Close"])
                    .iter()
                    .any(|&(_, closed)| same(context, file, listener, closed))
        })
}

/// Whether a node of a function that the turns of a loop start stands where one of them only comes: under an
/// equality of the number of the turn, or of what tells one element from all others, with something that is
/// the same in all turns.
pub(crate) fn comes_once(context: &Context<'_>, id: SpawnId, unit: UnitId, node: NodeId) -> bool {
    let spawn = &context.flow.lowered.spawns[id.0 as usize];
    is_of_one_turn(context, (spawn.unit, spawn.node), unit, node)
}

/// The same of the statement that starts a goroutine.
pub(crate) fn is_of_one_turn(
    context: &Context<'_>,
    start: (UnitId, NodeId),
    unit: UnitId,
    node: NodeId,
) -> bool {
    let Some(around) = innermost_loop(context, start.0, start.1) else {
        return false;
    };
    let own_file = context.flow.units.get(start.0).file;
    let of_turn = |object: ObjectId| {
        let object = context.world().object(object);
        object.file as usize == own_file && around.contains(object.offset)
    };
    let numbers = numbers_of_turn(context, start, around);
    // What a goroutine is given may differ from turn to turn.
    let given: &[Option<ObjectId>] = match unit == start.0 {
        true => &[],
        false => &context.flow.units.get(unit).parameters,
    };
    let unit = context.flow.units.get(unit);
    let file = context.file(unit.file);
    let tree = file.tree;
    let at = tree.span(node);
    let mut conditions = Vec::new();
    for &(below, _) in &unit.nodes {
        if tree.kind(below) == NodeKind::IfStmt
            && let Statement::If {
                condition, then, ..
            } = tree.statement(below)
            && tree.span(then).start <= at.start
            && at.end <= tree.span(then).end
        {
            conditions.push(condition);
        }
    }
    while let Some(condition) = conditions.pop() {
        let condition = unparenthesized(file, condition);
        let Expression::Binary {
            operator,
            left,
            right,
            ..
        } = tree.expression(condition)
        else {
            continue;
        };
        match operator {
            BinaryOperator::LogicalAnd => conditions.extend([left, right]),
            BinaryOperator::Equal => {
                let tells = |node: NodeId| {
                    let node = unparenthesized(file, node);
                    let number = file.facts.object_of(node);
                    number.is_some_and(|number| numbers.contains(&number))
                        || is_identity(context, file, node, &of_turn)
                };
                let same = |node: NodeId| {
                    !tree.preorder(node).any(|below| {
                        file.facts
                            .object_of(below)
                            .is_some_and(|object| of_turn(object) || given.contains(&Some(object)))
                    })
                };
                if tells(left) && same(right) || tells(right) && same(left) {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

/// The variables that count the turns of a loop: the key of a `range`, and what a `for` begins with.
fn numbers_of_turn(
    context: &Context<'_>,
    start: (UnitId, NodeId),
    around: goward_diagnostics::Span,
) -> Vec<ObjectId> {
    let unit = context.flow.units.get(start.0);
    let file = context.file(unit.file);
    let tree = file.tree;
    let mut numbers = Vec::new();
    for &(node, _) in &unit.nodes {
        if tree.span(node) != around {
            continue;
        }
        match tree.statement(node) {
            Statement::Range { key: Some(key), .. } if tree.kind(node) == NodeKind::RangeStmt => {
                numbers.extend(file.facts.object_of(key));
            }
            Statement::For {
                initial: Some(initial),
                ..
            } if tree.kind(node) == NodeKind::ForStmt => {
                if let Statement::Assign { left, .. } = tree.statement(initial) {
                    numbers.extend(left.iter().filter_map(|&left| file.facts.object_of(left)));
                }
            }
            _ => {}
        }
    }
    numbers
}

/// Whether an expression is what tells an element of a turn from the others: its `ID`, `Name` or `Key`,
/// as a field or a method.
fn is_identity(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    node: NodeId,
    of_turn: &dyn Fn(ObjectId) -> bool,
) -> bool {
    const NAMES: &[&str] = &["ID", "Id", "UID", "UUID", "Key", "Name", "Path", "Index"];
    let selected = match file.tree.expression(node) {
        Expression::Call {
            function,
            arguments: [],
            ..
        } => unparenthesized(file, function),
        _ => node,
    };
    let Expression::Selector { operand, name } = file.tree.expression(selected) else {
        return false;
    };
    let name = file.tree.symbol(name).as_str();
    NAMES.iter().any(|known| name.ends_with(known))
        && named(context, file, operand).is_some_and(|place| of_turn(place.root))
}

/// Whether two goroutines belong to one group that lets one run at a time.
pub(crate) fn in_one_group_of_one(context: &Context<'_>, one: SpawnId, other: SpawnId) -> bool {
    group_of_one(context, one).is_some_and(|group| group_of_one(context, other) == Some(group))
}

/// The group of `g.Go(…)`, where it was given `g.SetLimit(1)`.
fn group_of_one(context: &Context<'_>, id: SpawnId) -> Option<ObjectId> {
    let spawn = &context.flow.lowered.spawns[id.0 as usize];
    let unit = context.flow.units.get(spawn.unit);
    let file = context.file(unit.file);
    let parent = unit.nodes.iter().find(|entry| entry.0 == spawn.node)?.1;
    let call = [spawn.node, parent]
        .into_iter()
        .find_map(|node| method(file, node));
    let (operand, "Go" | "TryGo") = call? else {
        return None;
    };
    let group = named(context, file, operand)?.last;
    // The group may have been made further out.
    let mut limits = Vec::new();
    for id in context.flow.units.chain(spawn.unit) {
        let unit = context.flow.units.get(id);
        for &(node, _) in &unit.nodes {
            if let Some((operand, "SetLimit")) = method(file, node)
                && named(context, file, operand).is_some_and(|place| place.last == group)
                && let Expression::Call {
                    arguments: &[limit],
                    ..
                } = file.tree.expression(node)
            {
                let value = file.facts.get(limit).and_then(|fact| fact.value);
                limits.push(value.and_then(|value| value.int64_value()));
            }
        }
    }
    (limits == [Some(1)]).then_some(group)
}

/// The operand and name of a method call.
fn method<'t>(file: &TypedFile<'t>, node: NodeId) -> Option<(NodeId, &'t str)> {
    if file.tree.kind(node) != NodeKind::CallExpr {
        return None;
    }
    let Expression::Call { function, .. } = file.tree.expression(node) else {
        return None;
    };
    match file.tree.expression(unparenthesized(file, function)) {
        Expression::Selector { operand, name } => Some((operand, file.tree.symbol(name).as_str())),
        _ => None,
    }
}

fn same(context: &Context<'_>, file: &TypedFile<'_>, one: NodeId, other: NodeId) -> bool {
    let place = |node| named(context, file, node).map(|place| (place.root, place.last));
    place(one).is_some_and(|one| place(other) == Some(one))
}

/// Whether a variable is set under a flag that is down only as long as no goroutine runs: it goes up where
/// the goroutine starts, and down only behind a wait for it.
pub(crate) fn kept_by_flag(context: &Context<'_>, observed: &Observed, id: SpawnId) -> bool {
    let spawn = &context.flow.lowered.spawns[id.0 as usize];
    let unit = context.flow.units.get(observed.unit);
    let file = context.file(unit.file);
    let tree = file.tree;
    if spawn.unit != observed.unit {
        return false;
    }
    let (at, start) = (tree.span(observed.event.node), tree.span(spawn.node));
    let holds = |outer: NodeId, inner: goward_diagnostics::Span| {
        let outer = tree.span(outer);
        outer.start <= inner.start && inner.end <= outer.end
    };
    unit.nodes.iter().any(|&(node, _)| {
        if tree.kind(node) != NodeKind::IfStmt {
            return false;
        }
        let Statement::If {
            condition, then, ..
        } = tree.statement(node)
        else {
            return false;
        };
        holds(then, at)
            && holds(then, start)
            && down_flags(context, file, condition)
                .into_iter()
                .any(|flag| {
                    raised_beside(context, unit, file, then, flag)
                        && lowered_behind_waits(context, flag)
                })
    })
}

/// The variables and fields that are false where a condition holds: `!running`, also within `&&`.
fn down_flags(context: &Context<'_>, file: &TypedFile<'_>, condition: NodeId) -> Vec<ObjectId> {
    let condition = unparenthesized(file, condition);
    match file.tree.expression(condition) {
        Expression::Unary {
            operator: goward_syntax::UnaryOperator::Not,
            operand,
        } => named(context, file, operand)
            .map(|place| place.last)
            .into_iter()
            .collect(),
        Expression::Binary {
            operator: BinaryOperator::LogicalAnd,
            left,
            right,
            ..
        } => {
            let mut flags = down_flags(context, file, left);
            flags.extend(down_flags(context, file, right));
            flags
        }
        _ => Vec::new(),
    }
}

/// What an assignment sets a flag to; the inner one is none where that is not a constant.
fn sets_flag(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    node: NodeId,
    flag: ObjectId,
) -> Option<Option<bool>> {
    if file.tree.kind(node) != NodeKind::AssignStmt {
        return None;
    }
    let Statement::Assign {
        operator: AssignOperator::Assign | AssignOperator::Define,
        left,
        right,
        ..
    } = file.tree.statement(node)
    else {
        return None;
    };
    let position = left
        .iter()
        .position(|&place| named(context, file, place).is_some_and(|place| place.last == flag))?;
    let value = (left.len() == right.len()).then(|| right[position])?;
    let known = file.facts.get(value).and_then(|fact| fact.value);
    Some(known.map(|known| known.bool_value()))
}

fn raised_beside(
    context: &Context<'_>,
    unit: &Unit,
    file: &TypedFile<'_>,
    branch: NodeId,
    flag: ObjectId,
) -> bool {
    unit.nodes.iter().any(|&(node, parent)| {
        parent == branch && sets_flag(context, file, node, flag) == Some(Some(true))
    })
}

/// Whether every place of the package that takes a flag down stands behind a wait in its block, or declares it.
fn lowered_behind_waits(context: &Context<'_>, flag: ObjectId) -> bool {
    context.flow.units.iter().all(|(id, unit)| {
        let file = context.file(unit.file);
        unit.nodes.iter().all(|&(node, parent)| {
            let declares = || {
                matches!(
                    file.tree.statement(node),
                    Statement::Assign {
                        operator: AssignOperator::Define,
                        ..
                    }
                )
            };
            match sets_flag(context, file, node, flag) {
                Some(Some(false)) => declares() || waits_before(context, id, parent, node),
                Some(None) => false,
                Some(Some(true)) | None => true,
            }
        })
    })
}

fn waits_before(context: &Context<'_>, id: UnitId, block: NodeId, node: NodeId) -> bool {
    let unit = context.flow.units.get(id);
    let file = context.file(unit.file);
    let end = file.tree.span(node).start;
    let mut nodes = unit.nodes.iter();
    nodes.any(|&(statement, parent)| {
        parent == block
            && file.tree.span(statement).end <= end
            && file.tree.kind(statement) == NodeKind::ExprStmt
            && match file.tree.statement(statement) {
                Statement::Expression { expression } => match file.tree.expression(expression) {
                    Expression::Unary {
                        operator: goward_syntax::UnaryOperator::Receive,
                        ..
                    } => true,
                    _ => matches!(method(file, expression), Some((_, "Wait"))),
                },
                _ => false,
            }
    })
}
