//! Arguments and receivers of deferred calls that hold nothing yet when they are evaluated: an element
//! or the length of a local map or slice that is still empty, and a structure that is copied as
//! the receiver before the function fills it.

use goward_flow::{Callee, Step, Unit, UnitId, callee, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Specification, Statement};
use goward_types::{ObjectId, ObjectKind, SelectionKind, TypeKind, TypedFile, VariableKind};

use crate::context::Context;
use crate::sharing::innermost_loop;
use crate::stale_constants::Deferred;
use crate::standard_library::named;
use crate::walk::{mentions, steps_after, walk};

/// Whether a local map or slice is certainly empty at a `defer` statement: made empty, and nothing has
/// been put into it or given it away before.
pub(crate) fn is_still_empty(
    context: &Context<'_>,
    id: UnitId,
    file: &TypedFile<'_>,
    defer: NodeId,
    container: NodeId,
) -> bool {
    let container = unparenthesized(file, container);
    if file.tree.kind(container) != NodeKind::Ident {
        return false;
    }
    let Some(object) = file.facts.object_of(container) else {
        return false;
    };
    let unit = context.flow.units.get(id);
    let known = context.world().object(object);
    let local = known.kind == ObjectKind::Variable(VariableKind::Local)
        && context.flow.declared_inside(object, id);
    let around = innermost_loop(context, id, defer);
    if !local || around.is_some_and(|around| !around.contains(known.offset)) {
        return false;
    }
    let start = file.tree.span(defer).start;
    let mut made = false;
    let mut used = false;
    walk(unit, |node, _| match file.tree.kind(node) {
        NodeKind::Ident
            if file.tree.span(node).start < start && file.tree.span(node).start != known.offset =>
        {
            used |= file.facts.object_of(node) == Some(object);
        }
        NodeKind::FuncLit if file.tree.span(node).start < start => {
            used |= mentions(file, node, object);
        }
        NodeKind::ValueSpec => {
            if let Specification::Value { names, values, .. } = file.tree.specification(node)
                && let Some(position) = position_of(file, names, known.offset)
            {
                made = match values.get(position) {
                    None => values.is_empty(),
                    Some(&value) => is_empty(context, file, value),
                };
            }
        }
        NodeKind::AssignStmt => {
            if let Statement::Assign { left, right, .. } = file.tree.statement(node)
                && left.len() == right.len()
                && let Some(position) = position_of(file, left, known.offset)
            {
                made = is_empty(context, file, right[position]);
            }
        }
        _ => {}
    });
    made && !used
}

fn position_of(file: &TypedFile<'_>, names: &[NodeId], offset: u32) -> Option<usize> {
    names
        .iter()
        .position(|&name| file.tree.span(name).start == offset)
}

/// `make(map[K]V)`, `make([]T, 0, n)`, or a literal without elements.
fn is_empty(context: &Context<'_>, file: &TypedFile<'_>, value: NodeId) -> bool {
    let value = unparenthesized(file, value);
    match file.tree.expression(value) {
        Expression::CompositeLiteral { elements, .. } => {
            let kind = context.world().underlying(file.facts.type_of(value)).kind();
            elements.is_empty() && matches!(kind, TypeKind::Map | TypeKind::Slice)
        }
        Expression::Call {
            function,
            arguments,
            ..
        } => {
            if callee(context.world(), file, function) != Callee::Builtin("make") {
                return false;
            }
            let kind = context.world().underlying(file.facts.type_of(value)).kind();
            let length = arguments.get(1).and_then(|&length| {
                let value = file.facts.get(length)?.value?;
                value.int64_value()
            });
            kind == TypeKind::Map || kind == TypeKind::Slice && length == Some(0)
        }
        _ => false,
    }
}

/// Whether a step puts something into a local map or slice, or gives the variable another value.
pub(crate) fn fills(file: &TypedFile<'_>, step: Step, object: ObjectId) -> bool {
    let Step::Statement(node) = step else {
        return false;
    };
    let is_object = |place: NodeId| {
        let place = unparenthesized(file, place);
        file.tree.kind(place) == NodeKind::Ident && file.facts.object_of(place) == Some(object)
    };
    let fills = |target: NodeId| {
        let target = unparenthesized(file, target);
        is_object(target)
            || matches!(file.tree.expression(target), Expression::Index { operand, .. }
                if is_object(operand))
    };
    match file.tree.kind(node) {
        NodeKind::AssignStmt => matches!(file.tree.statement(node), Statement::Assign { left, .. }
            if left.iter().any(|&target| fills(target))),
        NodeKind::IncDecStmt => {
            matches!(file.tree.statement(node), Statement::IncrementDecrement { operand, .. }
                if fills(operand))
        }
        _ => false,
    }
}

