//! What calls do to the maps that they can reach.

use goward_syntax::{Expression, NodeId, NodeKind, Symbol, UnaryOperator};
use goward_types::{ObjectKind, SelectionKind, TypeId, TypeKind, VariableKind};

use crate::calls::{Callee, callee, unparenthesized};
use crate::nilness::place::Element;
use crate::nilness::transfer::{MapNilness, State};
use crate::nilness::{Fact, NilReason, Nilness, Place};

impl MapNilness<'_> {
    /// What a call may do to places: those reached from its arguments and receiver.
    pub(super) fn call_effects(&self, state: &mut State, call: NodeId) {
        let tree = self.file.tree;
        let world = self.world();
        let Expression::Call {
            function,
            arguments,
            ..
        } = tree.expression(call)
        else {
            return;
        };
        let target = callee(world, self.file, function);
        match target {
            Callee::Builtin(
                "delete" | "len" | "cap" | "clear" | "make" | "panic" | "print" | "println"
                | "copy" | "new" | "min" | "max",
            )
            | Callee::Conversion => return,
            _ => {}
        }
        let mut decoded = Vec::new();
        // A map passed to a function that writes it comes back not nil (or the function panicked).
        for &argument in arguments {
            let argument = unparenthesized(self.file, argument);
            match tree.expression(argument) {
                Expression::Unary {
                    operator: UnaryOperator::Address,
                    operand,
                } => {
                    if let Some(place) = self.place(operand) {
                        decoded.extend(self.left_by_decoding(state, &place, target, arguments));
                        state.forget(&place);
                    }
                }
                // A local pointer is the address that it holds.
                _ if self.pointee_of(argument).is_some() => {
                    if let Some(place) = self.place(argument) {
                        decoded.extend(self.left_by_decoding(state, &place, target, arguments));
                        state.forget(&place);
                    }
                }
                // `once.Do(x.init)`: whoever calls the method may set fields of `x`.
                Expression::Selector { operand, .. } if self.is_method_value(argument) => {
                    if let Some(place) = self.place(operand) {
                        state.forget_below(&place);
                    }
                }
                _ => {
                    if let Some(place) = self.place(argument)
                        && self.shares_memory(self.file.facts.type_of(argument))
                    {
                        decoded.extend(self.left_by_decoding(state, &place, target, arguments));
                        state.forget_below(&place);
                    }
                }
            }
        }
        for (place, reason) in decoded {
            let fact = Fact {
                nilness: Nilness::Maybe,
                reason,
                made: call,
            };
            state.set(place, fact);
        }
        let function = unparenthesized(self.file, function);
        // `labels.init()` with a pointer receiver may give the variable a map.
        if let Callee::Function(object) = target
            && world.object(object).has_pointer_receiver()
            && let Expression::Selector { operand, .. } = tree.expression(function)
            && let Some(place) = self.place(operand)
            && (self.is_map_node(operand) || self.pointee_of(operand).is_some())
        {
            state.forget(&place);
        }
        // What looks like the end of the test or the process, by its name.
        let name = match tree.expression(function) {
            Expression::Selector { name, .. } => tree.symbol(name).as_str(),
            Expression::Identifier => tree.symbol(function).as_str(),
            _ => "",
        };
        let name = name.to_ascii_lowercase();
        let ends = [
            "fail", "fatal", "panic", "exit", "abort", "must", "require", "assert", "skip",
        ];
        if ends.iter().any(|word| name.contains(word)) {
            let told = std::mem::take(&mut state.told);
            state.facts.retain(|(place, fact)| {
                let mut told = told.iter();
                !told.any(|(_, known, from)| known == place && from.made == fact.made)
            });
            state.told = told;
        }
        if let Expression::Selector { operand, .. } = tree.expression(function)
            && let Some(place) = self.place(operand)
            && !self.is_map_node(operand)
        {
            state.forget_below(&place);
        }
        // Package variables, and fields of anything that others have too, may change in any call.
        state.facts.retain(|(place, fact)| {
            let kind = world.object(place.root).kind;
            let shared = match kind {
                ObjectKind::Variable(VariableKind::Package) => true,
                ObjectKind::Variable(VariableKind::Receiver | VariableKind::Parameter) => {
                    !place.elements.is_empty() && self.shares_memory(world.object_type(place.root))
                }
                _ => false,
            };
            !shared || fact.nilness == Nilness::NonNil
        });
    }

    fn is_method_value(&self, node: NodeId) -> bool {
        let selection = self.file.facts.selections.get(&node);
        selection.is_some_and(|known| known.kind == SelectionKind::MethodValue)
    }

    /// The places that may be nil once a function that was given the address of `place` has decoded JSON:
    /// `null` makes a map nil, and what the text does not name stays as it was.
    fn left_by_decoding(
        &self,
        state: &State,
        place: &Place,
        target: Callee<'_>,
        arguments: &[NodeId],
    ) -> Vec<(Place, NilReason)> {
        if !self.decodes_json(target) || self.file.test || self.is_written_here(arguments) {
            return Vec::new();
        }
        let nil = |fact: &Fact| matches!(fact.nilness, Nilness::Nil | Nilness::Maybe);
        let known = state.facts.iter().filter(|(known, fact)| {
            known == place || nil(fact) && known.starts_with(place) && self.is_plain(known)
        });
        let reason = |known: &Place| match known == place {
            true => NilReason::Decoded,
            false => NilReason::NotDecoded,
        };
        known
            .map(|(known, _)| (known.clone(), reason(known)))
            .collect()
    }

    /// Whether the text that is decoded is a literal, or made by the same function out of a value: then its
    /// author knows what it holds.
    fn is_written_here(&self, arguments: &[NodeId]) -> bool {
        let tree = self.file.tree;
        let at = arguments
            .first()
            .map_or(u32::MAX, |&data| tree.span(data).start);
        let encodes = self.unit.nodes.iter().any(|&(node, _)| {
            tree.kind(node) == NodeKind::CallExpr
                && tree.span(node).start < at
                && matches!(tree.expression(node), Expression::Call { function, .. }
                    if self.is_of_json(callee(self.world(), self.file, function), &["Marshal", "MarshalIndent", "Encode"]))
        });
        if encodes {
            return true;
        }
        arguments.first().is_some_and(|&data| {
            tree.preorder(data).any(|node| {
                tree.kind(node) != NodeKind::FuncLit
                    && self
                        .file
                        .facts
                        .get(node)
                        .is_some_and(|fact| fact.value.is_some())
            })
        })
    }

    /// Whether a place is reached through fields only, none of which lies in a value that decodes itself.
    fn is_plain(&self, place: &Place) -> bool {
        let world = self.world();
        let decodes_itself = |id: TypeId| {
            let name = Symbol::intern("UnmarshalJSON");
            world
                .lookup_field_or_method(id, true, None, name)
                .object
                .is_some()
        };
        let mut holder = world.object_type(place.root);
        place.elements.iter().all(|element| {
            let Element::Field(field) = element else {
                return false;
            };
            let plain = holder.is_known() && !decodes_itself(holder);
            holder = world.object_type(*field);
            plain
        }) && !decodes_itself(holder)
    }

    /// Whether a call decodes JSON into its last argument.
    fn decodes_json(&self, target: Callee<'_>) -> bool {
        self.is_of_json(target, &["Unmarshal", "Decode"])
    }

    /// Whether a function or method of one of these names of package encoding/json is called.
    fn is_of_json(&self, target: Callee<'_>, names: &[&str]) -> bool {
        let Callee::Function(object) = target else {
            return false;
        };
        let object = self.world().object(object);
        let package = object.package;
        names.contains(&object.name.as_str())
            && package.is_some_and(|package| {
                self.world().package(package).path.as_str() == "encoding/json"
            })
    }

    /// Whether a value of this type gives access to memory that its owner sees too.
    pub(super) fn shares_memory(&self, id: TypeId) -> bool {
        matches!(
            self.world().underlying(id).kind(),
            TypeKind::Pointer
                | TypeKind::Interface
                | TypeKind::Slice
                | TypeKind::Signature
                | TypeKind::Channel
        ) || !self.world().underlying(id).is_known()
    }
}
