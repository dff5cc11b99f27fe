//! Initialisation and assignment.
//!
//! Source: `go/types/assignments.go`.

use goward_syntax::{Expression, NodeId};

use crate::checker::{Checker, Mode, Operand, Target};
use crate::ids::{ObjectId, TypeId, TypeKind};
use crate::object::{ObjectKind, VariableKind};

impl<'w> Checker<'w> {
    /// The target of an assignment to a variable of this type: only functions are targets.
    pub(crate) fn new_target(&self, target: Option<TypeId>) -> Option<Target> {
        let signature = self.world.common_under(target?)?;
        (signature.kind() == TypeKind::Signature).then_some(Target { signature })
    }

    /// Reports whether `x` may be assigned to a variable of type `target` (any, if none), after
    /// converting an untyped `x` to it or to its default type. `x` is invalid afterwards if not.
    pub(crate) fn assignment(&mut self, x: &mut Operand, target: Option<TypeId>, context: &str) {
        let world = self.world;
        self.single_value(x);
        match x.mode {
            Mode::Invalid => return,
            Mode::Constant
            | Mode::Variable
            | Mode::MapIndex
            | Mode::Value
            | Mode::CommaOk
            | Mode::CommaError => {}
            _ => {
                self.error(x.node(), format!("cannot be used in {context}"));
                x.invalidate();
                return;
            }
        }
        if x.operand_type.is_untyped() {
            let mut goal = target.unwrap_or(TypeId::UNKNOWN);
            if target.is_none_or(|target| world.is_non_type_parameter_interface(target)) {
                if target.is_none() && x.operand_type == TypeId::UNTYPED_NIL {
                    self.error(x.node(), format!("use of untyped nil in {context}"));
                    x.invalidate();
                    return;
                }
                goal = world.default_type(x.operand_type);
            }
            match self.implicit_type_and_value(x, goal) {
                Err(_) => {
                    if world.underlying(goal).is_known() {
                        let wanted = world.type_text_in(goal, self.package);
                        self.error(
                            x.node(),
                            format!("cannot use as {wanted} value in {context}"),
                        );
                    }
                    x.invalidate();
                    return;
                }
                Ok((new_type, value)) => {
                    if let Some(value) = value {
                        self.update_expr_val(x.expression, &value);
                        x.value = value;
                    }
                    if new_type != x.operand_type {
                        x.operand_type = new_type;
                        self.update_expr_type(x.expression, new_type, false);
                    }
                }
            }
        }
        self.non_generic(self.new_target(target), x);
        if x.is_invalid() {
            return;
        }
        let Some(target) = target else { return };
        if !self.assignable_to(x, target) {
            let wanted = world.type_text_in(target, self.package);
            let given = world.type_text_in(x.operand_type, self.package);
            self.error(
                x.node(),
                format!("cannot use value of type {given} as {wanted} in {context}"),
            );
            x.invalidate();
        }
    }

    pub(crate) fn init_var(&mut self, left: ObjectId, x: &mut Operand, context: &str) {
        let entry = self.world.object(left);
        let declared = entry.raw_type();
        if x.is_invalid() || !x.operand_type.is_known() || declared == Some(TypeId::UNKNOWN) {
            if declared.is_none() {
                entry.set_type(TypeId::UNKNOWN);
            }
            x.invalidate();
            return;
        }
        let target = declared.unwrap_or_else(|| {
            let mut inferred = x.operand_type;
            if inferred.is_untyped() {
                if inferred == TypeId::UNTYPED_NIL {
                    self.error(x.node(), format!("use of untyped nil in {context}"));
                    x.invalidate();
                    inferred = TypeId::UNKNOWN;
                } else {
                    inferred = self.world.default_type(inferred);
                }
            }
            entry.set_type(inferred);
            inferred
        });
        if !x.is_invalid() {
            self.assignment(x, Some(target), context);
        }
    }

    /// The type of the left side of an assignment: `None` for the blank identifier.
    fn lhs_var(&mut self, left: NodeId) -> Option<TypeId> {
        let identifier = self.unparen(left);
        if self.tree().is_identifier(identifier) && self.symbol(identifier).is_blank() {
            self.record_definition(identifier, None);
            return None;
        }
        let mut x = Operand::default();
        self.expr(None, &mut x, left);
        if x.is_invalid() || !x.operand_type.is_known() {
            return Some(TypeId::UNKNOWN);
        }
        match x.mode {
            Mode::Variable | Mode::MapIndex => {}
            _ => {
                if let Expression::Selector { operand, .. } = self.tree().expression(x.node()) {
                    let mut inner = Operand::default();
                    self.expr(None, &mut inner, operand);
                }
                self.error(left, "cannot assign to this expression");
                return Some(TypeId::UNKNOWN);
            }
        }
        Some(x.operand_type)
    }

    /// Assigns `right`, or else the operand `x`, to `left`.
    pub(crate) fn assign_var(
        &mut self,
        left: NodeId,
        right: Option<NodeId>,
        x: Option<&mut Operand>,
        context: &str,
    ) {
        let target = self.lhs_var(left);
        if target.is_some_and(|target| !self.world.unalias(target).is_known()) {
            match (x, right) {
                (Some(x), _) => x.invalidate(),
                (None, Some(right)) => drop(self.use_exprs(&[right])),
                (None, None) => {}
            }
            return;
        }
        match (x, right) {
            (Some(x), _) => self.assignment(x, target, context),
            (None, Some(right)) => {
                let mut x = Operand::default();
                let expected = self.new_target(target);
                self.expr(expected, &mut x, right);
                self.assignment(&mut x, target, context);
            }
            (None, None) => {}
        }
    }

