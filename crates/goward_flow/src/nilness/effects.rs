//! What calls do to the maps that they can reach.

use goward_syntax::{Expression, NodeId, UnaryOperator};
use goward_types::{ObjectKind, SelectionKind, TypeId, TypeKind, VariableKind};

use crate::calls::{Callee, callee, unparenthesized};
use crate::nilness::transfer::{MapNilness, State};
use crate::nilness::{Fact, NilReason, Nilness};

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
        // A map passed to a function that writes it comes back not nil (or the function panicked).
        for &argument in arguments {
            let argument = unparenthesized(self.file, argument);
            match tree.expression(argument) {
                Expression::Unary {
                    operator: UnaryOperator::Address,
                    operand,
                } => {
                    if let Some(place) = self.place(operand) {
                        let known = state.get(&place);
                        state.forget(&place);
                        let decoded = known.filter(|_| self.decodes_json(target));
                        if decoded.is_some() && self.is_map_node(operand) {
                            let fact = Fact {
                                nilness: Nilness::Maybe,
                                reason: NilReason::Decoded,
                                made: call,
                            };
                            state.set(place, fact);
                        }
                    }
                }
                // A local pointer is the address that it holds.
                _ if self.pointee_of(argument).is_some() => {
                    if let Some(place) = self.place(argument) {
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
                        state.forget_below(&place);
                    }
                }
            }
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

    /// Whether a call decodes JSON into its last argument.
    fn decodes_json(&self, target: Callee<'_>) -> bool {
        let Callee::Function(object) = target else {
            return false;
        };
        let object = self.world().object(object);
        let package = object.package;
        matches!(object.name.as_str(), "Unmarshal" | "Decode")
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
