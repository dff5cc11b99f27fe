//! Errors in expressions: which ones are errors, and which ones a format string takes the text of.

use goward_diagnostics::{Diagnostic, Edit, Fix, Safety, Span};
use goward_flow::{Callee, UnitId, callee, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind};
use goward_types::{ObjectId, ObjectKind, TypedFile};

use crate::Rule;
use crate::context::Context;

/// Whether an expression is the predeclared `nil`.
pub(crate) fn is_nil(context: &Context<'_>, file: &TypedFile<'_>, node: NodeId) -> bool {
    let node = unparenthesized(file, node);
    file.tree.kind(node) == NodeKind::Ident
        && file
            .facts
            .object_of(node)
            .is_some_and(|object| context.world().object(object).kind == ObjectKind::Nil)
}

/// Whether an expression has the type `error`, or is a variable that holds one.
pub(crate) fn is_error(context: &Context<'_>, file: &TypedFile<'_>, node: NodeId) -> bool {
    let node = unparenthesized(file, node);
    if file.facts.type_of(node) == context.world().universe().error {
        return true;
    }
    file.tree.kind(node) == NodeKind::Ident
        && file.facts.object_of(node).is_some_and(|object| {
            matches!(context.world().object(object).kind, ObjectKind::Variable(_))
                && is_error_variable(context, object)
        })
}

/// Whether a variable holds an error. What comes from a missing dependency has no known type: then its
/// name tells.
pub(crate) fn is_error_variable(context: &Context<'_>, object: ObjectId) -> bool {
    let world = context.world();
    let known = world.object_type(object);
    known == world.universe().error
        || !known.is_known() && {
            let name = world.object(object).name;
            name.as_str().to_ascii_lowercase().ends_with("err")
        }
}

/// A finding about an error of which a format string takes the text only, with the fix that wraps it.
pub(crate) fn text_only(
    rule: &Rule,
    context: &Context<'_>,
    id: UnitId,
    formatted: &Formatted,
) -> Diagnostic {
    let file = context.flow.units.get(id).file;
    let argument = unparenthesized(context.file(file), formatted.argument);
    let span = context.span(file, argument);
    let text = context.text(file, argument);
    let message = format!(
        "`{text}` is formatted with `%{}`, so `errors.Is` does not find it",
        formatted.verb
    );
    let finding = rule
        .diagnostic(context.path(file), span, message)
        .in_function(context.function(id))
        .operation(format!("format {text}"))
        .step(
            context.path(file),
            span,
            "only the text of the error goes on from here",
        );
    let Some(offset) = formatted.offset else {
        return finding;
    };
    finding.fix(Fix {
        safety: Safety::Unsafe,
        message: "wrap the error".to_owned(),
        edits: vec![Edit {
            file: context.path(file),
            span: Span::new(offset, offset + 1),
            replacement: "w".to_owned(),
        }],
    })
}

/// Import path and name of the function that a call calls, if it belongs to a package.
pub(crate) fn called<'a>(
    context: &'a Context<'_>,
    file: &TypedFile<'_>,
    call: NodeId,
) -> Option<(&'a str, &'a str)> {
    let Expression::Call { function, .. } = file.tree.expression(unparenthesized(file, call))
    else {
        return None;
    };
    let (Callee::Function(object) | Callee::Interface(object)) =
        callee(context.world(), file, function)
    else {
        return None;
    };
    let object = context.world().object(object);
    let package = context.world().package(object.package?);
    Some((package.path.as_str(), object.name.as_str()))
}

/// A verb of a format string and the argument that it formats.
pub(crate) struct Formatted {
    pub(crate) verb: char,
    pub(crate) argument: NodeId,
    /// Where the verb itself stands in the file, if the format is a literal without escapes.
    pub(crate) offset: Option<u32>,
}

/// The verbs of a call `fmt.Errorf(format, …)` with a constant format; none if the format picks its
/// arguments by number or takes a width from them.
pub(crate) fn errorf(context: &Context<'_>, file: &TypedFile<'_>, call: NodeId) -> Vec<Formatted> {
    let mut formatted = Vec::new();
    if called(context, file, call) != Some(("fmt", "Errorf")) {
        return formatted;
    }
    let Expression::Call {
        arguments: &[format, ref arguments @ ..],
        ellipsis: None,
        ..
    } = file.tree.expression(call)
    else {
        return formatted;
    };
    let Some(text) = file.facts.get(format).and_then(|fact| fact.value) else {
        return formatted;
    };
    if text.kind() != goward_types::constant::Kind::String {
        return formatted;
    }
    let text = text.string_value();
    let format = unparenthesized(file, format);
    let span = file.tree.span(format);
    let plain = file
        .source
        .get(span.start as usize + 1..(span.end as usize).saturating_sub(1))
        == Some(text);
    let mut arguments = arguments.iter();
    let mut position = 0;
    while position < text.len() {
        if text[position] != b'%' {
            position += 1;
            continue;
        }
        position += 1;
        while position < text.len() && b"+-# 0123456789.".contains(&text[position]) {
            position += 1;
        }
        match text.get(position) {
            Some(b'%') => {}
            None | Some(b'[' | b'*') => return Vec::new(),
            Some(&verb) => {
                let Some(&argument) = arguments.next() else {
                    return Vec::new();
                };
                formatted.push(Formatted {
                    verb: char::from(verb),
                    argument,
                    offset: plain.then(|| span.start + 1 + position as u32),
                });
            }
        }
        position += 1;
    }
    formatted
}
