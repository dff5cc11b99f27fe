//! Builds the control-flow graph of a function from its syntax tree.

mod loops;

use goward_syntax::{
    AssignOperator, BinaryOperator, BranchKeyword, Declaration, DeclarationKeyword, Expression,
    NodeId, NodeKind, NodeList, Specification, Statement, Symbol, UnaryOperator,
};
use goward_types::constant::Value;
use goward_types::{Mode, NoReturn, ObjectId, TypeKind, TypedFile, World};
use rustc_hash::FxHashMap;

use crate::calls::no_return;
use crate::deferred::expand;
use crate::draft::Draft;
use crate::graph::{BlockId, ControlFlowGraph, EdgeKind, Exit, ExitKind, Step};

/// The graph of the function with this body. `local` tells which functions of the package never
/// return.
pub(crate) fn build(
    world: &World,
    file: &TypedFile<'_>,
    body: NodeId,
    local: &dyn Fn(ObjectId) -> Option<NoReturn>,
) -> ControlFlowGraph {
    let mut builder = Builder {
        world,
        file,
        local,
        draft: Draft::default(),
        current: ControlFlowGraph::ENTRY,
        targets: Vec::new(),
        labels: FxHashMap::default(),
        fallthrough: None,
    };
    builder.new_block();
    builder.statement(body, None);
    builder.exit(ExitKind::End, None);
    expand(&mut builder.draft);
    builder.draft.finish()
}

/// Where `break` and `continue` go from inside a statement.
struct Target {
    label: Option<Symbol>,
    after: BlockId,
    /// Only loops can be continued.
    next: Option<BlockId>,
}

struct Builder<'b, 'a> {
    world: &'b World,
    file: &'b TypedFile<'a>,
    local: &'b dyn Fn(ObjectId) -> Option<NoReturn>,
    draft: Draft,
    current: BlockId,
    targets: Vec<Target>,
    /// Blocks that labels stand at, made by the label or by the first `goto`.
    labels: FxHashMap<Symbol, BlockId>,
    /// Where `fallthrough` goes.
    fallthrough: Option<BlockId>,
}

impl Builder<'_, '_> {
    fn new_block(&mut self) -> BlockId {
        self.draft.add(Vec::new())
    }

    fn push(&mut self, step: Step) {
        self.draft.blocks[self.current.index()].steps.push(step);
    }

    fn edge(&mut self, from: BlockId, to: BlockId, kind: EdgeKind) {
        self.draft.edge(from, to, kind);
    }

    fn jump(&mut self, to: BlockId) {
        self.edge(self.current, to, EdgeKind::Jump);
    }

    /// Goes on in a block that nothing leads to so far.
    fn unreachable(&mut self) {
        self.current = self.new_block();
    }

    fn exit(&mut self, kind: ExitKind, node: Option<NodeId>) {
        self.draft.exits.push(Exit {
            kind,
            node,
            from: self.current,
            terminal: self.current,
            deferred: Vec::new(),
        });
        self.unreachable();
    }

    fn statements(&mut self, list: NodeList<'_>) {
        for &statement in list {
            self.statement(statement, None);
        }
    }

