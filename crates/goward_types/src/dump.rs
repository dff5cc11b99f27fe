//! All facts of a package as text, one line each, for comparison with what go/types says.
//!
//! A line is `file:start-end<TAB>kind<TAB>text`: `T` type and value of an expression, `D` a
//! definition, `U` a use, `I` an implicit object, `S` a selection, `G` an instance. Offsets are bytes.

use std::fmt::Write as _;

use goward_diagnostics::Span;
use goward_syntax::{NodeId, Tree};

use crate::checker::Mode;
use crate::constant::Value;
use crate::facts::{FileFacts, IdentifierFact, SelectionKind};
use crate::ids::{ObjectId, PackageId, TypeId};
use crate::world::World;

struct Dump<'w> {
    world: &'w World,
    package: PackageId,
    file: &'w str,
    lines: Vec<String>,
}

/// The facts of a checked package as sorted lines. `facts` and `trees` are those of its files, in order.
pub fn dump(
    world: &World,
    package: PackageId,
    facts: &[FileFacts],
    trees: &[&Tree],
) -> Vec<String> {
    let names = &world.package(package).files;
    let mut lines = Vec::new();
    for (index, (facts, tree)) in facts.iter().zip(trees).enumerate() {
        let file = names.get(index).map_or("?", String::as_str);
        let mut dump = Dump {
            world,
            package,
            file,
            lines,
        };
        dump.file_facts(facts, tree);
        lines = dump.lines;
    }
    lines.sort_unstable();
    lines
}

impl Dump<'_> {
    fn add(&mut self, span: Span, kind: char, text: &str) {
        self.lines.push(format!(
            "{}:{}-{}\t{kind}\t{text}",
            self.file, span.start, span.end
        ));
    }

    fn type_text(&self, id: TypeId) -> String {
        self.world.type_text_in(id, self.package)
    }

    fn object_text(&self, object: Option<ObjectId>) -> String {
        let Some(id) = object else {
            return "-".to_owned();
        };
        let world = self.world;
        let mut text = world.object_string(id, &world.relative_to(self.package));
        let object = world.object(id);
        text.push_str(" @");
        if object.package == Some(self.package) {
            let file = world.package(self.package).files.get(object.file as usize);
            let _ = write!(
                text,
                "{}:{}",
                file.map_or("?", String::as_str),
                object.offset
            );
        } else {
            text.push_str("ext");
        }
        text
    }

    fn type_and_value(&self, mode: Mode, expression_type: TypeId, value: Option<&Value>) -> String {
        let type_text = match mode {
            Mode::NoValue => "()".to_owned(),
            _ => self.type_text(expression_type),
        };
        let mode = match mode {
            Mode::NoValue => "void".to_owned(),
            Mode::TypeExpression => "type".to_owned(),
            Mode::Builtin => "builtin".to_owned(),
            Mode::Constant if value.is_some() => {
                format!(
                    "const={}",
                    value.map(Value::exact_string).unwrap_or_default()
                )
            }
            _ if expression_type == TypeId::UNTYPED_NIL => "nil".to_owned(),
            Mode::CommaOk | Mode::MapIndex => "commaok".to_owned(),
            Mode::Variable => "var".to_owned(),
            _ => "value".to_owned(),
        };
        format!("{mode}\t{type_text}")
    }

    fn file_facts(&mut self, facts: &FileFacts, tree: &Tree) {
        for index in 0..tree.node_count() {
            let node = NodeId(index as u32);
            if let Some(fact) = facts.get(node) {
                let text = self.type_and_value(fact.mode, fact.expression_type, fact.value);
                self.add(tree.span(node), 'T', &text);
            }
            match facts.identifier(node) {
                Some(IdentifierFact::Definition(object)) => {
                    let text = self.object_text(object);
                    self.add(tree.span(node), 'D', &text);
                }
                Some(IdentifierFact::Use(object)) => {
                    let text = self.object_text(Some(object));
                    self.add(tree.span(node), 'U', &text);
                }
                None => {}
            }
            if let Some(&object) = facts.uses_of_definitions.get(&node) {
                let text = self.object_text(Some(object));
                self.add(tree.span(node), 'U', &text);
            }
            // The tables are looked up node by node, so that their own order does not matter.
            if let Some(&object) = facts.implicits.get(&node) {
                let text = self.object_text(Some(object));
                self.add(tree.span(node), 'I', &text);
            }
            if let Some(selection) = facts.selections.get(&node) {
                let kind = match selection.kind {
                    SelectionKind::FieldValue => 0,
                    SelectionKind::MethodValue => 1,
                    SelectionKind::MethodExpression => 2,
                };
                let index: Vec<String> = selection.index.iter().map(u32::to_string).collect();
                let selected = match selection.kind {
                    SelectionKind::MethodExpression => self.world.method_expression(
                        selection.object,
                        selection.receiver,
                        self.world.object(selection.object).receiver_name(),
                    ),
                    // That of the selector itself is without type parameters where they are inferred.
                    _ => self.world.object_type(selection.object),
                };
                let text = format!(
                    "{kind} [{}] {} {} {}",
                    index.join(" "),
                    selection.indirect,
                    self.type_text(selection.receiver),
                    self.type_text(selected)
                );
                self.add(tree.span(node), 'S', &text);
            }
            if let Some(instance) = facts.instances.get(&node) {
                let text = self.type_text(instance.instance_type);
                self.add(tree.span(node), 'G', &text);
            }
        }
        for one in &facts.synthetic_ones {
            let value = match self.world.is_complex(one.one_type) {
                true => "(1 + 0i)",
                false => "1",
            };
            let text = format!("const={value}\t{}", self.type_text(one.one_type));
            self.add(one.span, 'T', &text);
        }
        for &(end, interface) in &facts.implied_interfaces {
            // go/types makes this interface up, without a place to begin at.
            let text = self.type_text(interface);
            self.lines.push(format!(".:0-{end}\tT\ttype\t{text}"));
        }
    }
}
