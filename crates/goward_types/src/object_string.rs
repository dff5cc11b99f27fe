//! Objects as text, as go/types writes them.
//!
//! Source: `go/types/object.go`.

use crate::ids::{ObjectId, PackageId, TypeId, TypeKind};
use crate::object::{ObjectKind, VariableKind};
use crate::type_string::{Qualifier, TypeWriter};
use crate::types::Type;
use crate::world::World;

impl World {
    /// An object as text: what it is, its name and its type; the same as `types.ObjectString`.
    pub fn object_string(&self, id: ObjectId, qualifier: Qualifier<'_>) -> String {
        let mut text = String::new();
        self.write_object(&mut text, id, qualifier);
        text
    }

    /// Appends an object as text to `text`.
    pub fn write_object(&self, text: &mut String, id: ObjectId, qualifier: Qualifier<'_>) {
        let object = self.object(id);
        let mut object_type = Some(self.object_type(id));
        match object.kind {
            ObjectKind::PackageName => {
                text.push_str("package ");
                text.push_str(object.name.as_str());
                let path = self.package(object.imported()).path;
                if !path.as_str().is_empty() && path != object.name {
                    text.push_str(" (\"");
                    text.push_str(path.as_str());
                    text.push_str("\")");
                }
                return;
            }
            ObjectKind::Constant => text.push_str("const"),
            ObjectKind::TypeName => {
                text.push_str("type");
                if object_type.is_some_and(|id| self.is_type_parameter(id)) {
                    text.push_str(" parameter");
                }
            }
            ObjectKind::Variable(VariableKind::Field) => text.push_str("field"),
            ObjectKind::Variable(_) => text.push_str("var"),
            ObjectKind::Function => {
                text.push_str("func ");
                self.write_function_name(text, id, qualifier);
                self.write_signature(text, self.object_type(id), qualifier);
                return;
            }
            ObjectKind::Label => {
                text.push_str("label");
                object_type = None;
            }
            ObjectKind::Builtin => {
                text.push_str("builtin");
                object_type = None;
            }
            ObjectKind::Nil => {
                text.push_str("nil");
                return;
            }
        }
        text.push(' ');
        if object.is_package_level() && !object.name.is_blank() {
            self.write_package_prefix(text, object.package, qualifier);
        }
        text.push_str(object.name.as_str());
        let Some(mut shown) = object_type else {
            return;
        };
        if object.kind == ObjectKind::TypeName {
            match self.get(shown) {
                Type::Basic(_) => return,
                Type::Named(_) | Type::Alias(_) => {
                    let list = self.type_parameters(shown);
                    if !list.is_empty() {
                        TypeWriter::new(self, text, qualifier).type_parameter_list(list);
                    }
                }
                _ => {}
            }
            if self.is_alias_name(id) {
                text.push_str(" =");
                if let Type::Alias(alias) = self.get(shown) {
                    shown = alias.right_hand_side.get().unwrap_or(TypeId::UNKNOWN);
                }
            } else if shown.kind() == TypeKind::TypeParameter {
                shown = self.bound(shown);
            } else {
                shown = self.underlying(shown);
            }
        }
        text.push(' ');
        // `type any = any` would say nothing.
        if self.universe().lookup(object.name) == Some(id) && object.name.as_str() == "any" {
            text.push_str("interface{}");
            return;
        }
        self.write_type(text, shown, qualifier);
    }

    /// Whether a type name stands for a type with another name or none.
    pub fn is_alias_name(&self, id: ObjectId) -> bool {
        let object = self.object(id);
        let Some(object_type) = object.raw_type() else {
            return false;
        };
        match self.get(object_type) {
            Type::Basic(_) => {
                object.package != Some(PackageId::UNSAFE)
                    && (object.package.is_some()
                        || object_type.basic_name() != object.name.as_str()
                        || object_type == TypeId::BYTE
                        || object_type == TypeId::RUNE)
            }
            Type::Named(named) => named.object != id,
            Type::TypeParameter(parameter) => parameter.object != id,
            _ => true,
        }
    }

    /// The name of a function as go/types writes it: with its package or receiver.
    pub fn function_name(&self, id: ObjectId, qualifier: Qualifier<'_>) -> String {
        let mut text = String::new();
        self.write_function_name(&mut text, id, qualifier);
        text
    }

    fn write_function_name(&self, text: &mut String, id: ObjectId, qualifier: Qualifier<'_>) {
        let function = self.object(id);
        match function.receiver() {
            Some(receiver) if receiver.kind() == TypeKind::Interface => {
                text.push_str("(interface).");
            }
            Some(receiver) => {
                text.push('(');
                self.write_type(text, receiver, qualifier);
                text.push_str(").");
            }
            None => self.write_package_prefix(text, function.package, qualifier),
        }
        text.push_str(function.name.as_str());
    }
}
