//! Places that hold maps: a variable, and fields and elements reached from it.

use goward_syntax::{Expression, LiteralKind, NodeId, Symbol, UnaryOperator};
use goward_types::{ObjectId, ObjectKind, SelectionKind, Type, TypedFile, World};

use crate::calls::origin;

/// One step from a variable to what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    /// A struct field, of generic types the one of the declaration.
    Field(ObjectId),
    /// A field of something whose type is unknown.
    Name(Symbol),
    /// `[key]`, by its text, with the variables that it mentions.
    Index(String, Vec<ObjectId>),
}

/// A variable and the way from it. Pointers are followed without a trace: `(*p).f` is `p.f`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) root: ObjectId,
    pub(crate) elements: Vec<Element>,
}

impl Place {
    pub(crate) fn variable(root: ObjectId) -> Place {
        Place {
            root,
            elements: Vec::new(),
        }
    }

    pub(crate) fn with(&self, element: Element) -> Place {
        let mut place = self.clone();
        place.elements.push(element);
        place
    }

    /// Whether this is `prefix` or reached through it.
    pub(crate) fn starts_with(&self, prefix: &Place) -> bool {
        self.root == prefix.root && self.elements.starts_with(&prefix.elements)
    }

    /// Whether the way goes through an index that mentions `variable`.
    pub(crate) fn mentions(&self, variable: ObjectId) -> bool {
        self.elements.iter().any(|element| match element {
            Element::Index(_, mentioned) => mentioned.contains(&variable),
            Element::Field(_) | Element::Name(_) => false,
        })
    }

    /// The place that an expression stands for, if it is one.
    pub(crate) fn of(world: &World, file: &TypedFile<'_>, node: NodeId) -> Option<Place> {
        match file.tree.expression(node) {
            Expression::Identifier => {
                let object = file.facts.object_of(node)?;
                matches!(world.object(object).kind, ObjectKind::Variable(_))
                    .then(|| Place::variable(object))
            }
            Expression::Parenthesized { inner } => Place::of(world, file, inner),
            Expression::Star { operand } => Place::of(world, file, operand),
            Expression::Unary {
                operator: UnaryOperator::Address,
                operand,
            } => Place::of(world, file, operand),
            Expression::Selector { operand, name } => match file.facts.selections.get(&node) {
                Some(selection) if selection.kind == SelectionKind::FieldValue => {
                    let mut place = Place::of(world, file, operand)?;
                    place
                        .elements
                        .extend(fields(world, selection.receiver, &selection.index)?);
                    Some(place)
                }
                Some(_) => None,
                None => match file.facts.object_of(name) {
                    // A variable of another package.
                    Some(object) => matches!(world.object(object).kind, ObjectKind::Variable(_))
                        .then(|| Place::variable(object)),
                    None => {
                        let place = Place::of(world, file, operand)?;
                        Some(place.with(Element::Name(file.tree.symbol(name))))
                    }
                },
            },
            Expression::Index {
                operand,
                indices: &[index],
                ..
            } => {
                let place = Place::of(world, file, operand)?;
                let (text, mentioned) = index_text(file, index)?;
                Some(place.with(Element::Index(text, mentioned)))
            }
            _ => None,
        }
    }
}

/// The fields that a selection goes through, embedded ones included.
fn fields(world: &World, receiver: goward_types::TypeId, index: &[u32]) -> Option<Vec<Element>> {
    let mut current = receiver;
    let mut elements = Vec::with_capacity(index.len());
    for &position in index {
        let mut under = world.underlying(current);
        if let Type::Pointer { base } = world.get(under) {
            under = world.underlying(base);
        }
        let Type::Struct(structure) = world.get(under) else {
            return None;
        };
        let field = *structure.fields.get(position as usize)?;
        elements.push(Element::Field(origin(world, field)));
        current = world.object_type(field);
    }
    Some(elements)
}

/// An index as text, if it is a constant or made of variables and fields: nothing that may give
/// another value the next time without an assignment.
fn index_text(file: &TypedFile<'_>, node: NodeId) -> Option<(String, Vec<ObjectId>)> {
    if let Some(value) = file.facts.get(node).and_then(|fact| fact.value) {
        return Some((value.exact_string(), Vec::new()));
    }
    match file.tree.expression(node) {
        Expression::Identifier => {
            let object = file.facts.object_of(node)?;
            Some((file.tree.symbol(node).as_str().to_owned(), vec![object]))
        }
        Expression::BasicLiteral(LiteralKind::String | LiteralKind::Int | LiteralKind::Char) => {
            let text = file.source.get(file.tree.span(node).range())?;
            Some((String::from_utf8_lossy(text).into_owned(), Vec::new()))
        }
        Expression::Parenthesized { inner } => index_text(file, inner),
        Expression::Selector { operand, name } => {
            let (mut text, mentioned) = index_text(file, operand)?;
            text.push('.');
            text.push_str(file.tree.symbol(name).as_str());
            Some((text, mentioned))
        }
        _ => None,
    }
}
