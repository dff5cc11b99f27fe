//! Tickers in fields that nobody stops, although their objects are closed.

use goward_diagnostics::Diagnostic;
use goward_flow::{UnitId, named_behind, origin, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use goward_types::{ObjectId, SelectionKind, TypedFile};
use rustc_hash::FxHashMap;

use crate::Rule;
use crate::context::Context;
use crate::standard_library::{called_function, type_name};
use crate::walk::walk;

/// What a package does with a field that holds a ticker.
#[derive(Default)]
struct Field {
    /// Where it is set to a new ticker.
    made: Vec<(UnitId, NodeId)>,
    /// The type of the object, by its name.
    owner: Option<ObjectId>,
    /// It is stopped, or something is done with it that is not understood.
    other: bool,
}

/// Reports unexported fields that get a ticker and of which nothing but `C` and `Reset` is used, in
/// types that have a method to end their use.
pub(crate) fn never_stopped(context: &Context<'_>, rule: &Rule, findings: &mut Vec<Diagnostic>) {
    let mut fields: FxHashMap<ObjectId, Field> = FxHashMap::default();
    let mut closing: FxHashMap<ObjectId, UnitId> = FxHashMap::default();
    for (id, unit) in context.flow.units.iter() {
        let file = context.file(unit.file);
        if let Some(object) = unit.object
            && let Some(receiver) = context.world().object(object).receiver()
            && let Some(owner) = named_behind(context.world(), receiver)
            && ends_use(context.world().object(object).name.as_str())
        {
            closing.insert(owner, id);
        }
        let mut parents = FxHashMap::default();
        walk(unit, |node, parent| {
            parents.insert(node, parent);
            match file.tree.kind(node) {
                NodeKind::SelectorExpr => {
                    selector(context, file, id, node, parent, &parents, &mut fields);
                }
                NodeKind::KeyValueExpr => literal(context, file, id, node, parent, &mut fields),
                _ => {}
            }
        });
    }
    let mut list: Vec<(ObjectId, Field)> = fields.into_iter().collect();
    list.retain(|(object, field)| {
        !field.other && !context.world().object(*object).is_exported() && !field.made.is_empty()
    });
    list.sort_by_key(|(_, field)| field.made[0]);
    for (object, field) in list {
        let Some(&end) = field.owner.and_then(|owner| closing.get(&owner)) else {
            continue;
        };
        let name = context.world().object(object).name;
        let (unit, node) = field.made[0];
        let file = context.flow.units.get(unit).file;
        let ending = context.flow.units.get(end);
        findings.push(
            rule.diagnostic(
                context.path(file),
                context.span(file, node),
                format!(
                    "the ticker `{name}` is not stopped, also not by `{}`",
                    ending.name
                ),
            )
            .in_function(context.function(unit))
            .help(format!("stop it in `{}`", ending.name)),
        );
    }
}

/// Whether a method ends the use of its object, by its name.
fn ends_use(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["close", "stop", "shutdown"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// A field by a selector: `x.f`.
fn selector(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    unit: UnitId,
    node: NodeId,
    parent: NodeId,
    parents: &FxHashMap<NodeId, NodeId>,
    fields: &mut FxHashMap<ObjectId, Field>,
) {
    let tree = file.tree;
    let Some(selection) = file.facts.selections.get(&node) else {
        return;
    };
    if selection.kind != SelectionKind::FieldValue
        || type_name(context, file.facts.type_of(node)) != Some(("time", "Ticker"))
    {
        return;
    }
    let field = fields
        .entry(origin(context.world(), selection.object))
        .or_default();
    match tree.kind(parent) {
        NodeKind::SelectorExpr => {
            let Expression::Selector { name, .. } = tree.expression(parent) else {
                return;
            };
            let received = parents
                .get(&parent)
                .is_some_and(|&around| match tree.kind(around) {
                    NodeKind::UnaryExpr => true,
                    NodeKind::RangeStmt => matches!(tree.statement(around),
                        Statement::Range { operand, .. } if operand == parent),
                    _ => false,
                });
            field.other |= match tree.symbol(name).as_str() {
                "C" => !received,
                "Reset" => false,
                _ => true,
            };
        }
        NodeKind::AssignStmt => {
            let Statement::Assign { left, right, .. } = tree.statement(parent) else {
                return;
            };
            let position = left.iter().position(|&place| place == node);
            let value = position
                .filter(|_| left.len() == right.len())
                .map(|position| unparenthesized(file, right[position]));
            match value {
                Some(value) if is_new(context, file, value) => {
                    // Of `x.inner.f` the object is not `x`.
                    if selection.index.len() == 1 {
                        field.owner = named_behind(context.world(), selection.receiver);
                    }
                    field.made.push((unit, value));
                }
                _ => field.other = true,
            }
        }
        // Compared with nil.
        NodeKind::BinaryExpr => {}
        _ => field.other = true,
    }
}

/// A field in a literal: `T{f: time.NewTicker(…)}`.
fn literal(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    unit: UnitId,
    node: NodeId,
    parent: NodeId,
    fields: &mut FxHashMap<ObjectId, Field>,
) {
    let Expression::KeyValue { key, value } = file.tree.expression(node) else {
        return;
    };
    let Some(object) = file.facts.object_of(key) else {
        return;
    };
    let known = context.world().object(object);
    if !known.is_field()
        || type_name(context, context.world().object_type(object)) != Some(("time", "Ticker"))
    {
        return;
    }
    let field = fields.entry(origin(context.world(), object)).or_default();
    let value = unparenthesized(file, value);
    if is_new(context, file, value) {
        field.owner = named_behind(context.world(), file.facts.type_of(parent));
        field.made.push((unit, value));
    } else {
        field.other = true;
    }
}

fn is_new(context: &Context<'_>, file: &TypedFile<'_>, value: NodeId) -> bool {
    called_function(context, file, value) == Some(("time", "NewTicker"))
}
