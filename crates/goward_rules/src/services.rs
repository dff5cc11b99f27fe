//! Functions that a server runs for its clients, each call in a goroutine of its own: HTTP handlers
//! and the methods of gRPC services.
//!
//! A gRPC service is known by what generated code asks of it: its type embeds
//! `Unimplemented…Server`, or is given to `Register…Server`, or a method takes the stream that is
//! generated for it, `…_MethodServer`.

use goward_flow::UnitId;
use goward_syntax::{Expression, NodeKind};
use goward_types::{ObjectId, Type};
use rustc_hash::FxHashSet;

use crate::context::Context;

/// Whether requests run a function, each in a goroutine of its own.
pub(crate) fn handles_requests(
    context: &Context<'_>,
    services: &FxHashSet<ObjectId>,
    unit: UnitId,
) -> bool {
    context.flow.is_handler(unit) || is_remote_method(context, services, unit)
}

/// The types of a package that are gRPC services, by embedding or registration.
pub(crate) fn services(context: &Context<'_>) -> FxHashSet<ObjectId> {
    let world = context.world();
    let mut services = FxHashSet::default();
    for file in &context.package.files {
        for &declaration in file.tree.declarations() {
            for node in file.tree.preorder(declaration) {
                if file.tree.kind(node) != NodeKind::CallExpr {
                    continue;
                }
                let Expression::Call {
                    function,
                    arguments: &[_, service],
                    ..
                } = file.tree.expression(node)
                else {
                    continue;
                };
                let Expression::Selector { name, .. } = file.tree.expression(function) else {
                    continue;
                };
                let name = file.tree.symbol(name).as_str();
                if name.starts_with("Register") && name.ends_with("Server") {
                    services.extend(named(context, file.facts.type_of(service)));
                }
            }
        }
    }
    for (_, unit) in context.flow.units.iter() {
        let Some(receiver) = unit.receiver else {
            continue;
        };
        let receiver = world.object_type(receiver);
        let (base, _) = world.deref(receiver);
        if let Type::Struct(structure) = world.get(world.underlying(base)) {
            let generated = structure.fields.iter().any(|&field| {
                let field = world.object(field);
                let name = field.name.as_str();
                field.is_embedded() && name.starts_with("Unimplemented") && name.ends_with("Server")
            });
            if generated {
                services.extend(named(context, receiver));
            }
        }
    }
    services
}

fn named(context: &Context<'_>, id: goward_types::TypeId) -> Option<ObjectId> {
    id.is_known()
        .then(|| goward_flow::named_behind(context.world(), id))
        .flatten()
}

/// Whether a function is a method that gRPC calls: of a service, with a stream or a context and a
/// request as parameters.
fn is_remote_method(context: &Context<'_>, services: &FxHashSet<ObjectId>, unit: UnitId) -> bool {
    let unit = context.flow.units.get(unit);
    let world = context.world();
    let exported = unit
        .object
        .is_some_and(|object| world.object(object).is_exported());
    let (Some(receiver), true) = (unit.receiver, exported) else {
        return false;
    };
    let file = context.file(unit.file);
    let Expression::FunctionType { parameters, .. } = file.tree.expression(unit.function_type)
    else {
        return false;
    };
    let types: Vec<String> = parameters
        .iter()
        .map(|&parameter| context.text(unit.file, file.tree.field(parameter).field_type))
        .collect();
    let method = unit.name.rsplit('.').next().unwrap_or_default();
    let stream = format!("_{method}Server");
    let (Some(first), Some(last)) = (types.first(), types.last()) else {
        return false;
    };
    if types.len() <= 2 && last.ends_with(&stream) {
        return true;
    }
    let service = named(context, world.object_type(receiver));
    let shape = match unit.parameters.len() {
        1 => first.contains("StreamingServer["),
        2 => first == "context.Context" || last.contains("StreamingServer["),
        _ => false,
    };
    shape && service.is_some_and(|service| services.contains(&service))
}