    fn statement(&mut self, node: NodeId, label: Option<Symbol>) {
        let tree = self.file.tree;
        match tree.statement(node) {
            Statement::Bad | Statement::Empty => {}
            Statement::Declaration { declaration } => self.declaration(declaration),
            Statement::Labeled { label, statement } => {
                let name = tree.symbol(label);
                let block = self.label(name);
                self.jump(block);
                self.current = block;
                self.statement(statement, Some(name));
            }
            Statement::Expression { expression } => self.expression(expression),
            Statement::Send { channel, value } => {
                self.expression(channel);
                self.expression(value);
                self.push(Step::Statement(node));
            }
            Statement::IncrementDecrement { operand, .. } => {
                self.place(operand);
                self.push(Step::Statement(node));
            }
            Statement::Assign {
                operator,
                left,
                right,
                ..
            } => {
                if operator != AssignOperator::Define {
                    for &place in left {
                        self.place(place);
                    }
                }
                for &value in right {
                    self.expression(value);
                }
                self.push(Step::Statement(node));
            }
            Statement::Go { call } => {
                self.call_operands(call);
                self.push(Step::Statement(node));
            }
            Statement::Defer { call } => {
                self.call_operands(call);
                self.push(Step::Register(node));
            }
            Statement::Return { results } => {
                for &result in results {
                    self.expression(result);
                }
                self.push(Step::Return(node));
                self.exit(ExitKind::Return, Some(node));
            }
            Statement::Branch { keyword, label } => self.branch(node, keyword, label),
            Statement::Block { statements } => self.statements(statements),
            Statement::If { .. } => self.if_chain(node),
            Statement::Switch { initial, tag, body } => self.switch(initial, tag, body, label),
            Statement::TypeSwitch {
                initial,
                assign,
                body,
            } => self.type_switch(initial, assign, body, label),
            Statement::Select { body } => self.select(body, label),
            Statement::For {
                initial,
                condition,
                post,
                body,
            } => {
                if let Some(initial) = initial {
                    self.statement(initial, None);
                }
                let head = self.new_block();
                let inside = self.new_block();
                let next = self.new_block();
                let after = self.new_block();
                let starts = initial.zip(condition).is_some_and(|(initial, condition)| {
                    loops::holds_at_first(self.file, initial, condition)
                });
                self.jump(if starts { inside } else { head });
                self.current = head;
                match condition {
                    Some(condition) => self.condition(condition, inside, after),
                    None => self.jump(inside),
                }
                self.current = inside;
                self.nested(label, after, Some(next), |builder| {
                    builder.statement(body, None);
                });
                self.jump(next);
                self.current = next;
                if let Some(post) = post {
                    self.statement(post, None);
                }
                self.jump(head);
                self.current = after;
            }
            Statement::Range {
                key,
                value,
                operator,
                operand,
                body,
                ..
            } => {
                self.expression(operand);
                let head = self.new_block();
                let inside = self.new_block();
                let after = self.new_block();
                if loops::ranges_once(self.file, operand) {
                    self.edge(self.current, inside, EdgeKind::Range(node));
                } else {
                    self.jump(head);
                }
                self.current = head;
                self.push(Step::RangeNext(node));
                self.edge(head, inside, EdgeKind::Range(node));
                if loops::is_endless(self.world, self.file, operand) {
                    // So that it can still be asked where the loop would go on from here.
                    self.unreachable();
                }
                self.edge(self.current, after, EdgeKind::RangeDone(node));
                self.current = inside;
                if operator == goward_syntax::RangeOperator::Assign {
                    for place in [key, value].into_iter().flatten() {
                        self.place(place);
                    }
                }
                self.push(Step::RangeAssign(node));
                self.nested(label, after, Some(head), |builder| {
                    builder.statement(body, None);
                });
                self.jump(head);
                self.current = after;
            }
            // Clauses are looked at by the statements around them.
            Statement::CaseClause { .. } | Statement::CommunicationClause { .. } => {}
        }
    }

    /// `if … else if … else`: chains may be long, so they are no recursion.
    fn if_chain(&mut self, mut node: NodeId) {
        let after = self.new_block();
        loop {
            let Statement::If {
                initial,
                condition,
                then,
                otherwise,
            } = self.file.tree.statement(node)
            else {
                // The last `else`.
                self.statement(node, None);
                self.jump(after);
                break;
            };
            if let Some(initial) = initial {
                self.statement(initial, None);
            }
            let when_true = self.new_block();
            let when_false = match otherwise {
                Some(_) => self.new_block(),
                None => after,
            };
            self.condition(condition, when_true, when_false);
            self.current = when_true;
            self.statement(then, None);
            self.jump(after);
            let Some(otherwise) = otherwise else { break };
            self.current = when_false;
            node = otherwise;
        }
        self.current = after;
    }

    fn nested(
        &mut self,
        label: Option<Symbol>,
        after: BlockId,
        next: Option<BlockId>,
        inside: impl FnOnce(&mut Self),
    ) {
        self.targets.push(Target { label, after, next });
        inside(self);
        self.targets.pop();
    }

    fn label(&mut self, name: Symbol) -> BlockId {
        if let Some(&block) = self.labels.get(&name) {
            return block;
        }
        let block = self.new_block();
        self.labels.insert(name, block);
        block
    }

