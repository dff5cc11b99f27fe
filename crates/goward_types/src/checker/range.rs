//! Range clauses.
//!
//! Source: `go/types/range.go`.

use goward_syntax::{ChannelDirection, NodeId, RangeOperator};

use crate::checker::{Checker, Mode, Operand};
use crate::ids::TypeId;
use crate::object::{ObjectKind, VariableKind};
use crate::types::Type;

/// The types of the iteration variables; none where there is no such variable.
type IterationTypes = (Option<TypeId>, Option<TypeId>);

impl<'w> Checker<'w> {
    pub(crate) fn range_stmt(
        &mut self,
        key: Option<NodeId>,
        value: Option<NodeId>,
        operator: RangeOperator,
        operand: NodeId,
        body: NodeId,
        operator_offset: u32,
    ) {
        let world = self.world;
        let mut x = Operand::default();
        self.expr(None, &mut x, operand);
        let mut types: IterationTypes = (None, None);
        if !x.is_invalid() {
            match self.range_key_value(x.operand_type) {
                Ok(found) => {
                    types = found;
                    if let (None, Some(node)) = (types.0, key) {
                        self.soft_error(node, "range permits no iteration variables");
                    } else if let (None, Some(node)) = (types.1, value) {
                        self.soft_error(node, "range permits only one iteration variable");
                    }
                }
                Err(cause) => {
                    if world.underlying(x.operand_type).is_known() {
                        self.soft_error(
                            operand,
                            format!("cannot range over this operand: {cause}"),
                        );
                    }
                    types = (Some(TypeId::UNKNOWN), Some(TypeId::UNKNOWN));
                }
            }
        }
        self.open_scope();
        let over_integer = world.is_integer(x.operand_type);
        let variables = [(key, types.0), (value, types.1)];
        match operator {
            RangeOperator::Define => {
                self.range_define(&mut x, variables, over_integer, operator_offset)
            }
            _ if key.is_some() => {
                for (node, iteration_type) in variables {
                    let (Some(node), Some(iteration_type)) = (node, iteration_type) else {
                        continue;
                    };
                    if !iteration_type.is_known() {
                        continue;
                    }
                    if over_integer {
                        self.assign_var(node, None, Some(&mut x), "range clause");
                        if !x.is_invalid() && !world.is_integer(x.operand_type) {
                            self.soft_error(node, "the iteration variable is not of integer type");
                        }
                    } else {
                        let mut y = iteration_value(node, iteration_type);
                        self.assign_var(node, None, Some(&mut y), "assignment");
                    }
                }
            }
            _ if over_integer => self.assignment(&mut x, None, "range clause"),
            _ => {}
        }
        self.stmt(body);
        self.close_scope();
    }

    fn range_define(
        &mut self,
        x: &mut Operand,
        variables: [(Option<NodeId>, Option<TypeId>); 2],
        over_integer: bool,
        operator_offset: u32,
    ) {
        let world = self.world;
        let mut declared = Vec::with_capacity(2);
        for (node, iteration_type) in variables {
            let Some(node) = node else { continue };
            let object = if self.tree().is_identifier(node) {
                let object = self.new_local(ObjectKind::Variable(VariableKind::Local), node);
                self.record_definition(node, Some(object));
                if !self.symbol(node).is_blank() {
                    declared.push(object);
                }
                object
            } else {
                self.error(node, "cannot declare this expression");
                let blank = goward_syntax::Symbol::intern("_");
                world.new_variable(VariableKind::Local, blank, Some(self.package), (0, 0), None)
            };
            match iteration_type {
                Some(known) if known.is_known() => {
                    if over_integer {
                        self.init_var(object, x, "range clause");
                    } else {
                        let mut y = iteration_value(node, known);
                        self.init_var(object, &mut y, "assignment");
                    }
                }
                _ => world.object(object).set_type(TypeId::UNKNOWN),
            }
        }
        if declared.is_empty() {
            let place = goward_diagnostics::Span::new(operator_offset, operator_offset + 2);
            self.error_at(place, "no new variables on left side of :=");
        }
        for object in declared {
            self.declare(self.environment.scope, None, object);
        }
    }

    /// The types of key and value when ranging over `original`.
    fn range_key_value(&mut self, original: TypeId) -> Result<IterationTypes, &'static str> {
        let world = self.world;
        let common = world.common_under_where(original, |under| {
            !matches!(
                world.get(under),
                Type::Channel {
                    direction: ChannelDirection::Send,
                    ..
                }
            )
        });
        let Some(common) = common else {
            return Err("no common type, or a send-only channel");
        };
        let mut ranged = common;
        if let Type::Pointer { base } = world.get(common) {
            let base = world.underlying(base);
            if matches!(world.get(base), Type::Array { .. }) {
                ranged = base;
            }
        }
        match world.get(ranged) {
            Type::Basic(_) if world.is_string(ranged) => {
                Ok((Some(TypeId::INT), Some(TypeId::RUNE)))
            }
            Type::Basic(_) if world.is_integer(ranged) => {
                if !self.environment.version.allows(22) {
                    return Err("requires go1.22 or later");
                }
                Ok((Some(original), None))
            }
            Type::Array { element, .. } | Type::Slice { element } => {
                Ok((Some(TypeId::INT), Some(element)))
            }
            Type::Map { key, element } => Ok((Some(key), Some(element))),
            Type::Channel { element, .. } => Ok((Some(element), None)),
            Type::Signature(signature) => {
                if !self.environment.version.allows(23) {
                    return Err("requires go1.23 or later");
                }
                let [yield_function] = world.tuple(signature.parameters) else {
                    return Err("the function must have one parameter");
                };
                if !world.tuple(signature.results).is_empty() {
                    return Err("the function must have no results");
                }
                let callback = world.common_under(yield_function.parameter_type);
                let Some(Type::Signature(callback)) = callback.map(|callback| world.get(callback))
                else {
                    return Err("the parameter must be a function");
                };
                let parameters = world.tuple(callback.parameters);
                let results = world.tuple(callback.results);
                if parameters.len() > 2 {
                    return Err("the yield function has too many parameters");
                }
                match results {
                    [result] if world.identical(result.parameter_type, TypeId::BOOL) => {}
                    _ => return Err("the yield function must return bool"),
                }
                let parameter = |index: usize| {
                    parameters
                        .get(index)
                        .map(|parameter| parameter.parameter_type)
                };
                Ok((parameter(0), parameter(1)))
            }
            _ => Err("this type has no elements"),
        }
    }
}

/// The value of an iteration variable, standing at the variable itself.
fn iteration_value(node: NodeId, iteration_type: TypeId) -> Operand {
    Operand {
        mode: Mode::Value,
        expression: Some(node),
        operand_type: iteration_type,
        ..Operand::default()
    }
}
