//! `close-under-rlock`: a channel is closed behind a test that only a read lock guards.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{
    ChannelOperation, EventKind, Held, Mode, Observed, PathId, Unit, unparenthesized,
};
use goward_syntax::{Expression, NodeId, NodeKind, Statement, UnaryOperator};
use goward_types::{ObjectKind, TypeId, TypeKind, TypedFile, VariableKind};
use rustc_hash::FxHashSet;

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::sharing::is_package_level;
use crate::standard_library::{called_method, named};

rule! {
    /// Reports channels that two goroutines may close, because the test before it holds a read lock only.
    ///
    /// ## What it reports
    ///
    /// `close` of a channel of an object, or of a package variable, while a read lock of the object is held and no
    /// other lock, where a test comes before it that shows that others may close the channel, too: a boolean field or
    /// an atomic that is loaded, the channel compared with nil, a `select` that receives from it and has a `default`,
    /// or a look into the map that holds it.
    ///
    /// Silent where the test is one step with the change, as in `sync.Once` and `CompareAndSwap`, and where only one
    /// goroutine runs the function.
    ///
    /// ## Why it matters
    ///
    /// Any number of goroutines hold a read lock at the same time. Two of them can both find the channel open, and
    /// the second `close` panics with `close of closed channel`.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "sync"
    ///
    /// type Feed struct {
    /// 	mu     sync.RWMutex
    /// 	closed bool
    /// 	done   chan struct{}
    /// }
    ///
    /// func NewFeed() *Feed { return &Feed{done: make(chan struct{})} }
    ///
    /// func (f *Feed) Close() {
    /// 	f.mu.RLock()
    /// 	defer f.mu.RUnlock()
    /// 	if f.closed {
    /// 		return
    /// 	}
    /// 	f.closed = true
    /// 	close(f.done) // want close-under-rlock
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import "sync"
    ///
    /// type Feed struct {
    /// 	mu     sync.RWMutex
    /// 	closed bool
    /// 	done   chan struct{}
    /// }
    ///
    /// func NewFeed() *Feed { return &Feed{done: make(chan struct{})} }
    ///
    /// func (f *Feed) Close() {
    /// 	f.mu.Lock()
    /// 	defer f.mu.Unlock()
    /// 	if f.closed {
    /// 		return
    /// 	}
    /// 	f.closed = true
    /// 	close(f.done)
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: who holds the read lock meanwhile, and calls this function, would wait for itself.
    pub(crate) const RULE: Rule = Rule {
        name: "close-under-rlock",
        category: Category::Panic,
        group: Group::Default,
        severity: Severity::Error,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let flow = context.flow;
    let mut seen = FxHashSet::default();
    for observed in &flow.observed {
        let EventKind::Channel {
            channel,
            operation: ChannelOperation::Close,
            ..
        } = observed.event.kind
        else {
            continue;
        };
        let unit = flow.units.get(observed.unit);
        if context.file(unit.file).test {
            continue;
        }
        let Some((lock, held)) = read_lock(context, observed, channel) else {
            continue;
        };
        // Two goroutines must be able to come here.
        if context.origins().single(context, observed.unit).is_some()
            || flow.is_fresh(observed.unit, channel, &observed.state)
        {
            continue;
        }
        let test = Tests {
            context,
            unit,
            file: context.file(unit.file),
            lock,
            channel,
        }
        .before(observed.event.node);
        if let Some(test) = test
            && seen.insert((observed.unit, observed.event.node))
        {
            findings.push(finding(context, observed, channel, (lock, held), test));
        }
    }
}

/// The read lock of its object under which a channel is closed, with no other lock.
fn read_lock(
    context: &Context<'_>,
    observed: &Observed,
    channel: PathId,
) -> Option<(PathId, Held)> {
    let state = &observed.state;
    let other = |held: &Held| matches!(held.mode, Mode::Write | Mode::Maybe);
    if state.held.iter().any(|entry| other(&entry.1)) {
        return None;
    }
    let found = state.locks().find(|(lock, held)| {
        held.mode == Mode::Read
            && held.sync
            && (guards(context, &context.flow.locks.paths(), *lock, channel)
                || is_element(context, *lock, channel))
    })?;
    Some(*found)
}

/// Whether a channel is a local variable that holds an element of a map or slice of the object of a lock.
fn is_element(context: &Context<'_>, lock: PathId, channel: PathId) -> bool {
    let flow = context.flow;
    let paths = flow.locks.paths();
    let value = paths
        .root(channel)
        .filter(|_| paths.get(channel).elements.is_empty())
        .and_then(|variable| flow.lowered.variables.single(variable));
    value.is_some_and(|(file, value)| {
        let file = context.file(file);
        let value = unparenthesized(file, value);
        matches!(file.tree.expression(value), Expression::Index { operand, .. }
            if is_guarded(context, file, lock, operand))
    })
}

/// Whether a lock belongs to the object that a place belongs to, or both to the package.
fn guards(context: &Context<'_>, paths: &goward_flow::Paths, lock: PathId, place: PathId) -> bool {
    paths.owner_leads_to(lock, place)
        || paths.get(lock).elements.is_empty()
            && is_package_level(context, lock)
            && is_package_level(context, place)
}

struct Tests<'c, 'a> {
    context: &'c Context<'a>,
    unit: &'c Unit,
    file: &'c TypedFile<'a>,
    lock: PathId,
    channel: PathId,
}

impl Tests<'_, '_> {
    /// The test on which it depends whether control comes to a node: around it, or with a `return`
    /// before it.
    fn before(&self, node: NodeId) -> Option<NodeId> {
        let tree = self.file.tree;
        let mut child = node;
        while child != self.unit.body {
            let parent = self.parent(child)?;
            match tree.kind(parent) {
                NodeKind::IfStmt => {
                    if let Statement::If {
                        initial, condition, ..
                    } = tree.statement(parent)
                        && child != condition
                    {
                        return self.test(initial, condition);
                    }
                }
                NodeKind::CommClause => {
                    if let Statement::CommunicationClause {
                        communication: None,
                        ..
                    } = tree.statement(parent)
                        && let Some(block) = self.parent(parent)
                        && self.receives_otherwise(block)
                    {
                        return Some(parent);
                    }
                }
                NodeKind::BlockStmt | NodeKind::CaseClause => {
                    for before in self.children(parent).into_iter().rev() {
                        if tree.span(before).start >= tree.span(child).start {
                            continue;
                        }
                        if let NodeKind::IfStmt = tree.kind(before)
                            && let Statement::If {
                                initial,
                                condition,
                                then,
                                otherwise: None,
                            } = tree.statement(before)
                            && self.returns(then)
                        {
                            return self.test(initial, condition);
                        }
                        // `select { case <-done: return; default: }`
                        if let NodeKind::SelectStmt = tree.kind(before)
                            && let Statement::Select { body } = tree.statement(before)
                            && self.receives_otherwise(body)
                            && self
                                .children(body)
                                .into_iter()
                                .any(|clause| self.returns(clause))
                        {
                            return Some(before);
                        }
                    }
                }
                _ => {}
            }
            child = parent;
        }
        None
    }

    fn parent(&self, node: NodeId) -> Option<NodeId> {
        let entry = self.unit.nodes.iter().find(|entry| entry.0 == node)?;
        Some(entry.1)
    }

    fn children(&self, node: NodeId) -> Vec<NodeId> {
        let mut children = Vec::new();
        self.file
            .tree
            .for_each_child(node, |child| children.push(child));
        children
    }

    /// Whether a block or clause ends with a `return`.
    fn returns(&self, block: NodeId) -> bool {
        let last = self.children(block).into_iter().next_back();
        last.is_some_and(|last| self.file.tree.kind(last) == NodeKind::ReturnStmt)
    }

    /// Whether a `select` with a `default` receives from the channel.
    fn receives_otherwise(&self, body: NodeId) -> bool {
        let tree = self.file.tree;
        let last = |path: PathId| self.context.flow.locks.paths().last_field(path);
        let mut has_default = false;
        let mut receives = false;
        for clause in self.children(body) {
            let Statement::CommunicationClause { communication, .. } = tree.statement(clause)
            else {
                continue;
            };
            let Some(communication) = communication else {
                has_default = true;
                continue;
            };
            receives |= tree.preorder(communication).any(|below| {
                matches!(tree.expression(below), Expression::Unary {
                    operator: UnaryOperator::Receive,
                    operand,
                } if named(self.context, self.file, operand)
                    .is_some_and(|channel| Some(channel.last) == last(self.channel)))
            });
        }
        has_default && receives
    }

    /// Whether a condition looks at what the lock guards, and changes nothing by that.
    fn test(&self, initial: Option<NodeId>, condition: NodeId) -> Option<NodeId> {
        let tree = self.file.tree;
        let parts = initial.into_iter().chain([condition]);
        let mut looks = false;
        for node in parts.flat_map(|part| tree.preorder(part)) {
            match tree.kind(node) {
                NodeKind::CallExpr => {
                    let load = called_method(self.context, self.file, node).filter(|method| {
                        method.of == ("sync/atomic", "Bool") && method.name == "Load"
                    })?;
                    looks |= is_guarded(self.context, self.file, self.lock, load.operand);
                }
                NodeKind::Ident | NodeKind::SelectorExpr => {
                    let known = self.file.facts.type_of(node);
                    let world = self.context.world();
                    looks |= known.is_known()
                        && (world.is_boolean(known)
                            || world.underlying(known).kind() == TypeKind::Channel
                                && self.is_compared_with_nil(node))
                        && is_guarded(self.context, self.file, self.lock, node);
                }
                NodeKind::IndexExpr => {
                    if let Expression::Index { operand, .. } = tree.expression(node) {
                        looks |= is_guarded(self.context, self.file, self.lock, operand);
                    }
                }
                _ => {}
            }
        }
        looks.then_some(condition)
    }

    fn is_compared_with_nil(&self, node: NodeId) -> bool {
        let Some(parent) = self.parent(node) else {
            return false;
        };
        matches!(self.file.tree.expression(parent), Expression::Binary { left, right, .. }
        if [left, right].into_iter().any(|side| {
            self.file.facts.type_of(side) == TypeId::UNTYPED_NIL
                || self.file.facts.object_of(unparenthesized(self.file, side)).is_some_and(
                    |object| self.context.world().object(object).kind == ObjectKind::Nil,
                )
        }))
    }
}

/// Whether a place belongs to the object of a lock: by the variable that both start at.
fn is_guarded(context: &Context<'_>, file: &TypedFile<'_>, lock: PathId, node: NodeId) -> bool {
    let Some(place) = named(context, file, node) else {
        return false;
    };
    let world = context.world();
    let package = |object| world.object(object).kind == ObjectKind::Variable(VariableKind::Package);
    let root = context.flow.locks.paths().root(lock);
    root.is_some_and(|root| {
        root == place.root && place.last != place.root || package(root) && package(place.root)
    })
}

fn finding(
    context: &Context<'_>,
    observed: &Observed,
    channel: PathId,
    (lock, held): (PathId, Held),
    test: NodeId,
) -> Diagnostic {
    let flow = context.flow;
    let file = flow.units.get(observed.unit).file;
    let (name, lock) = (flow.text(channel), flow.text(lock));
    let path = context.path(file);
    let test_span = context.span(file, test);
    RULE.diagnostic(
        path.clone(),
        context.span(file, observed.event.node),
        format!("`{name}` may be closed by two goroutines: `{lock}` is held for reading only"),
    )
    .in_function(context.function(observed.unit))
    .operation(format!("close {name}"))
    .step(
        context.path(held.file),
        context.span(held.file, held.node),
        format!("`{lock}` is locked for reading here, as others may do at the same time"),
    )
    .step(
        path.clone(),
        test_span,
        "two of them can both pass this test",
    )
    .step(
        path,
        context.span(file, observed.event.node),
        "and the second close panics",
    )
    .help(format!(
        "hold `{lock}` with `Lock` from the test to the close, or close in a `sync.Once`"
    ))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn tests_before_the_close() {
        check(
            &RULE,
            r#"
package p

import (
	"sync"
	"sync/atomic"
)

type Hub struct {
	mu     sync.RWMutex
	closed bool
	done   chan bool
	subs   map[string]chan int
	once   sync.Once
	flag   atomic.Bool
}

var (
	mu     sync.RWMutex
	all    = make(chan bool)
	closed bool
)

type Embedding struct {
	sync.RWMutex
	closed bool
	done   chan bool
}

func (h *Hub) Around() {
	h.mu.RLock()
	if !h.closed {
		close(h.done) // want "may be closed by two goroutines"
		h.closed = true
	}
	h.mu.RUnlock()
}
func (h *Hub) Select() {
	h.mu.RLock()
	defer h.mu.RUnlock()
	select {
	case <-h.done:
	default:
		close(h.done) // want "may be closed by two goroutines"
	}
}
func (h *Hub) SelectBefore() {
	h.mu.RLock()
	defer h.mu.RUnlock()
	select {
	case <-h.done:
		return
	default:
	}
	close(h.done) // want "may be closed by two goroutines"
}
func (h *Hub) Nil() {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.done != nil {
		close(h.done) // want "may be closed by two goroutines"
		h.done = nil
	}
}
func (h *Hub) Element(key string) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if sub, ok := h.subs[key]; ok {
		close(sub) // want "may be closed by two goroutines"
	}
}
func (h *Hub) Loaded() {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.flag.Load() {
		return
	}
	h.flag.Store(true)
	close(h.done) // want "may be closed by two goroutines"
}
func (h *Hub) Called() {
	h.mu.RLock()
	defer h.mu.RUnlock()
	h.shut()
}
func (h *Hub) shut() {
	if h.closed {
		return
	}
	h.closed = true
	close(h.done) // want "may be closed by two goroutines"
}
func (e *Embedding) Close() {
	e.RLock()
	defer e.RUnlock()
	if e.closed {
		return
	}
	close(e.done) // want "may be closed by two goroutines"
}
func Close() {
	mu.RLock()
	defer mu.RUnlock()
	if closed {
		return
	}
	closed = true
	close(all) // want "may be closed by two goroutines"
}

func (h *Hub) Written() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.closed = true
		close(h.done)
	}
}
func (h *Hub) Once() {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.closed {
		return
	}
	h.once.Do(func() { close(h.done) })
}
func (h *Hub) Swapped() {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.flag.Swap(true) {
		return
	}
	close(h.done)
}
func (h *Hub) Compared() {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.flag.CompareAndSwap(false, true) {
		close(h.done)
	}
}
func (h *Hub) Reply(reply chan int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.closed {
		close(reply)
	}
}
func (h *Hub) Untested() {
	h.mu.RLock()
	defer h.mu.RUnlock()
	close(h.done)
}
func (h *Hub) Upgraded() {
	h.mu.RLock()
	open := !h.closed
	h.mu.RUnlock()
	if open {
		h.mu.Lock()
		defer h.mu.Unlock()
		if !h.closed {
			h.closed = true
			close(h.done)
		}
	}
}
func (h *Hub) start() { go h.run() }
func (h *Hub) run() {
	h.mu.RLock()
	defer h.mu.RUnlock()
	h.stop()
}
func (h *Hub) stop() {
	if !h.closed {
		close(h.done)
	}
}
"#,
        );
    }
}
