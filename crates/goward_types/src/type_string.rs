//! Types as text, as go/types writes them.
//!
//! Source: `go/types/typestring.go`.

use std::fmt::Write as _;

use goward_syntax::{ChannelDirection, Symbol};

use crate::ids::{ObjectId, PackageId, TypeId};
use crate::types::{Interface, Signature, StructType, Type};
use crate::world::World;

/// Says what to write before the names of a package's objects; nothing for the empty name.
pub type Qualifier<'q> = &'q dyn Fn(PackageId) -> Symbol;

impl World {
    /// A type as text. `qualifier` gives the prefix of names; with paths as prefixes this is what
    /// `types.TypeString` gives.
    pub fn type_string(&self, id: TypeId, qualifier: Qualifier<'_>) -> String {
        let mut text = String::new();
        self.write_type(&mut text, id, qualifier);
        text
    }

    /// Appends a type as text to `text`.
    pub fn write_type(&self, text: &mut String, id: TypeId, qualifier: Qualifier<'_>) {
        TypeWriter::new(self, text, qualifier).typ(id);
    }

    /// Appends a function type as text to `text`, without the word `func`.
    pub fn write_signature(&self, text: &mut String, id: TypeId, qualifier: Qualifier<'_>) {
        if let Some(signature) = self.as_signature(id) {
            TypeWriter::new(self, text, qualifier).signature(signature);
        }
    }

    /// A type as text with whole package paths.
    pub fn type_text(&self, id: TypeId) -> String {
        self.type_string(id, &|package| self.package(package).path)
    }

    /// A type as text as seen from `package`: its own names are written without a prefix.
    pub fn type_text_in(&self, id: TypeId, package: PackageId) -> String {
        self.type_string(id, &self.relative_to(package))
    }

    /// A qualifier that writes whole paths, but nothing for `package` itself.
    pub fn relative_to(&self, package: PackageId) -> impl Fn(PackageId) -> Symbol {
        move |other| match other == package {
            true => Symbol::EMPTY,
            false => self.package(other).path,
        }
    }

    /// The prefix of the names of a package's objects, with the dot.
    pub(crate) fn write_package_prefix(
        &self,
        text: &mut String,
        package: Option<PackageId>,
        qualifier: Qualifier<'_>,
    ) {
        let prefix = package.map_or(Symbol::EMPTY, qualifier);
        if prefix != Symbol::EMPTY {
            text.push_str(prefix.as_str());
            text.push('.');
        }
    }
}

pub(crate) struct TypeWriter<'w, 't> {
    world: &'w World,
    text: &'t mut String,
    /// The types that are being written.
    seen: Vec<TypeId>,
    qualifier: Qualifier<'t>,
}

impl<'w, 't> TypeWriter<'w, 't> {
    pub(crate) fn new(
        world: &'w World,
        text: &'t mut String,
        qualifier: Qualifier<'t>,
    ) -> TypeWriter<'w, 't> {
        TypeWriter {
            world,
            text,
            seen: Vec::new(),
            qualifier,
        }
    }

    pub(crate) fn typ(&mut self, id: TypeId) {
        if self.seen.contains(&id) {
            let kind = format!("{:?}", id.kind());
            let _ = write!(self.text, "<cycle to *{kind}>");
            return;
        }
        self.seen.push(id);
        self.form(id);
        self.seen.pop();
    }

    fn form(&mut self, id: TypeId) {
        let world = self.world;
        match world.get(id) {
            Type::Basic(_) => {
                if id == TypeId::UNSAFE_POINTER {
                    self.package_prefix(Some(PackageId::UNSAFE));
                }
                self.text.push_str(id.basic_name());
            }
            Type::Array { length, element } => {
                let _ = write!(self.text, "[{length}]");
                self.typ(element);
            }
            Type::Slice { element } => {
                self.text.push_str("[]");
                self.typ(element);
            }
            Type::Struct(structure) => self.structure(structure),
            Type::Pointer { base } => {
                self.text.push('*');
                self.typ(base);
            }
            Type::Tuple(_) => self.tuple(id, false),
            Type::Signature(signature) => {
                self.text.push_str("func");
                self.signature(signature);
            }
            Type::Union(terms) => {
                if terms.is_empty() {
                    self.text.push_str("<empty union>");
                }
                for (index, term) in terms.iter().enumerate() {
                    if index > 0 {
                        self.text.push_str(" | ");
                    }
                    if term.tilde {
                        self.text.push('~');
                    }
                    self.typ(term.term_type);
                }
            }
            Type::Interface(interface) => self.interface(id, interface),
            Type::Map { key, element } => {
                self.text.push_str("map[");
                self.typ(key);
                self.text.push(']');
                self.typ(element);
            }
            Type::Channel { direction, element } => {
                let (prefix, parentheses) = match direction {
                    ChannelDirection::Both => (
                        "chan ",
                        matches!(
                            world.get(element),
                            Type::Channel {
                                direction: ChannelDirection::Receive,
                                ..
                            }
                        ),
                    ),
                    ChannelDirection::Send => ("chan<- ", false),
                    ChannelDirection::Receive => ("<-chan ", false),
                };
                self.text.push_str(prefix);
                if parentheses {
                    self.text.push('(');
                }
                self.typ(element);
                if parentheses {
                    self.text.push(')');
                }
            }
            Type::Named(named) => {
                self.object_name(named.object);
                if named.arguments.is_empty() {
                    self.type_parameters_of(id);
                } else {
                    self.type_list(&named.arguments);
                }
            }
            Type::TypeParameter(parameter) => {
                let name = world.object(parameter.object).name;
                self.text.push_str(name.as_str());
                // A name that is predeclared would mislead.
                if world.universe().lookup(name).is_some() {
                    self.text.push_str("/* type parameter */");
                }
            }
            Type::Alias(alias) => {
                self.object_name(alias.object);
                if alias.arguments.is_empty() {
                    self.type_parameters_of(id);
                } else {
                    self.type_list(&alias.arguments);
                }
            }
        }
    }

