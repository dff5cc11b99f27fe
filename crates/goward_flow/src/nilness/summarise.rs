//! What callers need to know of a function: which results may be nil maps, which parameters it writes.

use goward_syntax::{BinaryOperator, Expression, NodeId, NodeKind, Statement};
use goward_types::{Parameter, TypeId};

use crate::calls::{Callee, callee, unparenthesized};
use crate::graph::{BlockId, ControlFlowGraph, Step};
use crate::nilness::transfer::{MapNilness, State};
use crate::nilness::{Nilness, Place, Summary};
use crate::solver::{Analysis, solve};

impl MapNilness<'_> {
    /// What callers need to know of this function.
    pub(crate) fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        let results = self.result_types();
        let has_map = results
            .iter()
            .enumerate()
            .any(|(index, result)| self.gives_map(index, result));
        let has_map_parameter = self.unit.parameters.iter().flatten().any(|&parameter| {
            // Also `*map[K]V`: `(*p)[k] = v` writes the map of the caller.
            let given = self.world().object_type(parameter);
            self.is_map(self.world().deref(given).0)
        });
        let receiver = self.unit.receiver;
        let map_receiver =
            receiver.is_some_and(|receiver| self.is_map(self.world().object_type(receiver)));
        if !has_map && !has_map_parameter && !map_receiver {
            return summary;
        }
        let solution = solve(&self.unit.graph, self);
        if !solution.complete {
            return summary;
        }
        if has_map {
            summary.returns_nil = vec![(false, false); results.len()];
        }
        let mut written: Vec<(usize, BlockId)> = Vec::new();
        for (index, entry) in solution.entry.iter().enumerate() {
            let Some(mut state) = entry.clone() else {
                continue;
            };
            let block = BlockId(index as u32);
            for (position, &step) in self.unit.graph.block(block).steps.iter().enumerate() {
                self.writes(step, &mut |map, node| {
                    let Some(place) = self.place(map) else { return };
                    let whole = place.elements.is_empty() && state.get(&place).is_none();
                    summary.writes_receiver |= whole && receiver == Some(place.root);
                    let parameter = self
                        .unit
                        .parameters
                        .iter()
                        .position(|&parameter| parameter == Some(place.root));
                    if let Some(position) = parameter
                        && whole
                    {
                        // What another function does with it on some ways only may never happen.
                        if self.given_to(map, node).is_none_or(|given| given.1) {
                            written.push((position, block));
                        }
                        if !summary.writes.contains(&position) {
                            summary.writes.push(position);
                        }
                    }
                });
                if let Step::Return(node) = step
                    && has_map
                {
                    self.summarise_return(&state, node, &results, &mut summary);
                }
                self.step(&mut state, block, position, step);
            }
        }
        if summary
            .returns_nil
            .iter()
            .all(|&result| result == (false, false))
        {
            summary.returns_nil.clear();
        }
        summary.writes.sort_unstable();
        summary.always_writes = summary.writes.clone();
        summary.always_writes.retain(|&position| {
            let blocks = written.iter().filter(|entry| entry.0 == position);
            self.passes_one_of(blocks.map(|entry| entry.1).collect())
        });
        summary
    }

    /// Whether every way through the function leads through one of these blocks.
    fn passes_one_of(&self, blocks: Vec<BlockId>) -> bool {
        let graph = &self.unit.graph;
        let mut seen = vec![false; graph.block_count()];
        let mut pending = vec![ControlFlowGraph::ENTRY];
        while let Some(block) = pending.pop() {
            if blocks.contains(&block) || std::mem::replace(&mut seen[block.index()], true) {
                continue;
            }
            if graph.exits.iter().any(|exit| exit.from == block) {
                return false;
            }
            let successors = graph.block(block).successors.iter();
            pending.extend(successors.map(|edge| edge.to));
        }
        true
    }

    /// Whether a result is a map, also where its type is unknown.
    fn gives_map(&self, index: usize, result: &Parameter) -> bool {
        self.is_map(result.parameter_type)
            || self
                .unit
                .object
                .is_some_and(|object| self.known.shapes.gives_map(object, index))
    }

    fn result_types(&self) -> Vec<Parameter> {
        let world = self.world();
        let signature = self.unit.object.map(|object| world.object_type(object));
        let results = signature
            .and_then(|signature| world.as_signature(signature))
            .map(|signature| signature.results);
        results.map_or_else(Vec::new, |results| world.tuple(results).to_vec())
    }

    fn summarise_return(
        &self,
        state: &State,
        node: NodeId,
        results: &[Parameter],
        summary: &mut Summary,
    ) {
        let Statement::Return { results: values } = self.file.tree.statement(node) else {
            return;
        };
        if !values.is_empty() && values.len() != results.len() {
            return;
        }
        // Clone-like functions give nil for nil: their callers know what they pass.
        let from_input = self.under_nil_test_of_input(node);
        let world = self.world();
        let companion = results.len().checked_sub(1).filter(|&last| {
            last > 0
                && (self.is_error_type(results[last].parameter_type)
                    || world.is_boolean(results[last].parameter_type))
        });
        let went_well = match companion {
            None => true,
            Some(last) => match values.get(last) {
                // A bare return: what the error is then is not known here.
                None => return,
                Some(&value) if world.is_boolean(results[last].parameter_type) => {
                    let known = self.file.facts.get(value).and_then(|fact| fact.value);
                    match known {
                        Some(known) => known.bool_value(),
                        None => return,
                    }
                }
                Some(&value) => self.is_nil_node(value),
            },
        };
        for (index, result) in results.iter().enumerate() {
            if !self.gives_map(index, result) || from_input {
                continue;
            }
            let nil = match values.get(index) {
                Some(&value) if self.is_nil_node(value) => true,
                Some(&value) => match self.place(value) {
                    Some(place) => state
                        .get(&place)
                        .is_some_and(|fact| fact.nilness == Nilness::Nil),
                    None => self.gives_nil(value),
                },
                None => self
                    .unit
                    .results
                    .get(index)
                    .copied()
                    .flatten()
                    .and_then(|object| state.get(&Place::variable(object)))
                    .is_some_and(|fact| fact.nilness == Nilness::Nil),
            };
            if nil {
                let entry = &mut summary.returns_nil[index];
                if went_well {
                    entry.0 = true
                } else {
                    entry.1 = true
                }
            }
        }
    }

    /// Whether a result tells what went wrong: an `error`, or a pointer to a type or an interface that is one.
    fn is_error_type(&self, id: TypeId) -> bool {
        let world = self.world();
        let may_be_nil = || world.is_pointer(id) || world.is_interface(id);
        id == world.universe().error
            || id.is_known()
                && may_be_nil()
                && world.method_set(id).iter().any(|selection| {
                    let method = world.object(selection.method);
                    method.name.as_str() == "Error"
                        && world
                            .as_signature(world.object_type(selection.method))
                            .is_some_and(|of| {
                                world.tuple(of.parameters).is_empty()
                                    && matches!(world.tuple(of.results), [text]
                                        if world.is_string(text.parameter_type))
                            })
                })
    }

    /// Whether a value is what another function of the package returns, which may be nil.
    fn gives_nil(&self, value: NodeId) -> bool {
        let value = unparenthesized(self.file, value);
        let Expression::Call { function, .. } = self.file.tree.expression(value) else {
            return false;
        };
        matches!(callee(self.world(), self.file, function), Callee::Function(object)
            if self.returned(object, 0, value, false).is_some())
    }

    /// Whether a return stands under `if in == nil`, where `in` is a map parameter or the receiver.
    fn under_nil_test_of_input(&self, node: NodeId) -> bool {
        let tree = self.file.tree;
        let wanted = tree.span(node);
        let mut current = self.unit.body;
        loop {
            if let NodeKind::IfStmt = tree.kind(current)
                && let Statement::If { condition, .. } = tree.statement(current)
                && self.tests_input(condition)
            {
                return true;
            }
            let mut next = None;
            tree.for_each_child(current, |child| {
                let span = tree.span(child);
                if span.start <= wanted.start && wanted.end <= span.end {
                    next = Some(child);
                }
            });
            match next {
                Some(child) if child != node => current = child,
                _ => return false,
            }
        }
    }

    /// Whether a condition compares a parameter or the receiver with nil.
    fn tests_input(&self, condition: NodeId) -> bool {
        let tree = self.file.tree;
        tree.preorder(condition).any(|node| {
            let Expression::Binary {
                operator: BinaryOperator::Equal,
                left,
                right,
                ..
            } = tree.expression(node)
            else {
                return false;
            };
            [(left, right), (right, left)].iter().any(|&(value, nil)| {
                let value = unparenthesized(self.file, value);
                self.is_nil_node(nil)
                    && self.file.facts.object_of(value).is_some_and(|object| {
                        self.unit.parameters.contains(&Some(object))
                            || self.unit.receiver == Some(object)
                    })
            })
        })
    }
}
