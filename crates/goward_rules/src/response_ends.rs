//! HTTP responses of which nothing stays open although nobody closes their body: there is none, it is
//! read to its end at once, the request ends by itself, or the process does.

use goward_flow::{BlockId, Callee, ExitKind, Step, Unit, UnitId, callee, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Statement, UnaryOperator};
use goward_types::constant::Value;
use goward_types::{ObjectId, TypedFile};

use crate::context::Context;
use crate::parent_contexts::ParentRelease;
use crate::standard_library::{called_function, called_method, local_variable, named, type_name};
use crate::walk::{nil_by_edge, steps_after, walk};

/// An assignment of a response.
pub(crate) struct Response<'c, 'a> {
    pub(crate) context: &'c Context<'a>,
    pub(crate) id: UnitId,
    pub(crate) unit: &'c Unit,
    pub(crate) file: &'c TypedFile<'a>,
    pub(crate) statement: NodeId,
    pub(crate) call: NodeId,
    pub(crate) variable: ObjectId,
}

impl Response<'_, '_> {
    /// Whether nothing stays open.
    pub(crate) fn ends_by_itself(&self) -> bool {
        self.is_request_harmless()
            || self.client_has_timeout()
            || self.is_read_at_once()
            || self.process_ends()
    }

    /// Whether the request is a `HEAD`, or is cancelled when the function returns.
    fn is_request_harmless(&self) -> bool {
        let Expression::Call {
            arguments: [request],
            ..
        } = self.file.tree.expression(self.call)
        else {
            return false;
        };
        let request = unparenthesized(self.file, *request);
        if called_method(self.context, self.file, self.call)
            .is_none_or(|method| method.name != "Do")
        {
            return false;
        }
        let release = ParentRelease::new(self.context, self.id, self.unit);
        if self.file.tree.kind(request) == NodeKind::CallExpr {
            return self.is_harmless(self.statement, request);
        }
        let Some(variable) = local_variable(self.context, self.file, self.id, request) else {
            return false;
        };
        let Some(makers) = release.makers(self.statement, variable) else {
            return false;
        };
        !makers.is_empty()
            && makers.into_iter().all(|maker| {
                let Statement::Assign { right: [value], .. } = self.file.tree.statement(maker)
                else {
                    return false;
                };
                self.is_harmless(maker, unparenthesized(self.file, *value))
            })
    }

    /// Whether a request that a call makes is a `HEAD`, or is cancelled when the function returns.
    fn is_harmless(&self, statement: NodeId, call: NodeId) -> bool {
        let Expression::Call { arguments, .. } = self.file.tree.expression(call) else {
            return false;
        };
        // `must.Get(http.NewRequest(…))`: what the request is made by stands within.
        if let &[inner] = arguments
            && self.file.tree.kind(unparenthesized(self.file, inner)) == NodeKind::CallExpr
        {
            return self.is_harmless(statement, unparenthesized(self.file, inner));
        }
        let with_context = called_method(self.context, self.file, call)
            .is_some_and(|method| method.name == "WithContext");
        let function = called_function(self.context, self.file, call);
        let method = match function {
            Some(("net/http", "NewRequest")) => arguments.first(),
            Some(("net/http", "NewRequestWithContext")) => arguments.get(1),
            _ => None,
        };
        let is_head = method.is_some_and(|&method| is_head(self.file, method))
            || makes_heads(self.context, self.unit.file, call, DEEPEST_MAKER) == Some(true);
        let given = with_context || function.is_some_and(|(_, name)| name.ends_with("Context"));
        is_head
            || given
                && ParentRelease::new(self.context, self.id, self.unit)
                    .releases_child_of(statement, call)
    }

