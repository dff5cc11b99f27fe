//! Findings about writes to nil maps: what `nil-map-write` and its relatives in the nursery share.

use goward_diagnostics::{Diagnostic, Edit, Fix, Safety, Span};
use goward_flow::{NeverMade, NilReason, NilWrite, Origin, UnitId};
use goward_syntax::{Expression, NodeId, NodeKind, Specification, Statement};
use goward_types::{ObjectId, TypedFile};

use crate::Rule;
use crate::context::Context;

/// A write to a map that the function itself shows to be nil.
pub(crate) fn nil_write(context: &Context<'_>, rule: &Rule, write: &NilWrite) -> Diagnostic {
    let file = context.flow.units.get(write.unit).file;
    let path = context.path(file);
    let text = map_text(context, file, write.map);
    let made = first_line(context, file, write.made);
    let made_message = match write.reason {
        NilReason::Declared => format!("`{text}` is declared without a value here"),
        NilReason::Assigned => format!("`{text}` is set to nil here"),
        NilReason::FieldLeftOut => format!("`{text}` is left nil here"),
        NilReason::NamedResult => format!("`{text}` is a result that starts as nil"),
        NilReason::Given(function) => {
            format!(
                "`{}` is given nil, and writes it",
                context.world().object(function).name
            )
        }
        NilReason::New => "`new` gives a pointer to a nil map".to_owned(),
        NilReason::Returned(function) => {
            format!(
                "`{}` may return a nil map without an error",
                context.world().object(function).name
            )
        }
        NilReason::NotDecoded => {
            format!("`{text}` stays nil where the JSON decoded here does not name it")
        }
        NilReason::Decoded => format!("JSON `null` sets `{text}` to nil here"),
        NilReason::Compared => format!("`{text}` is tested against nil here"),
        NilReason::NotOk => format!("`{text}` is nil where this finds nothing"),
    };
    let message = match (write.reason, write.certain) {
        (NilReason::Given(function), _) => {
            let name = context.world().object(function).name;
            format!("`{name}` writes the map that it is given, which is nil here")
        }
        (_, true) => format!("`{text}` is nil when it is written"),
        (_, false) => format!("`{text}` may be nil when it is written"),
    };
    let mut diagnostic = rule
        .diagnostic(path.clone(), context.span(file, write.node), message)
        .in_function(context.function(write.unit))
        .operation(format!("write {text}"))
        .step(path.clone(), made, made_message)
        .step(
            path,
            context.span(file, write.node),
            "the write to the nil map panics here",
        )
        .help(match write.reason {
            NilReason::Given(_) => "give it a map".to_owned(),
            _ => format!(
                "make the map before it is written: `{text} = {}`",
                make(context, file, write.map)
            ),
        });
    if let Some(fix) = make_at_declaration(context, file, write) {
        diagnostic = diagnostic.fix(fix);
    }
    diagnostic
}

/// A map as it is written, of a pointer what it points to.
fn map_text(context: &Context<'_>, file: usize, map: NodeId) -> String {
    let text = context.text(file, map);
    let map_type = context.file(file).facts.type_of(map);
    match map_type.is_known() && context.world().deref(map_type).1 {
        true => format!("*{text}"),
        false => text,
    }
}

/// A call of make for a map, with its type as it is written in this package.
fn make(context: &Context<'_>, file: usize, map: NodeId) -> String {
    let file = context.file(file);
    let world = context.world();
    let package = context.package.package;
    let map_type = world.deref(file.facts.type_of(map)).0;
    if !map_type.is_known() {
        return "make(…)".to_owned();
    }
    // Other packages are named as people write them: by their name.
    let text = world.type_string(map_type, &|other| {
        if other == package {
            goward_syntax::Symbol::EMPTY
        } else {
            world.package(other).name()
        }
    });
    // What is not known of a part of it cannot be written.
    match text.contains("invalid type") {
        true => "make(…)".to_owned(),
        false => format!("make({text})"),
    }
}

/// The range of a node: of a long literal its first line only.
fn first_line(context: &Context<'_>, file: usize, node: NodeId) -> Span {
    let span = context.span(file, node);
    let source = &context.file(file).source[span.range()];
    let first = source
        .iter()
        .position(|&byte| byte == b'\n')
        .unwrap_or(source.len());
    Span::new(span.start, span.start + first as u32)
}

