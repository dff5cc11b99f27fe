//! Functions, methods and types of the standard library, by package path and name, and the variables
//! that hold what they return.

use goward_flow::{Callee, UnitId, callee, origin, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind};
use goward_types::{ObjectId, ObjectKind, TypeId, TypedFile, VariableKind};

use crate::context::Context;

/// A call of a method.
#[derive(Copy, Clone)]
pub(crate) struct MethodCall<'a> {
    /// What stands before the dot.
    pub(crate) operand: NodeId,
    /// Path of the package and name of the type that declares the method.
    pub(crate) of: (&'a str, &'a str),
    pub(crate) name: &'a str,
}

/// Path of the package and name of the function that a call calls.
pub(crate) fn called_function<'a>(
    context: &Context<'a>,
    file: &TypedFile<'_>,
    call: NodeId,
) -> Option<(&'a str, &'a str)> {
    let Expression::Call { function, .. } = file.tree.expression(call) else {
        return None;
    };
    let Callee::Function(object) = callee(context.world(), file, function) else {
        return None;
    };
    let world = context.package.world;
    let known = world.object(object);
    if known.is_method() {
        return None;
    }
    Some((
        world.package(known.package?).path.as_str(),
        known.name.as_str(),
    ))
}

/// The method of a named type that a call calls, also one that is promoted from an embedded field.
pub(crate) fn called_method<'a>(
    context: &Context<'a>,
    file: &TypedFile<'_>,
    call: NodeId,
) -> Option<MethodCall<'a>> {
    let Expression::Call { function, .. } = file.tree.expression(call) else {
        return None;
    };
    let function = unparenthesized(file, function);
    let Expression::Selector { operand, .. } = file.tree.expression(function) else {
        return None;
    };
    let Callee::Function(object) = callee(context.world(), file, function) else {
        return None;
    };
    let world = context.package.world;
    let method = world.object(object);
    Some(MethodCall {
        operand: unparenthesized(file, operand),
        of: type_name(context, method.receiver()?)?,
        name: method.name.as_str(),
    })
}

/// Path of the package and name of a type, or of that which it points to.
pub(crate) fn type_name<'a>(context: &Context<'a>, id: TypeId) -> Option<(&'a str, &'a str)> {
    let world = context.package.world;
    let object = world.object(goward_flow::named_behind(world, id)?);
    Some((
        world.package(object.package?).path.as_str(),
        object.name.as_str(),
    ))
}

/// The variable or field that an expression names, and the variable that it starts at.
pub(crate) struct Named {
    /// Of `a.b.c` the field `c`.
    pub(crate) last: ObjectId,
    /// Of `a.b.c` the variable `a`.
    pub(crate) root: ObjectId,
}

/// What an expression of names and dots stands for.
pub(crate) fn named(context: &Context<'_>, file: &TypedFile<'_>, node: NodeId) -> Option<Named> {
    let mut last = None;
    let mut node = unparenthesized(file, node);
    loop {
        match file.tree.expression(node) {
            Expression::Identifier => {
                let root = file.facts.object_of(node)?;
                return Some(Named {
                    last: last.unwrap_or(root),
                    root,
                });
            }
            Expression::Selector { operand, name } => {
                if last.is_none() {
                    let object = match file.facts.selections.get(&node) {
                        Some(selection) => selection.object,
                        None => file.facts.object_of(name)?,
                    };
                    last = Some(origin(context.world(), object));
                }
                node = unparenthesized(file, operand);
            }
            Expression::Star { operand } => node = unparenthesized(file, operand),
            _ => return None,
        }
    }
}

/// The local variable of a function that an identifier names.
pub(crate) fn local_variable(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    unit: UnitId,
    name: NodeId,
) -> Option<ObjectId> {
    if file.tree.kind(name) != NodeKind::Ident {
        return None;
    }
    let object = file.facts.object_of(name)?;
    let kind = context.world().object(object).kind;
    (kind == ObjectKind::Variable(VariableKind::Local)
        && context.flow.declared_inside(object, unit))
    .then_some(object)
}