    fn branch(&mut self, node: NodeId, keyword: BranchKeyword, label: Option<NodeId>) {
        self.push(Step::Branch(node));
        let label = label.map(|label| self.file.tree.symbol(label));
        let mut targets = self.targets.iter().rev();
        let to = match keyword {
            BranchKeyword::Goto => label.map(|label| self.label(label)),
            BranchKeyword::Fallthrough => self.fallthrough,
            BranchKeyword::Break => targets
                .find(|target| label.is_none() || target.label == label)
                .map(|target| target.after),
            BranchKeyword::Continue => targets
                .filter(|target| label.is_none() || target.label == label)
                .find_map(|target| target.next),
        };
        if let Some(to) = to {
            self.jump(to);
        }
        self.unreachable();
    }

    fn declaration(&mut self, declaration: NodeId) {
        let tree = self.file.tree;
        let Declaration::General {
            keyword: DeclarationKeyword::Var,
            specifications,
        } = tree.declaration(declaration)
        else {
            return;
        };
        for &specification in specifications {
            if let Specification::Value { values, .. } = tree.specification(specification) {
                for &value in values {
                    self.expression(value);
                }
                self.push(Step::Statement(specification));
            }
        }
    }

    fn switch(
        &mut self,
        initial: Option<NodeId>,
        tag: Option<NodeId>,
        body: NodeId,
        label: Option<Symbol>,
    ) {
        let tree = self.file.tree;
        if let Some(initial) = initial {
            self.statement(initial, None);
        }
        if let Some(tag) = tag {
            self.expression(tag);
        }
        let Statement::Block {
            statements: clauses,
        } = tree.statement(body)
        else {
            return;
        };
        let bodies: Vec<BlockId> = clauses.iter().map(|_| self.new_block()).collect();
        let after = self.new_block();
        let mut otherwise = after;
        for (&clause, &inside) in clauses.iter().zip(&bodies) {
            let Statement::CaseClause {
                expressions,
                default,
                ..
            } = tree.statement(clause)
            else {
                continue;
            };
            if default {
                otherwise = inside;
            }
            for &expression in expressions {
                let next = self.new_block();
                match tag {
                    Some(tag) => {
                        self.expression(expression);
                        let from = self.current;
                        self.edge(from, inside, EdgeKind::Equal { tag, expression });
                        self.edge(from, next, EdgeKind::NotEqual { tag, expression });
                    }
                    None => self.condition(expression, inside, next),
                }
                self.current = next;
            }
        }
        self.jump(otherwise);
        for (position, (&clause, &inside)) in clauses.iter().zip(&bodies).enumerate() {
            let Statement::CaseClause { body, .. } = tree.statement(clause) else {
                continue;
            };
            self.current = inside;
            let outer = self.fallthrough;
            self.fallthrough = bodies.get(position + 1).copied();
            self.nested(label, after, None, |builder| builder.statements(body));
            self.fallthrough = outer;
            self.jump(after);
        }
        self.current = after;
    }

    fn type_switch(
        &mut self,
        initial: Option<NodeId>,
        assign: NodeId,
        body: NodeId,
        label: Option<Symbol>,
    ) {
        let tree = self.file.tree;
        if let Some(initial) = initial {
            self.statement(initial, None);
        }
        let guard = match tree.statement(assign) {
            Statement::Assign { right, .. } => right.first().copied(),
            Statement::Expression { expression } => Some(expression),
            _ => None,
        };
        if let Some(Expression::TypeAssertion { operand, .. }) =
            guard.map(|guard| tree.expression(guard))
        {
            self.expression(operand);
        }
        let head = self.current;
        let after = self.new_block();
        let mut has_default = false;
        if let Statement::Block { statements } = tree.statement(body) {
            for &clause in statements {
                let Statement::CaseClause { default, body, .. } = tree.statement(clause) else {
                    continue;
                };
                has_default |= default;
                let inside = self.new_block();
                self.edge(head, inside, EdgeKind::TypeCase(clause));
                self.current = inside;
                self.nested(label, after, None, |builder| builder.statements(body));
                self.jump(after);
            }
        }
        if !has_default {
            self.edge(head, after, EdgeKind::Jump);
        }
        self.current = after;
    }

