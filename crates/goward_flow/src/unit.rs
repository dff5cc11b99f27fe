//! Function units: declared functions and function literals of a package, each with its graph.

use std::cell::RefCell;

use goward_syntax::{Declaration, Expression, NodeId, NodeKind, Tree};
use goward_types::{NoReturn, ObjectId, TypedFile, TypedPackage, World};
use rustc_hash::FxHashMap;

use crate::build::build;
use crate::graph::{ControlFlowGraph, ExitKind};

/// A function of a package.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitId(pub u32);

impl UnitId {
    /// As an index into [`Units::list`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A declared function with a body, or a function literal.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Index of the file in the package.
    pub file: usize,
    /// The declaration or the literal.
    pub node: NodeId,
    /// The function type, which holds the parameters.
    pub function_type: NodeId,
    /// The block.
    pub body: NodeId,
    /// The function around a literal; none for declared functions and for literals in the
    /// initialisers of package variables.
    pub parent: Option<UnitId>,
    /// The object of a declared function.
    pub object: Option<ObjectId>,
    /// The receiver variable of a method, if it has a name.
    pub receiver: Option<ObjectId>,
    /// The parameters in order; none for those without a name.
    pub parameters: Vec<Option<ObjectId>>,
    /// The named results in order; none for those without a name.
    pub results: Vec<Option<ObjectId>>,
    /// `F`, `T.M`, and for literals as the run time names them: `F.func1`, `F.func1.2`.
    pub name: String,
    pub graph: ControlFlowGraph,
    /// The nodes of the body, each with the node around it, parents before children and in the
    /// order of the source; without what is in function literals, which are units of their own.
    pub nodes: Vec<(NodeId, NodeId)>,
}

impl Unit {
    /// Whether this is a function literal.
    pub fn is_literal(&self) -> bool {
        self.object.is_none()
    }
}

/// All functions of a package, in the order of files and source; a literal after the function
/// around it.
#[derive(Clone, Debug, Default)]
pub struct Units {
    pub list: Vec<Unit>,
    by_object: FxHashMap<ObjectId, UnitId>,
    by_literal: FxHashMap<(usize, NodeId), UnitId>,
    /// Functions that never return.
    no_return: FxHashMap<ObjectId, NoReturn>,
}

impl Units {
    /// Finds the functions of a package and builds their graphs.
    pub fn new(package: &TypedPackage<'_>) -> Units {
        let mut units = Units::default();
        for (index, file) in package.files.iter().enumerate() {
            let mut initialisers = 0;
            for &declaration in file.tree.declarations() {
                match file.tree.declaration(declaration) {
                    Declaration::Function(function) => {
                        let Some(body) = function.body.filter(|_| !function.body_skipped) else {
                            continue;
                        };
                        let object = file.facts.object_of(function.name);
                        let receiver = function.receiver.first().map(|&node| file.tree.field(node));
                        let name = file.tree.symbol(function.name);
                        let name = match receiver {
                            Some(field) => {
                                format!("{}.{name}", receiver_name(file.tree, field.field_type))
                            }
                            None => name.as_str().to_owned(),
                        };
                        let id = units.add(Unit {
                            file: index,
                            node: declaration,
                            function_type: function.function_type,
                            body,
                            parent: None,
                            object,
                            receiver: receiver
                                .and_then(|field| file.facts.object_of(*field.names.first()?)),
                            parameters: parameters(file, function.function_type, false),
                            results: parameters(file, function.function_type, true),
                            name,
                            graph: ControlFlowGraph::default(),
                            nodes: Vec::new(),
                        });
                        units.body(file, id);
                    }
                    _ => {
                        units.literals(
                            file,
                            index,
                            (declaration, declaration),
                            None,
                            &mut initialisers,
                        );
                    }
                }
            }
        }
        units.build_graphs(package);
        units
    }

    fn add(&mut self, unit: Unit) -> UnitId {
        let id = UnitId(self.list.len() as u32);
        match unit.object {
            Some(object) => {
                self.by_object.insert(object, id);
            }
            None => {
                self.by_literal.insert((unit.file, unit.node), id);
            }
        }
        self.list.push(unit);
        id
    }

    /// Keeps the nodes of a function, and adds the function literals in it.
    fn body(&mut self, file: &TypedFile<'_>, id: UnitId) {
        let unit = self.get(id);
        let (index, root) = (unit.file, (unit.body, unit.node));
        let nodes = self.literals(file, index, root, Some(id), &mut 0);
        self.list[id.index()].nodes = nodes;
    }

    /// Adds the function literals below a node, which comes with the one around it; gives the nodes
    /// that are in none.
    fn literals(
        &mut self,
        file: &TypedFile<'_>,
        index: usize,
        root: (NodeId, NodeId),
        parent: Option<UnitId>,
        count: &mut u32,
    ) -> Vec<(NodeId, NodeId)> {
        let mut nodes = Vec::new();
        let mut pending = vec![root];
        while let Some((node, around)) = pending.pop() {
            nodes.push((node, around));
            let below = pending.len();
            if file.tree.kind(node) == NodeKind::FuncLit
                && let Expression::FunctionLiteral {
                    function_type,
                    body,
                } = file.tree.expression(node)
            {
                *count += 1;
                let name = match parent.map(|parent| &self.list[parent.index()]) {
                    Some(parent) if parent.is_literal() => format!("{}.{count}", parent.name),
                    Some(parent) => format!("{}.func{count}", parent.name),
                    None => format!("init.func{count}"),
                };
                let id = self.add(Unit {
                    file: index,
                    node,
                    function_type,
                    body,
                    parent,
                    object: None,
                    receiver: None,
                    parameters: parameters(file, function_type, false),
                    results: parameters(file, function_type, true),
                    name,
                    graph: ControlFlowGraph::default(),
                    nodes: Vec::new(),
                });
                self.body(file, id);
                continue;
            }
            file.tree
                .for_each_child(node, |child| pending.push((child, node)));
            pending[below..].reverse();
        }
        nodes.shrink_to_fit();
        nodes
    }