    fn is_call(&self, nodes: &[NodeId]) -> bool {
        match nodes {
            [only] => matches!(
                self.tree().expression(self.unparen(*only)),
                Expression::Call { .. }
            ),
            _ => false,
        }
    }

    fn mismatch_error(&mut self, right: &[NodeId], return_stmt: Option<NodeId>) {
        match (return_stmt, right.first()) {
            (Some(statement), _) => self.error(statement, "wrong number of return values"),
            (None, Some(&first)) => self.error(first, "assignment mismatch"),
            (None, None) => {}
        }
    }

    fn forget(&mut self, variables: &[ObjectId]) {
        for &variable in variables {
            let entry = self.world.object(variable);
            if entry.raw_type().is_none() {
                entry.set_type(TypeId::UNKNOWN);
            }
        }
    }

    /// Initialises variables with expressions, also results with the values of a return statement.
    pub(crate) fn init_vars(
        &mut self,
        left: &[ObjectId],
        right: &[NodeId],
        return_stmt: Option<NodeId>,
    ) {
        let context = if return_stmt.is_some() {
            "return statement"
        } else {
            "assignment"
        };
        if left.len() == right.len() && !self.is_call(right) {
            let mut x = Operand::default();
            for (&variable, &value) in left.iter().zip(right) {
                let target = self.new_target(self.world.object(variable).raw_type());
                self.expr(target, &mut x, value);
                self.init_var(variable, &mut x, context);
            }
            return;
        }
        if right.len() != 1 {
            if self.use_exprs(right) {
                self.mismatch_error(right, return_stmt);
            }
            self.forget(left);
            return;
        }
        let (mut values, comma_ok) =
            self.multi_expr(right[0], left.len() == 2 && return_stmt.is_none());
        if values.len() == left.len() {
            for (&variable, value) in left.iter().zip(&mut values) {
                self.init_var(variable, value, context);
            }
            self.record_comma_ok(right[0], &values, comma_ok);
            return;
        }
        if values.first().is_some_and(|first| !first.is_invalid()) {
            self.mismatch_error(right, return_stmt);
        }
        self.forget(left);
    }

    fn record_comma_ok(&mut self, node: NodeId, values: &[Operand], comma_ok: bool) {
        if let (true, [first, second]) = (comma_ok, values)
            && !first.is_invalid()
            && !second.is_invalid()
        {
            self.record_comma_ok_types(node, first.operand_type, second.operand_type);
        }
    }

    pub(crate) fn assign_vars(&mut self, left: &[NodeId], right: &[NodeId]) {
        if left.len() == right.len() && !self.is_call(right) {
            for (&variable, &value) in left.iter().zip(right) {
                self.assign_var(variable, Some(value), None, "assignment");
            }
            return;
        }
        if right.len() != 1 {
            let left_valid = self.use_lhs(left);
            if self.use_exprs(right) && left_valid {
                self.mismatch_error(right, None);
            }
            return;
        }
        let (mut values, comma_ok) = self.multi_expr(right[0], left.len() == 2);
        if values.len() == left.len() {
            for (&variable, value) in left.iter().zip(&mut values) {
                self.assign_var(variable, None, Some(value), "assignment");
            }
            self.record_comma_ok(right[0], &values, comma_ok);
            return;
        }
        if values.first().is_some_and(|first| !first.is_invalid()) {
            self.mismatch_error(right, None);
        }
        self.use_lhs(left);
    }

    /// `left := right`
    pub(crate) fn short_var_decl(
        &mut self,
        operator: u32,
        left: &'w [NodeId],
        right: &'w [NodeId],
    ) {
        let world = self.world;
        let top = self.delayed_count();
        let scope = self.environment.scope;
        let kind = ObjectKind::Variable(VariableKind::Local);
        let mut variables = Vec::with_capacity(left.len());
        let mut new_variables = Vec::with_capacity(left.len());
        let mut seen: Vec<goward_syntax::Symbol> = Vec::new();
        let mut has_error = false;
        for &node in left {
            if !self.tree().is_identifier(node) {
                self.use_lhs(&[node]);
                self.error(node, "only a name may stand on the left side of :=");
                has_error = true;
                variables.push(None);
                continue;
            }
            let name = self.symbol(node);
            if !name.is_blank() {
                if seen.contains(&name) {
                    self.error(node, format!("{name} repeated on left side of :="));
                    has_error = true;
                    variables.push(None);
                    continue;
                }
                seen.push(name);
            }
            if let Some(other) = self.scope(scope).lookup(name) {
                self.record_use(node, other);
                if world.object(other).is_variable() {
                    variables.push(Some(other));
                } else {
                    self.error(node, "cannot assign to this name");
                    has_error = true;
                    variables.push(None);
                }
                continue;
            }
            let object = self.new_local(kind, node);
            variables.push(Some(object));
            if !name.is_blank() {
                new_variables.push(object);
            }
            self.record_definition(node, Some(object));
        }
        let package = Some(self.package);
        let blank = goward_syntax::Symbol::intern("_");
        let variables: Vec<ObjectId> = variables
            .into_iter()
            .map(|variable| {
                variable.unwrap_or_else(|| {
                    world.new_variable(VariableKind::Local, blank, package, (0, 0), None)
                })
            })
            .collect();
        self.init_vars(&variables, right, None);
        // Function literals on the right must not see the new names.
        self.process_delayed(top);
        if new_variables.is_empty() && !has_error {
            let place = goward_diagnostics::Span::new(operator, operator + 2);
            self.error_at(place, "no new variables on left side of :=");
            return;
        }
        for variable in new_variables {
            self.declare(scope, None, variable);
        }
    }
}
