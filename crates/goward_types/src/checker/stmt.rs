//! Statements and function bodies.
//!
//! Source: `go/types/stmt.go`. What only reports misuse that changes no type (unused variables,
//! duplicate cases, misplaced branches, missing returns) is left to the compiler.

use std::rc::Rc;

use goward_diagnostics::Span;
use goward_syntax::{AssignOperator, BinaryOperator, Expression, NodeId, Statement, UnaryOperator};

use crate::checker::{
    Checker, Environment, FunctionContext, Mode, Operand, STATEMENT_DEPTH_LIMIT, ScopeId,
};
use crate::constant::Value;
use crate::facts::SyntheticOne;
use crate::ids::TypeId;
use crate::object::{ObjectKind, VariableKind};
use crate::universe::CallKind;

impl<'w> Checker<'w> {
    /// Checks the body of a function in the scope of its signature.
    pub(crate) fn func_body(
        &mut self,
        scope: ScopeId,
        function: Rc<FunctionContext>,
        body: NodeId,
        iota: Option<i64>,
    ) {
        let environment = Environment {
            file: self.environment.file,
            scope,
            version: self.environment.version,
            iota,
            error_place: None,
            in_type_parameter_list: false,
            function: Some(function),
            has_call_or_receive: false,
        };
        let saved = std::mem::replace(&mut self.environment, environment);
        let has_label = std::mem::replace(&mut self.has_label, false);
        if let Statement::Block { statements } = self.tree().statement(body) {
            self.stmt_list(statements);
        }
        if self.has_label {
            self.labels(body);
        }
        self.has_label = has_label;
        self.environment = saved;
    }

    pub(crate) fn stmt_list(&mut self, statements: &'w [NodeId]) {
        for &statement in statements {
            self.stmt(statement);
        }
    }

    fn optional_stmt(&mut self, statement: Option<NodeId>) {
        if let Some(statement) = statement {
            self.stmt(statement);
        }
    }

    fn suspended_call(&mut self, keyword: &str, call: NodeId) {
        let mut x = Operand::default();
        match self.raw_expr(None, &mut x, call, None, false) {
            CallKind::Conversion => self.error(
                call,
                format!("{keyword} requires function call, not conversion"),
            ),
            CallKind::Expression => {
                if !x.is_invalid() {
                    self.error(
                        call,
                        format!("{keyword} discards the result of a call or needs one"),
                    );
                }
            }
            CallKind::Statement => {}
        }
    }

    fn condition(&mut self, condition: NodeId) {
        let mut x = Operand::default();
        self.expr(None, &mut x, condition);
        if !x.is_invalid() && !self.world.all_boolean(x.operand_type) {
            self.error(condition, "non-boolean condition");
        }
    }

    /// Checks a statement, and what it delayed (bodies of function literals).
    pub(crate) fn stmt(&mut self, node: NodeId) {
        if self.statement_depth >= STATEMENT_DEPTH_LIMIT {
            self.error(node, "nested too deeply: this statement is not looked at");
            return;
        }
        let top = self.delayed_count();
        self.statement_depth += 1;
        self.stmt_internal(node);
        self.statement_depth -= 1;
        self.process_delayed(top);
    }