    /// Builds all graphs, and again those of functions that call what turned out not to return.
    fn build_graphs(&mut self, package: &TypedPackage<'_>) {
        const ROUNDS: usize = 4;
        let mut callers: FxHashMap<ObjectId, Vec<usize>> = FxHashMap::default();
        let mut open: Vec<usize> = (0..self.list.len()).collect();
        for round in 0..ROUNDS {
            let mut found = Vec::new();
            for &index in &open {
                let unit = &mut self.list[index];
                let asked = RefCell::new(Vec::new());
                let local = |object: ObjectId| {
                    if let Some(body) = package.imported_body(object) {
                        return body.never_returns;
                    }
                    asked.borrow_mut().push(object);
                    self.no_return.get(&object).copied()
                };
                unit.graph = build(package.world, &package.files[unit.file], unit.body, &local);
                if round == 0 {
                    for callee in asked.into_inner() {
                        callers.entry(callee).or_default().push(index);
                    }
                }
                if let (Some(object), Some(kind)) = (unit.object, never_returns(&unit.graph))
                    && self.no_return.get(&object) != Some(&kind)
                {
                    found.push((object, kind));
                }
            }
            let asking = found.iter().filter_map(|(object, _)| callers.get(object));
            open = asking.flatten().copied().collect();
            open.sort_unstable();
            open.dedup();
            self.no_return.extend(found);
            if open.is_empty() {
                break;
            }
        }
    }

    /// A function.
    pub fn get(&self, id: UnitId) -> &Unit {
        &self.list[id.index()]
    }

    /// All functions with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (UnitId, &Unit)> {
        let ids = (0..self.list.len()).map(|index| UnitId(index as u32));
        ids.zip(&self.list)
    }

    /// The unit of a declared function of this package.
    pub fn of_object(&self, object: ObjectId) -> Option<UnitId> {
        self.by_object.get(&object).copied()
    }

    /// The unit of a function literal.
    pub fn of_literal(&self, file: usize, literal: NodeId) -> Option<UnitId> {
        self.by_literal.get(&(file, literal)).copied()
    }

    /// How a function of this package ends that never returns.
    pub fn no_return(&self, object: ObjectId) -> Option<NoReturn> {
        self.no_return.get(&object).copied()
    }

    /// The declared function that a unit is or stands in.
    pub fn outermost(&self, mut id: UnitId) -> UnitId {
        while let Some(parent) = self.get(id).parent {
            id = parent;
        }
        id
    }

    /// The unit and the functions around it, innermost first.
    pub fn chain(&self, id: UnitId) -> impl Iterator<Item = UnitId> {
        std::iter::successors(Some(id), |&id| self.get(id).parent)
    }
}

/// How a function ends that has no exit by which it returns; none if it returns, or only never ends.
fn never_returns(graph: &ControlFlowGraph) -> Option<NoReturn> {
    let mut found = None;
    for exit in &graph.exits {
        if !graph.is_reachable(exit.from) {
            continue;
        }
        let kind = match exit.kind {
            ExitKind::Return | ExitKind::End => return None,
            // A deferred call may recover: then the function returns.
            ExitKind::Panic if !exit.deferred.is_empty() => return None,
            ExitKind::Panic => NoReturn::Panic,
            ExitKind::Goexit => NoReturn::Goexit,
            ExitKind::ProcessExit => NoReturn::ProcessExit,
        };
        found = found.max(Some(kind));
    }
    found
}

/// The name of the type of a receiver as written, without pointer and type parameters.
fn receiver_name(tree: &Tree, mut node: NodeId) -> &'static str {
    loop {
        node = match tree.expression(node) {
            Expression::Star { operand }
            | Expression::Index { operand, .. }
            | Expression::Parenthesized { inner: operand } => operand,
            _ => break,
        };
    }
    match tree.kind(node) {
        NodeKind::Ident => tree.symbol(node).as_str(),
        _ => "",
    }
}

/// The objects of the parameters or results of a function type, one for each.
fn parameters(
    file: &TypedFile<'_>,
    function_type: NodeId,
    of_results: bool,
) -> Vec<Option<ObjectId>> {
    let Expression::FunctionType {
        parameters,
        results,
        ..
    } = file.tree.expression(function_type)
    else {
        return Vec::new();
    };
    let mut objects = Vec::new();
    for &entry in if of_results { results } else { parameters } {
        let field = file.tree.field(entry);
        if field.names.is_empty() {
            objects.push(None);
        }
        for &name in field.names {
            objects.push(file.facts.object_of(name));
        }
    }
    objects
}

/// The type that a receiver or pointer leads to, by name; for messages.
pub fn named_behind(world: &World, id: goward_types::TypeId) -> Option<ObjectId> {
    let (base, _) = world.deref(id);
    world
        .as_named(world.unalias(base))
        .map(|named| named.object)
}