/// Gives a local variable that is declared without a value a map.
fn make_at_declaration(context: &Context<'_>, file_index: usize, write: &NilWrite) -> Option<Fix> {
    if write.reason != NilReason::Declared || !write.whole_variable {
        return None;
    }
    let file = context.file(file_index);
    let unit = context.flow.units.get(write.unit);
    let mut declaration = None;
    let mut plain = true;
    let mut pending = vec![(unit.body, None)];
    while let Some((node, parent)) = pending.pop() {
        if let NodeKind::ValueSpec = file.tree.kind(node)
            && let Specification::Value {
                names: &[name],
                value_type: Some(value_type),
                values: &[],
                ..
            } = file.tree.specification(node)
            && file.facts.object_of(name) == Some(write.root)
        {
            declaration = Some(value_type);
        }
        if file.tree.kind(node) == NodeKind::Ident
            && file.facts.object_of(node) == Some(write.root)
            && !is_element_use(file, node, parent)
        {
            plain = false;
        }
        file.tree
            .for_each_child(node, |child| pending.push((child, Some(node))));
    }
    let value_type = declaration?;
    let text = context.text(file_index, value_type);
    let end = context.span(file_index, value_type).end;
    Some(Fix {
        safety: if plain { Safety::Safe } else { Safety::Unsafe },
        message: "make the map where it is declared".to_owned(),
        edits: vec![Edit {
            file: context.path(file_index),
            span: Span::at(end),
            replacement: format!(" = make({text})"),
        }],
    })
}

/// Whether a use of the variable cannot tell an empty map from a nil one.
fn is_element_use(file: &TypedFile<'_>, node: NodeId, parent: Option<NodeId>) -> bool {
    let Some(parent) = parent else { return false };
    match file.tree.kind(parent) {
        NodeKind::IndexExpr => {
            matches!(file.tree.expression(parent), Expression::Index { operand, .. } if operand == node)
        }
        NodeKind::RangeStmt => {
            matches!(file.tree.statement(parent), Statement::Range { operand, .. } if operand == node)
        }
        NodeKind::ValueSpec => true,
        NodeKind::CallExpr => match file.tree.expression(parent) {
            Expression::Call { function, .. } => {
                file.tree.kind(function) == NodeKind::Ident
                    && matches!(
                        file.tree.symbol(function).as_str(),
                        "len" | "delete" | "clear"
                    )
            }
            _ => false,
        },
        _ => false,
    }
}

/// A write to a map that other functions leave nil.
pub(crate) fn left_nil(context: &Context<'_>, rule: &Rule, write: &NeverMade) -> Diagnostic {
    let file = context.flow.units.get(write.unit).file;
    let path = context.path(file);
    let text = context.text(file, write.map);
    let span = context.span(file, write.node);
    let function = |unit: UnitId| context.flow.units.get(unit);
    let keyword = |unit: UnitId| {
        let unit = function(unit);
        let start = context.span(unit.file, unit.node).start;
        (context.path(unit.file), Span::new(start, start + 4))
    };
    let (message, steps) = match write.origin {
        Origin::Never | Origin::NeverHere => (
            format!("`{text}` is nil: nothing in the package ever makes it"),
            write.object.map(|object| {
                let (path, span) = declaration(context, object);
                (
                    path,
                    span,
                    "declared here, and never given a map".to_owned(),
                )
            }),
        ),
        Origin::Sibling(sibling) => {
            let name = &function(sibling).name;
            let (path, span) = keyword(sibling);
            (
                format!(
                    "`{text}` may be nil: `{name}` makes it when it is, this function does not"
                ),
                Some((path, span, format!("`{name}` tests the map and makes it"))),
            )
        }
        Origin::Constructor(unit, literal) => {
            let name = &function(unit).name;
            let file = function(unit).file;
            (
                format!("`{text}` may be nil: `{name}` makes it on some paths only"),
                Some((
                    context.path(file),
                    first_line(context, file, literal),
                    "the literal leaves it out, and only some paths make it".to_owned(),
                )),
            )
        }
        Origin::Closed(unit, node) => {
            let name = &function(unit).name;
            let file = function(unit).file;
            (
                format!("`{text}` may be nil: `{name}` sets it to nil"),
                Some((
                    context.path(file),
                    context.span(file, node),
                    format!("`{name}` gives the map up here"),
                )),
            )
        }
        Origin::Parameter => (
            format!("`{text}` may be nil: the caller made the object, and nothing here tests it"),
            None,
        ),
    };
    let mut diagnostic = rule.diagnostic(path.clone(), span, message);
    if let Some((path, span, message)) = steps {
        diagnostic = diagnostic.step(path, span, message);
    }
    diagnostic
        .step(path, span, "a write to a nil map panics here")
        .in_function(context.function(write.unit))
        .operation(format!("write {text}"))
        .help(format!(
            "make the map first: `if {text} == nil {{ {text} = {} }}`",
            make(context, file, write.map)
        ))
}

/// The place of the declaration of a field or variable of this package.
fn declaration(context: &Context<'_>, object: ObjectId) -> (goward_diagnostics::FilePath, Span) {
    let object = context.world().object(object);
    let length = object.name.as_str().len() as u32;
    (
        context.path(object.file as usize),
        Span::new(object.offset, object.offset + length),
    )
}