    fn stmt_internal(&mut self, node: NodeId) {
        match self.tree().statement(node) {
            Statement::Bad | Statement::Empty => {}
            Statement::Declaration { declaration } => self.decl_stmt(declaration),
            Statement::Labeled { statement, .. } => {
                self.has_label = true;
                self.stmt(statement);
            }
            Statement::Expression { expression } => {
                let mut x = Operand::default();
                let kind = self.raw_expr(None, &mut x, expression, None, false);
                match x.mode {
                    Mode::Builtin => self.error(expression, "a built-in function must be called"),
                    Mode::TypeExpression => self.error(expression, "a type is not an expression"),
                    Mode::Invalid => {}
                    _ if kind == CallKind::Statement => {}
                    _ => self.error(expression, "value is not used"),
                }
            }
            Statement::Send { channel, value } => self.send_stmt(node, channel, value),
            Statement::IncrementDecrement { operand, increment } => {
                self.increment_decrement(operand, increment);
            }
            Statement::Assign {
                operator,
                left,
                right,
                operator_offset,
            } => match operator {
                AssignOperator::Define => self.short_var_decl(operator_offset, left, right),
                AssignOperator::Assign => self.assign_vars(left, right),
                AssignOperator::Update(operator) => {
                    let (&[left], &[right]) = (left, right) else {
                        self.error(
                            node,
                            "assignment operation requires single-valued expressions",
                        );
                        return;
                    };
                    let mut x = Operand::default();
                    self.binary(&mut x, None, left, Some(right), operator, operator_offset);
                    if !x.is_invalid() {
                        self.assign_var(left, None, Some(&mut x), "assignment");
                    }
                }
            },
            Statement::Go { call } => self.suspended_call("go", call),
            Statement::Defer { call } => self.suspended_call("defer", call),
            Statement::Return { results } => self.return_stmt(node, results),
            Statement::Branch { label, .. } => self.has_label |= label.is_some(),
            Statement::Block { statements } => {
                self.open_scope();
                self.stmt_list(statements);
                self.close_scope();
            }
            Statement::If {
                initial,
                condition,
                then,
                otherwise,
            } => {
                self.open_scope();
                self.optional_stmt(initial);
                self.condition(condition);
                self.stmt(then);
                self.optional_stmt(otherwise);
                self.close_scope();
            }
            Statement::Switch { initial, tag, body } => self.switch_stmt(initial, tag, body),
            Statement::TypeSwitch {
                initial,
                assign,
                body,
            } => {
                self.open_scope();
                self.optional_stmt(initial);
                self.type_switch_stmt(node, assign, body);
                self.close_scope();
            }
            Statement::Select { body } => self.select_stmt(body),
            Statement::For {
                initial,
                condition,
                post,
                body,
            } => {
                self.open_scope();
                self.optional_stmt(initial);
                if let Some(condition) = condition {
                    self.condition(condition);
                }
                self.optional_stmt(post);
                self.stmt(body);
                self.close_scope();
            }
            Statement::Range {
                key,
                value,
                operator,
                operand,
                body,
                operator_offset,
            } => {
                self.range_stmt(key, value, operator, operand, body, operator_offset);
            }
            Statement::CaseClause { .. } | Statement::CommunicationClause { .. } => {
                self.error(node, "clause outside of a switch or select");
            }
        }
    }

    fn send_stmt(&mut self, node: NodeId, channel: NodeId, value: NodeId) {
        let (mut x, mut y) = (Operand::default(), Operand::default());
        self.expr(None, &mut x, channel);
        self.generic_expr(&mut y, value, None);
        if x.is_invalid() || y.is_invalid() {
            return;
        }
        if let Some(element) = self.channel_element(node, &x, false) {
            self.assignment(&mut y, Some(element), "send");
        }
    }

    fn increment_decrement(&mut self, operand: NodeId, increment: bool) {
        let mut x = Operand::default();
        self.expr(None, &mut x, operand);
        if x.is_invalid() {
            return;
        }
        if !self.world.all_numeric(x.operand_type) {
            self.error(operand, "++ and -- need a numeric operand");
            return;
        }
        let operator = if increment {
            BinaryOperator::Add
        } else {
            BinaryOperator::Subtract
        };
        let span = self.tree().span(operand);
        self.binary(&mut x, None, operand, None, operator, span.end);
        // go/types makes a literal `1` for the right operand and records it too.
        let one = SyntheticOne {
            span: Span::new(span.start, span.start + 1),
            one_type: x.operand_type,
        };
        if !x.is_invalid() {
            self.file_facts().synthetic_ones.push(one);
            self.assign_var(operand, None, Some(&mut x), "assignment");
        }
    }

    fn return_stmt(&mut self, node: NodeId, values: &'w [NodeId]) {
        let Some(function) = self.environment.function.clone() else {
            self.use_exprs(values);
            return;
        };
        if values.is_empty() && function.named_results {
            for &result in &function.results {
                let name = self.world.object(result).name;
                if let Some(other) = self.lookup(name)
                    && other != result
                    && !name.is_blank()
                {
                    self.error(
                        node,
                        format!("result parameter {name} not in scope at return"),
                    );
                }
            }
        } else if !values.is_empty() || !function.results.is_empty() {
            self.init_vars(&function.results, values, Some(node));
        }
    }

    fn switch_stmt(&mut self, initial: Option<NodeId>, tag: Option<NodeId>, body: NodeId) {
        self.open_scope();
        self.optional_stmt(initial);
        let mut x = Operand::default();
        match tag {
            Some(tag) => {
                self.expr(None, &mut x, tag);
                self.assignment(&mut x, None, "switch expression");
                if !x.is_invalid()
                    && !self.world.comparable(x.operand_type)
                    && !self.world.has_nil(x.operand_type)
                {
                    self.error(tag, "cannot switch on a value that cannot be compared");
                    x.invalidate();
                }
            }
            None => {
                x.mode = Mode::Constant;
                x.operand_type = TypeId::BOOL;
                x.value = Value::Bool(true);
            }
        }
        for &clause in self.block(body) {
            let Statement::CaseClause {
                expressions, body, ..
            } = self.tree().statement(clause)
            else {
                continue;
            };
            self.case_values(&x, expressions);
            self.open_scope();
            self.stmt_list(body);
            self.close_scope();
        }
        self.close_scope();
    }

