//! Whether what a function does at one place depends on what it found at another one.

use goward_flow::Unit;
use goward_syntax::{NodeId, NodeKind, Specification, Statement};
use goward_types::{ObjectId, TypedFile};
use rustc_hash::{FxHashMap, FxHashSet};

/// The nodes of one function with those around them.
pub(crate) struct Dependence<'d, 'a> {
    file: &'d TypedFile<'a>,
    body: NodeId,
    parents: FxHashMap<NodeId, NodeId>,
    nodes: &'d [(NodeId, NodeId)],
}

impl<'d, 'a> Dependence<'d, 'a> {
    pub(crate) fn new(file: &'d TypedFile<'a>, unit: &'d Unit) -> Dependence<'d, 'a> {
        Dependence {
            file,
            body: unit.body,
            parents: unit.nodes.iter().copied().collect(),
            nodes: &unit.nodes,
        }
    }

    /// Whether `act` is made only under a condition on what `found` gave, or is given it.
    pub(crate) fn depends(&self, act: NodeId, found: NodeId) -> bool {
        let variables = self.variables_of(found);
        let tells = |node: NodeId| {
            self.file.tree.preorder(node).any(|below| {
                below == found
                    || self.file.tree.kind(below) == NodeKind::Ident
                        && self
                            .file
                            .facts
                            .object_of(below)
                            .is_some_and(|object| variables.contains(&object))
            })
        };
        // The statement itself, as far as it comes before or within the call.
        let mut child = act;
        if tells(act) {
            return true;
        }
        while child != self.body {
            let Some(&parent) = self.parents.get(&child) else {
                return false;
            };
            match self.file.tree.kind(parent) {
                NodeKind::AssignStmt => {
                    if let Statement::Assign { left, right, .. } = self.file.tree.statement(parent)
                        && left.contains(&child)
                        && right.iter().any(|&value| tells(value))
                    {
                        return true;
                    }
                }
                NodeKind::IfStmt => {
                    if let Statement::If {
                        initial, condition, ..
                    } = self.file.tree.statement(parent)
                        && initial.into_iter().chain([condition]).any(tells)
                    {
                        return true;
                    }
                }
                NodeKind::BlockStmt | NodeKind::CaseClause => {
                    let mut before = Vec::new();
                    self.file.tree.for_each_child(parent, |sibling| {
                        if self.start(sibling) < self.start(child) {
                            before.push(sibling);
                        }
                    });
                    if before
                        .into_iter()
                        .any(|sibling| self.leaves(sibling, &tells))
                    {
                        return true;
                    }
                }
                _ => {}
            }
            child = parent;
        }
        false
    }

    fn start(&self, node: NodeId) -> u32 {
        self.file.tree.span(node).start
    }

    /// `if … { return }` with a condition that tells.
    fn leaves(&self, statement: NodeId, tells: &dyn Fn(NodeId) -> bool) -> bool {
        if self.file.tree.kind(statement) != NodeKind::IfStmt {
            return false;
        }
        let Statement::If {
            initial,
            condition,
            then,
            otherwise: None,
        } = self.file.tree.statement(statement)
        else {
            return false;
        };
        let mut last = None;
        self.file
            .tree
            .for_each_child(then, |child| last = Some(child));
        let ends = last.is_some_and(|last| {
            matches!(
                self.file.tree.kind(last),
                NodeKind::ReturnStmt | NodeKind::BranchStmt
            )
        });
        ends && initial.into_iter().chain([condition]).any(tells)
    }

    /// The variables that are set from a node, and those that are set from these.
    fn variables_of(&self, found: NodeId) -> FxHashSet<ObjectId> {
        let tree = self.file.tree;
        let mut variables = FxHashSet::default();
        for &(node, _) in self.nodes {
            let (left, right) = match tree.kind(node) {
                NodeKind::AssignStmt => match tree.statement(node) {
                    Statement::Assign { left, right, .. } => (left, right),
                    _ => continue,
                },
                NodeKind::ValueSpec => match tree.specification(node) {
                    Specification::Value { names, values, .. } => (names, values),
                    _ => continue,
                },
                _ => continue,
            };
            let from = right.iter().any(|&value| {
                tree.preorder(value).any(|below| {
                    below == found
                        || tree.kind(below) == NodeKind::Ident
                            && self
                                .file
                                .facts
                                .object_of(below)
                                .is_some_and(|object| variables.contains(&object))
                })
            });
            if from {
                let names = left
                    .iter()
                    .filter(|&&place| tree.kind(place) == NodeKind::Ident)
                    .filter_map(|&place| self.file.facts.object_of(place));
                variables.extend(names);
            }
        }
        variables
    }
}