    fn structure(&mut self, structure: &StructType) {
        let world = self.world;
        self.text.push_str("struct{");
        for (index, &field) in structure.fields.iter().enumerate() {
            if index > 0 {
                self.text.push_str("; ");
            }
            let object = world.object(field);
            if !object.is_embedded() {
                self.text.push_str(object.name.as_str());
                self.text.push(' ');
            }
            self.typ(world.object_type(field));
            let tag = structure.tag(index);
            if !tag.is_empty() {
                self.text.push(' ');
                quote(self.text, tag);
            }
        }
        self.text.push('}');
    }

    fn interface(&mut self, id: TypeId, interface: &Interface) {
        let world = self.world;
        let universe = world.universe();
        if id == universe.empty_interface {
            self.text.push_str("any");
            return;
        }
        if id == world.underlying(universe.comparable) {
            self.text.push_str("interface{comparable}");
            return;
        }
        if interface.is_implicit() {
            if let ([], [embedded]) = (&*interface.methods, &*interface.embeddeds) {
                self.typ(*embedded);
                return;
            }
            self.text.push_str("/* implicit */ ");
        }
        self.text.push_str("interface{");
        let mut separator = "";
        for &method in &interface.methods {
            self.text.push_str(separator);
            separator = "; ";
            self.text.push_str(world.object(method).name.as_str());
            if let Some(signature) = world.as_signature(world.object_type(method)) {
                self.signature(signature);
            }
        }
        for &embedded in &interface.embeddeds {
            self.text.push_str(separator);
            separator = "; ";
            self.typ(embedded);
        }
        self.text.push('}');
    }

    fn type_list(&mut self, list: &[TypeId]) {
        self.text.push('[');
        for (index, &id) in list.iter().enumerate() {
            if index > 0 {
                self.text.push_str(", ");
            }
            self.typ(id);
        }
        self.text.push(']');
    }

    fn type_parameters_of(&mut self, id: TypeId) {
        let list = self.world.type_parameters(id);
        if !list.is_empty() {
            self.type_parameter_list(list);
        }
    }

    /// Declared type parameters with their bounds; equal bounds are written once.
    pub(crate) fn type_parameter_list(&mut self, list: &[TypeId]) {
        self.text.push('[');
        let mut previous = None;
        for (index, &parameter) in list.iter().enumerate() {
            let bound = self.world.bound(parameter);
            if index > 0 {
                if let Some(previous) = previous.filter(|&previous| previous != bound) {
                    self.text.push(' ');
                    self.typ(previous);
                }
                self.text.push_str(", ");
            }
            previous = Some(bound);
            self.typ(parameter);
        }
        if let Some(previous) = previous {
            self.text.push(' ');
            self.typ(previous);
        }
        self.text.push(']');
    }

    fn package_prefix(&mut self, package: Option<PackageId>) {
        self.world
            .write_package_prefix(self.text, package, self.qualifier);
    }

    fn object_name(&mut self, id: ObjectId) {
        let object = self.world.object(id);
        self.package_prefix(object.package);
        self.text.push_str(object.name.as_str());
    }

    fn tuple(&mut self, id: TypeId, variadic: bool) {
        let world = self.world;
        let parameters = world.tuple(id);
        self.text.push('(');
        for (index, parameter) in parameters.iter().enumerate() {
            if index > 0 {
                self.text.push_str(", ");
            }
            if parameter.name != Symbol::EMPTY {
                self.text.push_str(parameter.name.as_str());
                self.text.push(' ');
            }
            if variadic && index + 1 == parameters.len() {
                match world.get(parameter.parameter_type) {
                    Type::Slice { element } => {
                        self.text.push_str("...");
                        self.typ(element);
                    }
                    // `append(bytes, string...)`
                    _ => {
                        self.typ(parameter.parameter_type);
                        self.text.push_str("...");
                    }
                }
            } else {
                self.typ(parameter.parameter_type);
            }
        }
        self.text.push(')');
    }

    pub(crate) fn signature(&mut self, signature: &Signature) {
        if !signature.type_parameters.is_empty() {
            self.type_parameter_list(&signature.type_parameters);
        }
        self.tuple(signature.parameters, signature.variadic);
        match self.world.tuple(signature.results) {
            [] => {}
            [result] if result.name == Symbol::EMPTY => {
                self.text.push(' ');
                self.typ(result.parameter_type);
            }
            _ => {
                self.text.push(' ');
                self.tuple(signature.results, false);
            }
        }
    }
}

/// Writes a string as a Go string literal, as `strconv.Quote` does.
fn quote(text: &mut String, string: &str) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{7}' => text.push_str("\\a"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{b}' => text.push_str("\\v"),
            ' '..='~' => text.push(character),
            '\0'..='\u{7f}' => {
                let _ = write!(text, "\\x{:02x}", u32::from(character));
            }
            _ if is_printable(character) => text.push(character),
            '\u{10000}'.. => {
                let _ = write!(text, "\\U{:08x}", u32::from(character));
            }
            _ => {
                let _ = write!(text, "\\u{:04x}", u32::from(character));
            }
        }
    }
    text.push('"');
}

/// Whether a character that is not ASCII is shown as it is. Marks, which Rust would escape, are.
fn is_printable(character: char) -> bool {
    character.is_alphanumeric() || character.escape_debug().len() == 1
}