    fn select(&mut self, body: NodeId, label: Option<Symbol>) {
        let tree = self.file.tree;
        let Statement::Block {
            statements: clauses,
        } = tree.statement(body)
        else {
            return;
        };
        // Channels and values to send are evaluated for all clauses before one is chosen.
        for &clause in clauses {
            let Statement::CommunicationClause {
                communication: Some(communication),
                ..
            } = tree.statement(clause)
            else {
                continue;
            };
            match tree.statement(communication) {
                Statement::Send { channel, value } => {
                    self.expression(channel);
                    self.expression(value);
                }
                Statement::Expression { expression } => self.received_channel(expression),
                Statement::Assign { right, .. } => {
                    right.iter().for_each(|&value| self.received_channel(value));
                }
                _ => {}
            }
        }
        let head = self.current;
        let after = self.new_block();
        for &clause in clauses {
            let Statement::CommunicationClause {
                communication,
                body,
                ..
            } = tree.statement(clause)
            else {
                continue;
            };
            let inside = self.new_block();
            self.edge(head, inside, EdgeKind::Select(clause));
            self.current = inside;
            if let Some(communication) = communication {
                if let Statement::Assign {
                    operator: AssignOperator::Assign,
                    left,
                    ..
                } = tree.statement(communication)
                {
                    left.iter().for_each(|&place| self.place(place));
                }
                self.push(Step::Communicate(communication));
            }
            self.nested(label, after, None, |builder| builder.statements(body));
            self.jump(after);
        }
        self.current = after;
    }

    /// The channel of `<-c` in a `select` clause.
    fn received_channel(&mut self, node: NodeId) {
        match self.file.tree.expression(node) {
            Expression::Parenthesized { inner } => self.received_channel(inner),
            Expression::Unary {
                operator: UnaryOperator::Receive,
                operand,
            } => self.expression(operand),
            _ => self.expression(node),
        }
    }

    /// A condition: where control goes when it is true and when it is false.
    fn condition(&mut self, node: NodeId, when_true: BlockId, when_false: BlockId) {
        match self.file.tree.expression(node) {
            Expression::Parenthesized { inner } => self.condition(inner, when_true, when_false),
            Expression::Unary {
                operator: UnaryOperator::Not,
                operand,
            } => self.condition(operand, when_false, when_true),
            Expression::Binary {
                operator: BinaryOperator::LogicalAnd,
                left,
                right,
                ..
            } => {
                let middle = self.new_block();
                self.condition(left, middle, when_false);
                self.current = middle;
                self.condition(right, when_true, when_false);
            }
            Expression::Binary {
                operator: BinaryOperator::LogicalOr,
                left,
                right,
                ..
            } => {
                let middle = self.new_block();
                self.condition(left, when_true, middle);
                self.current = middle;
                self.condition(right, when_true, when_false);
            }
            _ => {
                self.expression(node);
                let from = self.current;
                let constant = match self.file.facts.get(node).and_then(|known| known.value) {
                    Some(Value::Bool(value)) => Some(*value),
                    _ => None,
                };
                if constant != Some(false) {
                    self.edge(from, when_true, EdgeKind::True(node));
                }
                if constant != Some(true) {
                    self.edge(from, when_false, EdgeKind::False(node));
                }
            }
        }
    }

    /// What the place of an assignment is made of; the place itself is not read.
    fn place(&mut self, node: NodeId) {
        match self.file.tree.expression(node) {
            Expression::Parenthesized { inner } => self.place(inner),
            Expression::Identifier => {}
            Expression::Selector { operand, .. } => self.expression(operand),
            Expression::Star { operand } => self.expression(operand),
            Expression::Index {
                operand, indices, ..
            } => {
                self.expression(operand);
                for &index in indices {
                    self.expression(index);
                }
            }
            _ => self.expression(node),
        }
    }

    fn is_type(&self, node: NodeId) -> bool {
        self.file
            .facts
            .get(node)
            .is_some_and(|known| known.mode == Mode::TypeExpression)
    }

    /// The function and the arguments of a call that is made later.
    fn call_operands(&mut self, call: NodeId) {
        match self.file.tree.expression(call) {
            Expression::Parenthesized { inner } => self.call_operands(inner),
            Expression::Call {
                function,
                arguments,
                ..
            } => {
                self.expression(function);
                for &argument in arguments {
                    self.expression(argument);
                }
            }
            _ => self.expression(call),
        }
    }