/// A deferred method of a structure that is copied at the `defer` statement: the receiver, and the step
/// after it that sets a field which the method reads.
pub(crate) fn receiver_copied_early(
    context: &Context<'_>,
    id: UnitId,
    file: &TypedFile<'_>,
    defer: NodeId,
    call: NodeId,
) -> Option<(NodeId, Step)> {
    let unit = context.flow.units.get(id);
    let Expression::Call { function, .. } = file.tree.expression(call) else {
        return None;
    };
    let function = unparenthesized(file, function);
    let Expression::Selector { operand, .. } = file.tree.expression(function) else {
        return None;
    };
    let selection = file.facts.selections.get(&function)?;
    if selection.kind != SelectionKind::MethodValue {
        return None;
    }
    let operand = unparenthesized(file, operand);
    let world = context.world();
    let variable = file
        .facts
        .object_of(operand)
        .filter(|_| file.tree.kind(operand) == NodeKind::Ident)?;
    let local = world.object(variable).kind == ObjectKind::Variable(VariableKind::Local)
        && context.flow.declared_inside(variable, id);
    let declared = world.object_type(variable);
    if !local || !declared.is_known() || world.underlying(declared).kind() != TypeKind::Struct {
        return None;
    }
    let Callee::Function(method) = callee(world, file, function) else {
        return None;
    };
    let target = context
        .flow
        .units
        .get(context.flow.units.of_object(method)?);
    let receiver = target.receiver?;
    let by_value = world.underlying(world.object_type(receiver)).kind() == TypeKind::Struct;
    if !by_value {
        return None;
    }
    let read = fields_read(context, target, receiver);
    steps_after(&unit.graph, |step| step == Step::Register(defer))
        .into_iter()
        .find(|&step| {
            let Step::Statement(node) = step else {
                return false;
            };
            let sets = |target: NodeId| {
                let target = unparenthesized(file, target);
                file.tree.kind(target) == NodeKind::SelectorExpr
                    && named(context, file, target).is_some_and(|place| {
                        place.root == variable && read.contains(&place.last)
                    })
            };
            match file.tree.kind(node) {
                NodeKind::AssignStmt => {
                    matches!(file.tree.statement(node), Statement::Assign { left, .. }
                        if left.iter().any(|&target| sets(target)))
                }
                NodeKind::IncDecStmt => {
                    matches!(file.tree.statement(node), Statement::IncrementDecrement { operand, .. }
                        if sets(operand))
                }
                _ => false,
            }
        })
        .map(|step| (operand, step))
}

/// A deferred method of a pointer that is still nil at the `defer` statement: the receiver, and the step
/// after it that sets the pointer.
pub(crate) fn receiver_still_nil(
    context: &Context<'_>,
    id: UnitId,
    file: &TypedFile<'_>,
    defer: NodeId,
    call: NodeId,
) -> Option<(NodeId, Step)> {
    let Expression::Call { function, .. } = file.tree.expression(call) else {
        return None;
    };
    let function = unparenthesized(file, function);
    let Expression::Selector { operand, .. } = file.tree.expression(function) else {
        return None;
    };
    let selection = file.facts.selections.get(&function)?;
    let operand = unparenthesized(file, operand);
    if selection.kind != SelectionKind::MethodValue || file.tree.kind(operand) != NodeKind::Ident {
        return None;
    }
    let variable = file.facts.object_of(operand)?;
    let world = context.world();
    let declared = world.object_type(variable);
    if !declared.is_known() || world.underlying(declared).kind() != TypeKind::Pointer {
        return None;
    }
    let deferred = Deferred {
        unit: context.flow.units.get(id),
        id,
        defer,
        prints: false,
    };
    let change = deferred.is_set_later(context, file, variable)?;
    Some((operand, change))
}

/// What a text or an error is made of at once: the arguments of `fmt.Sprintf`, `fmt.Errorf`, `errors.Join`
/// and the like; of anything else nothing.
pub(crate) fn gathered<'t>(
    context: &Context<'_>,
    file: &TypedFile<'t>,
    node: NodeId,
) -> &'t [NodeId] {
    if file.tree.kind(node) != NodeKind::CallExpr {
        return &[];
    }
    let Expression::Call {
        function,
        arguments,
        ..
    } = file.tree.expression(node)
    else {
        return &[];
    };
    let Callee::Function(object) = callee(context.world(), file, function) else {
        return &[];
    };
    let object = context.world().object(object);
    let package = object
        .package
        .map_or("", |package| context.world().package(package).path.as_str());
    match (package, object.name.as_str()) {
        ("fmt", "Sprint" | "Sprintf" | "Sprintln" | "Errorf") | ("errors", "Join") => arguments,
        _ => &[],
    }
}

/// Whether a selector names a field.
pub(crate) fn is_field(file: &TypedFile<'_>, node: NodeId) -> bool {
    let selection = file.facts.selections.get(&node);
    selection.is_some_and(|known| known.kind == SelectionKind::FieldValue)
}

/// The fields of its receiver that a method reads itself.
fn fields_read(context: &Context<'_>, method: &Unit, receiver: ObjectId) -> Vec<ObjectId> {
    let file = context.file(method.file);
    let mut found = Vec::new();
    walk(method, |node, _| {
        if file.tree.kind(node) == NodeKind::SelectorExpr
            && let Some(place) = named(context, file, node)
            && place.root == receiver
        {
            found.push(place.last);
        }
    });
    found
}