    fn block(&self, node: NodeId) -> &'w [NodeId] {
        match self.tree().statement(node) {
            Statement::Block { statements } => statements,
            _ => &[],
        }
    }

    fn case_values(&mut self, x: &Operand, values: &'w [NodeId]) {
        for &node in values {
            let mut value = Operand::default();
            self.expr(None, &mut value, node);
            if x.is_invalid() || value.is_invalid() {
                continue;
            }
            self.convert_untyped(&mut value, x.operand_type);
            if value.is_invalid() {
                continue;
            }
            let mut tag = x.clone();
            self.comparison(&mut value, &mut tag, BinaryOperator::Equal, true);
        }
    }

    fn is_nil_identifier(&self, node: NodeId) -> bool {
        let node = self.unparen(node);
        self.tree().is_identifier(node)
            && self
                .lookup(self.symbol(node))
                .is_some_and(|object| self.world.object(object).kind == ObjectKind::Nil)
    }

    /// The types of a clause of a type switch; the type of its variable.
    fn case_types(&mut self, x: Option<&Operand>, nodes: &'w [NodeId]) -> TypeId {
        let mut only = None;
        for &node in nodes {
            if self.is_nil_identifier(node) {
                only = None;
                let mut nothing = Operand::default();
                self.expr(None, &mut nothing, node);
                continue;
            }
            let case_type = self.var_type(node);
            only = Some(case_type);
            if !self.world.unalias(case_type).is_known() {
                continue;
            }
            if let Some(x) = x {
                self.type_assertion(node, x, case_type, true);
            }
        }
        match only {
            Some(case_type) if nodes.len() == 1 => case_type,
            _ => x.map_or(TypeId::UNKNOWN, |x| x.operand_type),
        }
    }

    fn type_switch_stmt(&mut self, node: NodeId, assign: NodeId, body: NodeId) {
        let tree = self.tree();
        let (mut left, guard) = match tree.statement(assign) {
            Statement::Expression { expression } => (None, expression),
            Statement::Assign {
                operator: AssignOperator::Define,
                left: &[left],
                right: &[right],
                ..
            } if tree.is_identifier(left) => (Some(left), right),
            _ => {
                self.error(node, "incorrect form of type switch guard");
                return;
            }
        };
        if let Some(identifier) = left {
            if self.symbol(identifier).is_blank() {
                self.soft_error(identifier, "no new variable on left side of :=");
                left = None;
            } else {
                self.record_definition(identifier, None);
            }
        }
        let Expression::TypeAssertion {
            operand,
            asserted: None,
        } = tree.expression(guard)
        else {
            self.error(node, "incorrect form of type switch guard");
            return;
        };
        let mut x = Operand::default();
        self.expr(None, &mut x, operand);
        let mut switched = None;
        if !x.is_invalid() {
            if self.world.is_type_parameter(x.operand_type) {
                self.error(operand, "cannot use type switch on type parameter value");
            } else if self.world.is_interface(x.operand_type) {
                switched = Some(x);
            } else if self.world.underlying(x.operand_type).is_known() {
                self.error(operand, "not an interface");
            }
        }
        for &clause in self.block(body) {
            let Statement::CaseClause {
                expressions, body, ..
            } = tree.statement(clause)
            else {
                continue;
            };
            let case_type = self.case_types(switched.as_ref(), expressions);
            self.open_scope();
            if let Some(identifier) = left {
                let (name, place) = (self.symbol(identifier), self.place(identifier));
                let package = Some(self.package);
                let variable = self.world.new_variable(
                    VariableKind::Local,
                    name,
                    package,
                    place,
                    Some(case_type),
                );
                self.declare(self.environment.scope, None, variable);
                self.record_implicit(clause, variable);
            }
            self.stmt_list(body);
            self.close_scope();
        }
    }

    fn select_stmt(&mut self, body: NodeId) {
        let tree = self.tree();
        for &clause in self.block(body) {
            let Statement::CommunicationClause {
                communication,
                body,
                ..
            } = tree.statement(clause)
            else {
                continue;
            };
            if let Some(communication) = communication {
                let received = match tree.statement(communication) {
                    Statement::Send { .. } => None,
                    Statement::Expression { expression } => Some(expression),
                    Statement::Assign {
                        right: &[right], ..
                    } => Some(right),
                    _ => {
                        self.error(communication, "select case must be receive or send");
                        continue;
                    }
                };
                if let Some(received) = received
                    && !matches!(
                        tree.expression(self.unparen(received)),
                        Expression::Unary {
                            operator: UnaryOperator::Receive,
                            ..
                        }
                    )
                {
                    self.error(communication, "select case must be receive or send");
                    continue;
                }
            }
            self.open_scope();
            self.optional_stmt(communication);
            self.stmt_list(body);
            self.close_scope();
        }
    }
}