    /// The steps of an expression: those of its operands, then its own.
    fn expression(&mut self, node: NodeId) {
        let tree = self.file.tree;
        if self.is_type(node) {
            return;
        }
        match tree.expression(node) {
            Expression::Parenthesized { inner } => self.expression(inner),
            Expression::Bad
            | Expression::Identifier
            | Expression::BasicLiteral(_)
            | Expression::Ellipsis { .. }
            | Expression::ArrayType { .. }
            | Expression::StructType { .. }
            | Expression::FunctionType { .. }
            | Expression::InterfaceType { .. }
            | Expression::MapType { .. }
            | Expression::ChannelType { .. } => {}
            Expression::FunctionLiteral { .. } => self.push(Step::Expression(node)),
            Expression::CompositeLiteral { elements, .. } => {
                let literal_type = self.file.facts.type_of(node);
                let (base, _) = self.world.deref(literal_type);
                let is_struct = literal_type.is_known()
                    && self.world.underlying(base).kind() == TypeKind::Struct;
                for &element in elements {
                    match tree.expression(element) {
                        Expression::KeyValue { key, value } => {
                            let names_field = is_struct || !literal_type.is_known();
                            if !(names_field && tree.kind(key) == NodeKind::Ident) {
                                self.expression(key);
                            }
                            self.expression(value);
                        }
                        _ => self.expression(element),
                    }
                }
                self.push(Step::Expression(node));
            }
            Expression::Selector { operand, .. } => {
                self.expression(operand);
                self.push(Step::Expression(node));
            }
            Expression::Index {
                operand, indices, ..
            } => {
                self.expression(operand);
                for &index in indices {
                    self.expression(index);
                }
                self.push(Step::Expression(node));
            }
            Expression::Slice {
                operand,
                low,
                high,
                max,
                ..
            } => {
                self.expression(operand);
                for bound in [low, high, max].into_iter().flatten() {
                    self.expression(bound);
                }
                self.push(Step::Expression(node));
            }
            Expression::TypeAssertion { operand, .. } | Expression::Star { operand } => {
                self.expression(operand);
                self.push(Step::Expression(node));
            }
            Expression::Unary { operator, operand } => {
                match operator {
                    UnaryOperator::Address => self.place(operand),
                    _ => self.expression(operand),
                }
                self.push(Step::Expression(node));
            }
            Expression::KeyValue { key, value } => {
                self.expression(key);
                self.expression(value);
            }
            Expression::Binary { operator, .. } => match operator {
                BinaryOperator::LogicalAnd | BinaryOperator::LogicalOr => {
                    let after = self.new_block();
                    self.condition(node, after, after);
                    self.current = after;
                    self.push(Step::Expression(node));
                }
                _ => self.operator_chain(node),
            },
            Expression::Call {
                function,
                arguments,
                ..
            } => {
                self.expression(function);
                for &argument in arguments {
                    self.expression(argument);
                }
                self.push(Step::Expression(node));
                if let Some(kind) = no_return(self.world, self.file, node, self.local) {
                    let kind = match kind {
                        NoReturn::Panic => ExitKind::Panic,
                        NoReturn::Goexit => ExitKind::Goexit,
                        NoReturn::ProcessExit => ExitKind::ProcessExit,
                    };
                    self.exit(kind, Some(node));
                }
            }
        }
    }

    /// `a + b + c …`: chains of operators may be very long, so the left side is no recursion.
    fn operator_chain(&mut self, node: NodeId) {
        let tree = self.file.tree;
        let mut chain = vec![node];
        let mut first = node;
        loop {
            match tree.expression(first) {
                Expression::Binary { operator, left, .. }
                    if !matches!(
                        operator,
                        BinaryOperator::LogicalAnd | BinaryOperator::LogicalOr
                    ) =>
                {
                    first = left;
                    chain.push(left);
                }
                _ => break,
            }
        }
        chain.pop();
        self.expression(first);
        for node in chain.into_iter().rev() {
            if let Expression::Binary { right, .. } = tree.expression(node) {
                self.expression(right);
            }
            self.push(Step::Expression(node));
        }
    }
}

#[cfg(test)]
#[path = "build_tests.rs"]
mod tests;