    /// Whether the client is one with a `Timeout`: it cancels the request, body included.
    fn client_has_timeout(&self) -> bool {
        let Some(method) = called_method(self.context, self.file, self.call) else {
            return false;
        };
        let Some(client) = named(self.context, self.file, method.operand) else {
            return false;
        };
        let world = self.context.world();
        if !world.object(client.last).is_field() {
            let value = self.context.flow.lowered.variables.single(client.last);
            return value.is_some_and(|(file, value)| self.has_timeout(file, value));
        }
        // A field: all that the package sets it to.
        let mut values = Vec::new();
        for (index, file) in self.context.package.files.iter().enumerate() {
            let name = world.object(client.last).name;
            if !file.mentions(name.as_str()) {
                continue;
            }
            let tree = file.tree;
            let is_field = |node: NodeId| {
                named(self.context, file, node).is_some_and(|place| place.last == client.last)
            };
            let roots = tree.declarations().iter();
            for node in roots.flat_map(|&root| tree.preorder(root)) {
                match tree.kind(node) {
                    NodeKind::KeyValueExpr => {
                        if let Expression::KeyValue { key, value } = tree.expression(node)
                            && tree.kind(key) == NodeKind::Ident
                            && is_field(key)
                        {
                            values.push((index, Some(value)));
                        }
                    }
                    NodeKind::AssignStmt => {
                        if let Statement::Assign { left, right, .. } = tree.statement(node) {
                            for (position, &place) in left.iter().enumerate() {
                                if tree.kind(place) == NodeKind::SelectorExpr && is_field(place) {
                                    let value = right.get(position).copied();
                                    let own = left.len() == right.len();
                                    values.push((index, value.filter(|_| own)));
                                }
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
        // What is copied from the field itself says nothing new.
        values.retain(|&(file, value)| {
            let copied =
                value.and_then(|value| named(self.context, self.context.file(file), value));
            copied.is_none_or(|copied| copied.last != client.last)
        });
        !values.is_empty()
            && values
                .into_iter()
                .all(|(file, value)| value.is_some_and(|value| self.has_timeout(file, value)))
    }

    /// Whether a value is a literal of a client with a `Timeout`.
    fn has_timeout(&self, index: usize, value: NodeId) -> bool {
        let file = self.context.file(index);
        let mut value = unparenthesized(file, value);
        if file.tree.kind(value) == NodeKind::Ident
            && let Some(variable) = file.facts.object_of(value)
        {
            let single = self.context.flow.lowered.variables.single(variable);
            return single.is_some_and(|(index, value)| {
                let made = self.context.file(index).tree.kind(value) != NodeKind::Ident;
                made && self.has_timeout(index, value)
            });
        }
        if let Expression::Unary {
            operator: UnaryOperator::Address,
            operand,
        } = file.tree.expression(value)
        {
            value = unparenthesized(file, operand);
        }
        let Expression::CompositeLiteral { elements, .. } = file.tree.expression(value) else {
            return false;
        };
        type_name(self.context, file.facts.type_of(value)) == Some(("net/http", "Client"))
            && elements.iter().any(|&element| {
                let Expression::KeyValue { key, value } = file.tree.expression(element) else {
                    return false;
                };
                let none = matches!(
                    file.facts.get(value).and_then(|known| known.value),
                    Some(Value::Int(0))
                );
                file.tree.kind(key) == NodeKind::Ident
                    && file.tree.symbol(key).as_str() == "Timeout"
                    && !none
            })
    }

    /// Whether the body is read to its end on every way from here, but for those on which there is an
    /// error and so no response: at its end the connection is given back.
    fn is_read_at_once(&self) -> bool {
        let graph = &self.unit.graph;
        let tree = self.file.tree;
        let Statement::Assign {
            left: [_, error], ..
        } = tree.statement(self.statement)
        else {
            return false;
        };
        let error = self.file.facts.object_of(*error);
        let mut seen = vec![[false; 2]; graph.block_count()];
        // Whether the error is still that of the response.
        let mut pending: Vec<(BlockId, usize, bool)> = Vec::new();
        for &block in graph.reverse_postorder() {
            let steps = graph.block(block).steps;
            if let Some(index) = steps
                .iter()
                .position(|&step| step == Step::Statement(self.statement))
            {
                pending.push((block, index + 1, true));
            }
        }
        let found = !pending.is_empty();
        'blocks: while let Some((block, from, mut own)) = pending.pop() {
            for &step in &graph.block(block).steps[from..] {
                match step {
                    Step::Expression(node) if self.reads_all(node) => continue 'blocks,
                    Step::Statement(node) if node == self.statement => return false,
                    Step::Statement(node) => {
                        if let Statement::Assign { left, .. } = tree.statement(node) {
                            own &= !left
                                .iter()
                                .any(|&place| self.file.facts.object_of(place) == error);
                        }
                    }
                    _ => {}
                }
            }
            let mut exits = graph.exits.iter();
            if exits.any(|exit| exit.from == block && exit.kind.returns()) {
                return false;
            }
            for edge in graph.block(block).successors {
                let failed = own
                    && error.is_some_and(|error| {
                        nil_by_edge(self.file, edge.kind, error) == Some(false)
                    });
                let known = &mut seen[edge.to.index()][usize::from(own)];
                if !failed && !std::mem::replace(known, true) {
                    pending.push((edge.to, 0, own));
                }
            }
        }
        found
    }

    /// `io.ReadAll(r.Body)` or `io.Copy(w, r.Body)`.
    pub(crate) fn reads_all(&self, node: NodeId) -> bool {
        let tree = self.file.tree;
        let Expression::Call { arguments, .. } = tree.expression(node) else {
            return false;
        };
        matches!(
            called_function(self.context, self.file, node),
            Some(("io", "ReadAll" | "Copy") | ("io/ioutil", "ReadAll"))
        ) && arguments.iter().any(|&argument| {
            matches!(tree.expression(unparenthesized(self.file, argument)),
                Expression::Selector { operand, name } if tree.symbol(name).as_str() == "Body"
                    && self.file.facts.object_of(unparenthesized(self.file, operand))
                        == Some(self.variable))
        })
    }

    /// Whether every way from here ends the process.
    fn process_ends(&self) -> bool {
        let graph = &self.unit.graph;
        let is_own = |step: Step| step == Step::Statement(self.statement);
        let steps = steps_after(graph, is_own);
        let comes_to = |exit: &goward_flow::Exit| {
            let own = graph.block(exit.from).steps;
            own.iter().any(|&step| is_own(step)) || own.iter().any(|step| steps.contains(step))
        };
        let mut exits = graph
            .exits
            .iter()
            .filter(|exit| graph.is_reachable(exit.from) && comes_to(exit))
            .peekable();
        exits.peek().is_some()
            && exits.all(|exit| exit.kind == ExitKind::ProcessExit)
            && !steps.into_iter().any(is_own)
    }
}

/// How many functions deep the making of a request is followed.
const DEEPEST_MAKER: usize = 3;

fn is_head(file: &TypedFile<'_>, method: NodeId) -> bool {
    matches!(
        file.facts.get(method).and_then(|known| known.value),
        Some(Value::String(text)) if text.bytes() == b"HEAD"
    )
}

/// Whether a function of the package that is called makes only `HEAD`s; none where it makes no requests.
fn makes_heads(context: &Context<'_>, index: usize, call: NodeId, depth: usize) -> Option<bool> {
    let file = context.file(index);
    let Expression::Call {
        function,
        arguments,
        ..
    } = file.tree.expression(call)
    else {
        return None;
    };
    let Callee::Function(object) = callee(context.world(), file, function) else {
        return None;
    };
    let target = context.flow.units.of_object(object).filter(|_| depth > 0)?;
    let unit = context.flow.units.get(target);
    let there = context.file(unit.file);
    let mut heads = None;
    walk(unit, |node, _| {
        if there.tree.kind(node) != NodeKind::CallExpr {
            return;
        }
        let Expression::Call {
            arguments: inner, ..
        } = there.tree.expression(node)
        else {
            return;
        };
        let method = match called_function(context, there, node) {
            Some(("net/http", "NewRequest")) => inner.first(),
            Some(("net/http", "NewRequestWithContext")) => inner.get(1),
            _ => {
                if let Some(below) = makes_heads(context, unit.file, node, depth - 1) {
                    heads = Some(below && heads != Some(false));
                }
                return;
            }
        };
        let Some(&method) = method else { return };
        let parameter = there.facts.object_of(unparenthesized(there, method));
        let given = unit
            .parameters
            .iter()
            .position(|&known| known.is_some() && known == parameter)
            .and_then(|position| arguments.get(position));
        let head = is_head(there, method) || given.is_some_and(|&given| is_head(file, given));
        heads = Some(head && heads != Some(false));
    });
    heads
}
