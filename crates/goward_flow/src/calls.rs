//! What a call calls, as far as one package shows it, and which calls do not return.

use goward_syntax::{Expression, NodeId, NodeKind};
use goward_types::{
    Mode, NoReturn, ObjectId, ObjectKind, Selection, SelectionKind, TypedFile, World,
};

/// What a call calls.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Callee<'a> {
    /// A conversion to a type.
    Conversion,
    /// A predeclared function, by name.
    Builtin(&'a str),
    /// A declared function, or a method of a concrete type. Of an instance, the generic one.
    Function(ObjectId),
    /// A method of an interface.
    Interface(ObjectId),
    /// A function literal, called where it stands.
    Literal(NodeId),
    /// A variable, parameter or field that holds a function.
    Variable(ObjectId),
    /// Anything else, also where types are unknown.
    Unknown,
}

/// Takes away parentheses.
pub fn unparenthesized(file: &TypedFile<'_>, mut node: NodeId) -> NodeId {
    while file.tree.kind(node) == NodeKind::ParenExpr
        && let Expression::Parenthesized { inner } = file.tree.expression(node)
    {
        node = inner;
    }
    node
}

/// What the function operand of a call stands for.
pub fn callee<'a>(world: &'a World, file: &TypedFile<'_>, function: NodeId) -> Callee<'a> {
    let mut function = unparenthesized(file, function);
    if let Some(known) = file.facts.get(function)
        && known.mode == Mode::TypeExpression
    {
        return Callee::Conversion;
    }
    // Explicit instances of generic functions.
    if matches!(
        file.tree.kind(function),
        NodeKind::IndexExpr | NodeKind::IndexListExpr
    ) && let Expression::Index { operand, .. } = file.tree.expression(function)
        && let Some(known) = file.facts.get(operand)
        && known.expression_type.is_known()
        && world.underlying(known.expression_type).kind() == goward_types::TypeKind::Signature
    {
        function = unparenthesized(file, operand);
    }
    match file.tree.kind(function) {
        NodeKind::FuncLit => Callee::Literal(function),
        NodeKind::Ident => object_callee(world, file.facts.object_of(function)),
        NodeKind::SelectorExpr => match file.facts.selections.get(&function) {
            Some(selection) => selection_callee(world, selection),
            None => match file.tree.expression(function) {
                Expression::Selector { name, .. } => {
                    object_callee(world, file.facts.object_of(name))
                }
                _ => Callee::Unknown,
            },
        },
        _ => Callee::Unknown,
    }
}

fn selection_callee<'a>(world: &'a World, selection: &Selection) -> Callee<'a> {
    let object = origin(world, selection.object);
    match selection.kind {
        SelectionKind::FieldValue => Callee::Variable(object),
        SelectionKind::MethodValue | SelectionKind::MethodExpression => {
            let receiver = world.object(object).receiver();
            let interface = receiver.is_some_and(|receiver| {
                world.underlying(world.deref(receiver).0).kind()
                    == goward_types::TypeKind::Interface
            });
            if interface {
                Callee::Interface(object)
            } else {
                Callee::Function(object)
            }
        }
    }
}

fn object_callee(world: &World, object: Option<ObjectId>) -> Callee<'_> {
    let Some(object) = object else {
        return Callee::Unknown;
    };
    let known = world.object(object);
    match known.kind {
        ObjectKind::Builtin => Callee::Builtin(known.name.as_str()),
        ObjectKind::Function => Callee::Function(origin(world, object)),
        ObjectKind::Variable(_) => Callee::Variable(object),
        _ => Callee::Unknown,
    }
}

/// The generic function, method or field that an object was instantiated from, or itself.
pub fn origin(world: &World, object: ObjectId) -> ObjectId {
    world.object(object).origin().unwrap_or(object)
}

/// Whether this call never returns, by what it calls; by name only where the body is in another
/// package. `local` knows functions of this package.
pub fn no_return(
    world: &World,
    file: &TypedFile<'_>,
    call: NodeId,
    local: &dyn Fn(ObjectId) -> Option<NoReturn>,
) -> Option<NoReturn> {
    let Expression::Call { function, .. } = file.tree.expression(call) else {
        return None;
    };
    match callee(world, file, function) {
        Callee::Builtin("panic") => Some(NoReturn::Panic),
        Callee::Function(object) => local(object).or_else(|| by_package(world, object)),
        Callee::Interface(object) => {
            by_package(world, object).or_else(|| by_method_name(world.object(object).name.as_str()))
        }
        Callee::Unknown => {
            // `log.Fatal` of a package that is not there.
            let function = unparenthesized(file, function);
            let Expression::Selector { name, operand } = file.tree.expression(function) else {
                return None;
            };
            let name = file.tree.symbol(name).as_str();
            let package = file.tree.kind(operand) == NodeKind::Ident
                && file
                    .facts
                    .object_of(operand)
                    .is_some_and(|object| world.object(object).kind == ObjectKind::PackageName);
            match name {
                "Exit" if package => Some(NoReturn::ProcessExit),
                _ => by_method_name(name),
            }
        }
        _ => None,
    }
}

fn by_package(world: &World, object: ObjectId) -> Option<NoReturn> {
    let function = world.object(object);
    let package = function.package?;
    let name = function.name.as_str();
    let path = world.package(package).path.as_str();
    match (path, name) {
        ("os" | "syscall", "Exit") => Some(NoReturn::ProcessExit),
        ("runtime", "Goexit") => Some(NoReturn::Goexit),
        ("testing", "Fatal" | "Fatalf" | "FailNow" | "Skip" | "Skipf" | "SkipNow") => {
            Some(NoReturn::Goexit)
        }
        ("testing", _) => None,
        ("log", _) => by_method_name(name),
        // Loggers of other modules: their bodies are not looked at, their names are a convention.
        _ if path.contains('.') => by_method_name(name),
        _ => None,
    }
}

fn by_method_name(name: &str) -> Option<NoReturn> {
    match name {
        "Fatal" | "Fatalf" | "Fatalln" | "Fatalw" => Some(NoReturn::ProcessExit),
        "FailNow" => Some(NoReturn::Goexit),
        "Panic" | "Panicf" | "Panicln" | "Panicw" => Some(NoReturn::Panic),
        _ => None,
    }
}
