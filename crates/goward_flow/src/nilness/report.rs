//! Going once more over a solved function: which maps are written while they are nil, which ones
//! while nothing is known of them, and what a constructor leaves out.

use std::rc::Rc;

use goward_syntax::{Expression, NodeId, NodeKind, Statement, UnaryOperator};

use crate::calls::{Callee, callee, unparenthesized};
use crate::graph::{BlockId, Edge, Step};
use crate::nilness::place::Element;
use crate::nilness::shape::is_text;
use crate::nilness::transfer::{MapNilness, State};
use crate::nilness::{Constructed, Fact, Found, NilReason, NilWrite, Nilness, Place, Unguarded};
use crate::solver::{Analysis, Solution, solve};

impl MapNilness<'_> {
    /// The writes that a step makes to maps: the map, and the node to report.
    pub(super) fn writes(&self, step: Step, visit: &mut dyn FnMut(NodeId, NodeId)) {
        let tree = self.file.tree;
        let target = |node: NodeId, visit: &mut dyn FnMut(NodeId, NodeId)| {
            let node = unparenthesized(self.file, node);
            if let Expression::Index {
                operand,
                indices: &[index],
                ..
            } = tree.expression(node)
                && (self.is_map_node(operand)
                    || self.may_be_map(operand) && is_text(self.world(), self.file, index))
            {
                visit(operand, node);
            }
        };
        match step {
            Step::Statement(node) if tree.kind(node) == NodeKind::AssignStmt => {
                if let Statement::Assign { left, .. } = tree.statement(node) {
                    left.iter().for_each(|&left| target(left, visit));
                }
            }
            Step::Statement(node) if tree.kind(node) == NodeKind::IncDecStmt => {
                if let Statement::IncrementDecrement { operand, .. } = tree.statement(node) {
                    target(operand, visit);
                }
            }
            Step::RangeAssign(node) => {
                if let Statement::Range { key, value, .. } = tree.statement(node) {
                    [key, value]
                        .into_iter()
                        .flatten()
                        .for_each(|left| target(left, visit));
                }
            }
            Step::Expression(node) if tree.kind(node) == NodeKind::CallExpr => {
                self.call_writes(node, visit);
            }
            Step::Statement(node) if tree.kind(node) == NodeKind::GoStmt => {
                if let Statement::Go { call } = tree.statement(node) {
                    self.call_writes(unparenthesized(self.file, call), visit);
                }
            }
            _ => {}
        }
    }

    /// The maps that a call writes: what it is given, or its receiver.
    fn call_writes(&self, node: NodeId, visit: &mut dyn FnMut(NodeId, NodeId)) {
        let tree = self.file.tree;
        let Expression::Call {
            function,
            arguments,
            ..
        } = tree.expression(node)
        else {
            return;
        };
        let Callee::Function(object) = callee(self.world(), self.file, function) else {
            return;
        };
        let called = self.world().object(object);
        let path = called
            .package
            .map(|package| self.world().package(package).path.as_str());
        if (path, called.name.as_str()) == (Some("maps"), "Copy") {
            // Copying nothing into a nil map is fine; a source that is a literal has entries.
            if let [target, source] = arguments
                && self.has_entries(*source)
            {
                visit(*target, node);
            }
        } else if matches!(path, Some("net/http" | "net/url" | "net/textproto"))
            && matches!(called.name.as_str(), "Add" | "Set")
        {
            // `http.Header`, `url.Values` and `textproto.MIMEHeader` are maps.
            if let Expression::Selector { operand, .. } =
                tree.expression(unparenthesized(self.file, function))
                && self.is_map_node(operand)
            {
                visit(operand, node);
            }
        } else if let Some(summary) = self.summary_of(object) {
            if summary.writes_receiver
                && let Expression::Selector { operand, .. } =
                    tree.expression(unparenthesized(self.file, function))
                && self.is_map_node(operand)
            {
                visit(operand, node);
            }
            let parameters = self
                .units
                .of_object(object)
                .map_or(&[][..], |unit| self.units.get(unit).parameters.as_slice());
            // What is done for each of the last arguments is not done where there are none.
            let left_out = arguments.len() < parameters.len();
            for &position in &summary.writes {
                let Some(&argument) = arguments.get(position) else {
                    continue;
                };
                if left_out && !summary.always_writes.contains(&position) {
                    continue;
                }
                let takes_map = parameters.get(position).copied().flatten();
                if self.is_nil_node(argument)
                    && takes_map.is_some_and(|taken| self.is_map(self.world().object_type(taken)))
                {
                    visit(argument, node);
                    continue;
                }
                let argument = match tree.expression(unparenthesized(self.file, argument)) {
                    Expression::Unary {
                        operator: UnaryOperator::Address,
                        operand,
                    } => operand,
                    _ => argument,
                };
                let pointer = self.pointee_of(argument).is_some()
                    && self.is_map(self.world().deref(self.file.facts.type_of(argument)).0);
                if pointer || self.is_map_node(argument) {
                    visit(argument, node);
                }
            }
        }
    }

    /// The map that `maps.Copy` or `maps.Insert` puts into what it is given, perhaps nothing: a map that
    /// is nil on some path only may be so where there is nothing.
    fn copied_into(&self, step: Step) -> Option<(NodeId, NodeId)> {
        let Step::Expression(node) = step else {
            return None;
        };
        let tree = self.file.tree;
        if tree.kind(node) != NodeKind::CallExpr {
            return None;
        }
        let Expression::Call {
            function,
            arguments: &[target, source],
            ..
        } = tree.expression(node)
        else {
            return None;
        };
        let Callee::Function(object) = callee(self.world(), self.file, function) else {
            return None;
        };
        let called = self.world().object(object);
        let package = self.world().package(called.package?);
        let copies = package.path.as_str() == "maps"
            && matches!(called.name.as_str(), "Copy" | "Insert")
            && !self.has_entries(source);
        (copies && self.is_map_node(target)).then_some((target, node))
    }

    fn has_entries(&self, node: NodeId) -> bool {
        let node = unparenthesized(self.file, node);
        matches!(self.file.tree.expression(node), Expression::CompositeLiteral { elements, .. } if !elements.is_empty())
    }

    /// Reports the writes of this function, and of the literals that it defers.
    pub(crate) fn report(&self, solution: &Solution<State>, found: &mut Found) {
        for (index, entry) in solution.entry.iter().enumerate() {
            let Some(mut state) = entry.clone() else {
                continue;
            };
            let block = BlockId(index as u32);
            for (position, &step) in self.unit.graph.block(block).steps.iter().enumerate() {
                self.writes(step, &mut |map, node| {
                    let unguarded = |tracked| Unguarded {
                        unit: self.unit_id,
                        map,
                        node,
                        tracked,
                    };
                    if self.is_nil_node(map) {
                        return self.write_of_nil(map, node, &mut found.writes);
                    }
                    let Some(place) = self.place(map) else {
                        found.unguarded.push(unguarded(false));
                        return self.write_of_result(map, node, &mut found.writes);
                    };
                    let known = state.get(&place);
                    let Some(fact) = known.or_else(|| self.of_nil(&state, &place, map)) else {
                        return found.unguarded.push(unguarded(true));
                    };
                    if matches!(fact.nilness, Nilness::NonNil | Nilness::Written)
                        || found
                            .writes
                            .iter()
                            .any(|write| write.unit == self.unit_id && write.node == node)
                    {
                        return;
                    }
                    // Nil on some ways, and written by the callee on some: whether these belong together
                    // is between two functions.
                    if fact.nilness == Nilness::Maybe && self.writes_on_some_ways(map, node) {
                        return;
                    }
                    found.writes.push(NilWrite {
                        unit: self.unit_id,
                        map,
                        node,
                        certain: fact.nilness == Nilness::Nil,
                        reason: fact.reason,
                        made: fact.made,
                        root: place.root,
                        whole_variable: place.elements.is_empty(),
                        deferred: None,
                    });
                });
                if let Some((map, node)) = self.copied_into(step)
                    && let Some(place) = self.place(map)
                    && let Some(fact) = state.get(&place)
                    && fact.nilness == Nilness::Nil
                    && !found
                        .writes
                        .iter()
                        .any(|write| write.unit == self.unit_id && write.made == fact.made)
                {
                    found.writes.push(NilWrite {
                        unit: self.unit_id,
                        map,
                        node,
                        certain: true,
                        reason: fact.reason,
                        made: fact.made,
                        root: place.root,
                        whole_variable: place.elements.is_empty(),
                        deferred: None,
                    });
                }
                if let Step::RunDeferred(statement) = step {
                    self.report_deferred(&state, statement, &mut found.writes);
                }
                if let Step::Return(statement) = step {
                    self.constructed(&state, statement, &mut found.constructed);
                }
                self.step(&mut state, block, position, step);
            }
        }
    }

    /// What is known of an element of a map that is nil: it is nil, too.
    fn of_nil(&self, state: &State, place: &Place, map: NodeId) -> Option<Fact> {
        let (Element::Index(..), around) = place.elements.split_last()? else {
            return None;
        };
        let Expression::Index { operand, .. } =
            self.file.tree.expression(unparenthesized(self.file, map))
        else {
            return None;
        };
        let outer = Place {
            root: place.root,
            elements: around.to_vec(),
        };
        let fact = state.get(&outer).filter(|_| self.is_map_node(operand))?;
        matches!(fact.nilness, Nilness::Nil | Nilness::Maybe).then_some(fact)
    }

    /// The function that a call or `go` statement gives a map to, and whether it writes that map
    /// whatever happens; none where nothing is called.
    pub(super) fn given_to(
        &self,
        map: NodeId,
        node: NodeId,
    ) -> Option<(goward_types::ObjectId, bool)> {
        let call = match self.file.tree.statement(node) {
            Statement::Go { call } => unparenthesized(self.file, call),
            _ => node,
        };
        let Expression::Call {
            function,
            arguments,
            ..
        } = self.file.tree.expression(call)
        else {
            return None;
        };
        let Callee::Function(object) = callee(self.world(), self.file, function) else {
            return None;
        };
        let position = arguments.iter().position(|&argument| argument == map);
        let always = self.summary_of(object).is_some_and(|summary| {
            position.is_some_and(|position| summary.always_writes.contains(&position))
        });
        Some((object, always))
    }

    /// Whether a call gives a map to a function that writes it, but not whatever happens.
    fn writes_on_some_ways(&self, map: NodeId, node: NodeId) -> bool {
        let Some((function, false)) = self.given_to(map, node) else {
            return false;
        };
        self.summary_of(function)
            .is_some_and(|summary| !summary.writes.is_empty())
    }

    /// `f(nil)`, where `f` writes its map whatever happens.
    fn write_of_nil(&self, map: NodeId, node: NodeId, found: &mut Vec<NilWrite>) {
        if let Some((object, true)) = self.given_to(map, node) {
            found.push(NilWrite {
                unit: self.unit_id,
                map,
                node,
                certain: true,
                reason: NilReason::Given(object),
                made: map,
                root: object,
                whole_variable: false,
                deferred: None,
            });
        }
    }

    /// `f()[k] = v`.
    fn write_of_result(&self, map: NodeId, node: NodeId, found: &mut Vec<NilWrite>) {
        let call = unparenthesized(self.file, map);
        let Expression::Call { function, .. } = self.file.tree.expression(call) else {
            return;
        };
        if let Callee::Function(object) = callee(self.world(), self.file, function)
            && let Some(fact) = self.returned(object, 0, call, false)
        {
            found.push(NilWrite {
                unit: self.unit_id,
                map,
                node,
                certain: false,
                reason: fact.reason,
                made: fact.made,
                root: object,
                whole_variable: false,
                deferred: None,
            });
        }
    }

    /// The map fields that what a `return` gives back has on some paths only.
    fn constructed(&self, state: &State, statement: NodeId, found: &mut Vec<Constructed>) {
        let Statement::Return { results } = self.file.tree.statement(statement) else {
            return;
        };
        for place in results.iter().filter_map(|&value| self.place(value)) {
            for (known, fact) in &state.facts {
                if let [Element::Field(field)] = known.elements[..]
                    && known.root == place.root
                    && place.elements.is_empty()
                    && fact.nilness == Nilness::Maybe
                    && fact.reason == NilReason::FieldLeftOut
                {
                    found.push(Constructed {
                        unit: self.unit_id,
                        field,
                        made: fact.made,
                    });
                }
            }
        }
    }

    /// The literal of a `defer` runs in the state of the exit.
    fn report_deferred(&self, state: &State, statement: NodeId, found: &mut Vec<NilWrite>) {
        let tree = self.file.tree;
        let Statement::Defer { call } = tree.statement(statement) else {
            return;
        };
        let Expression::Call { function, .. } = tree.expression(call) else {
            return;
        };
        let literal = unparenthesized(self.file, function);
        let Some(inner) = self.units.of_literal(self.unit.file, literal) else {
            return;
        };
        let mut analysis = MapNilness::new(self.package, self.units, self.known, inner);
        Rc::make_mut(&mut analysis.untracked).extend(self.untracked.iter().copied());
        let started = Started {
            analysis,
            entry: state.clone(),
        };
        let solution = solve(&started.analysis.unit.graph, &started);
        if !solution.complete {
            return;
        }
        // The literal is looked at by itself, too: only what the state of the exit tells is new.
        let mut inner = Found::default();
        started.analysis.report(&solution, &mut inner);
        for mut write in inner.writes {
            if found
                .iter()
                .any(|other| other.unit == write.unit && other.node == write.node)
            {
                continue;
            }
            write.deferred = Some(statement);
            found.push(write);
        }
    }
}

/// The analysis of a deferred literal, begun in the state of the exit.
struct Started<'a> {
    analysis: MapNilness<'a>,
    entry: State,
}

impl Analysis for Started<'_> {
    type State = State;

    fn entry(&self) -> State {
        self.entry.clone()
    }

    fn step(&self, state: &mut State, block: BlockId, index: usize, step: Step) {
        self.analysis.step(state, block, index, step);
    }

    fn edge(&self, state: &mut State, from: BlockId, edge: &Edge) -> bool {
        self.analysis.edge(state, from, edge)
    }

    fn join(&self, into: &mut State, from: &State) -> bool {
        into.join(from)
    }
}
