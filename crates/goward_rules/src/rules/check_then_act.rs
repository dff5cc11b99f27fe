//! `check-then-act`: what was found in a map under the lock is acted upon under another one.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{AccessKind, EventKind, Held, PathId, UnitId, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::standard_library::called_method;

rule! {
    /// Reports maps that are looked at and set in two critical sections, with a gap between.
    ///
    /// ## What it reports
    ///
    /// An element of a map that is set with a mutex held, where the same function has read that element before with
    /// the mutex held and has unlocked it since, and does not look again. And `Store` or `Delete` of a `sync.Map`
    /// after `Load` of the same key, with no lock held.
    ///
    /// Often it does no harm when two goroutines both set the element: the rule is in the nursery.
    ///
    /// ## Why it matters
    ///
    /// Between the two another goroutine may have set the element. Its value is overwritten: two goroutines both
    /// make what there should be one of, or a count loses an increment.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "sync"
    ///
    /// type pool struct {
    /// 	mu    sync.Mutex
    /// 	conns map[string]*conn
    /// }
    ///
    /// type conn struct{}
    ///
    /// func newPool() *pool { return &pool{conns: map[string]*conn{}} }
    ///
    /// func (p *pool) get(host string, dial func() *conn) *conn {
    /// 	p.mu.Lock()
    /// 	known := p.conns[host]
    /// 	p.mu.Unlock()
    /// 	if known != nil {
    /// 		return known
    /// 	}
    /// 	made := dial()
    /// 	p.mu.Lock()
    /// 	defer p.mu.Unlock()
    /// 	p.conns[host] = made // want check-then-act
    /// 	return made
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
    /// type pool struct {
    /// 	mu    sync.Mutex
    /// 	conns map[string]*conn
    /// }
    ///
    /// type conn struct{}
    ///
    /// func newPool() *pool { return &pool{conns: map[string]*conn{}} }
    ///
    /// func (p *pool) get(host string, dial func() *conn) *conn {
    /// 	p.mu.Lock()
    /// 	known := p.conns[host]
    /// 	p.mu.Unlock()
    /// 	if known != nil {
    /// 		return known
    /// 	}
    /// 	made := dial()
    /// 	p.mu.Lock()
    /// 	defer p.mu.Unlock()
    /// 	if other := p.conns[host]; other != nil {
    /// 		return other
    /// 	}
    /// 	p.conns[host] = made
    /// 	return made
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: which of two values counts is for the author to say. For a `sync.Map`, `LoadOrStore`,
    /// `LoadAndDelete` and `CompareAndSwap` do both at once.
    pub(crate) const RULE: Rule = Rule {
        name: "check-then-act",
        category: Category::Race,
        group: Group::Nursery,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    for (id, unit) in context.flow.units.iter() {
        if context.file(unit.file).test {
            continue;
        }
        locked_maps(context, id, findings);
        sync_maps(context, id, findings);
    }
}

/// An element in a critical section.
struct Element {
    kind: AccessKind,
    node: NodeId,
    /// The map, the element as written, and the lock of the map with where it was taken.
    map: PathId,
    text: String,
    lock: (PathId, Held),
}

fn locked_maps(context: &Context<'_>, id: UnitId, findings: &mut Vec<Diagnostic>) {
    let flow = context.flow;
    let file = flow.units.get(id).file;
    let tree = context.file(file).tree;
    let mut elements: Vec<Element> = Vec::new();
    for observed in flow.observed_in(id) {
        let EventKind::Access(access) = observed.event.kind else {
            continue;
        };
        if !matches!(access.kind, AccessKind::Read | AccessKind::Write)
            || tree.kind(access.node) != NodeKind::IndexExpr
            || observed.deferred.is_some()
        {
            continue;
        }
        let paths = flow.locks.paths();
        let lock = observed.state.locks().find(|(lock, held)| {
            held.own
                && held.certain
                && held.sync
                && (paths.owner_leads_to(*lock, access.path)
                    || paths.get(*lock).elements.is_empty()
                        && paths.get(access.path).elements.is_empty())
        });
        if let Some(&lock) = lock {
            elements.push(Element {
                kind: access.kind,
                node: access.node,
                map: access.path,
                text: context.text(file, access.node),
                lock,
            });
        }
    }
    let mut seen = FxHashSet::default();
    for act in elements.iter().filter(|act| act.kind == AccessKind::Write) {
        let start = |element: &Element| tree.span(element.node).start;
        let same = |other: &&Element| {
            other.map == act.map && other.text == act.text && other.lock.0 == act.lock.0
        };
        let here = |other: &Element| other.lock.1.node == act.lock.1.node;
        let looks_again = elements.iter().filter(same).any(|other| {
            other.kind == AccessKind::Read && here(other) && start(other) < start(act)
        });
        let Some(check) = elements.iter().filter(same).find(|other| {
            other.kind == AccessKind::Read && !here(other) && start(other) < start(act)
        }) else {
            continue;
        };
        // Whoever sets the element in the first section has taken it for itself.
        let reserves = elements
            .iter()
            .filter(same)
            .any(|other| other.kind == AccessKind::Write && other.lock.1.node == check.lock.1.node);
        if looks_again || reserves || !seen.insert(act.node) {
            continue;
        }
        let name = flow.text(act.lock.0);
        let path = context.path(file);
        findings.push(
            RULE.diagnostic(
                path.clone(),
                context.span(file, act.node),
                format!(
                    "`{}` may have been set by another goroutine since it was read",
                    act.text
                ),
            )
            .in_function(context.function(id))
            .operation(format!("set {} after a gap", act.text))
            .step(
                path.clone(),
                context.span(file, check.node),
                format!("it is read here, with `{name}` held"),
            )
            .step(
                path.clone(),
                context.span(file, act.lock.1.node),
                format!("`{name}` has been given back since, and is taken again here"),
            )
            .step(path, context.span(file, act.node), "it is set here")
            .help("look again before it is set, or hold the lock from the first look on"),
        );
    }
}

fn sync_maps(context: &Context<'_>, id: UnitId, findings: &mut Vec<Diagnostic>) {
    let flow = context.flow;
    let unit = flow.units.get(id);
    let file = context.file(unit.file);
    let mut loads: FxHashMap<(String, String), NodeId> = FxHashMap::default();
    let mut acts: Vec<(NodeId, &'static str, (String, String))> = Vec::new();
    let mut seen = FxHashSet::default();
    flow.replay(id, |_, event, state| {
        if !matches!(event.kind, EventKind::Called) || state.may_hold_any() {
            return;
        }
        let Some(method) = called_method(context, file, event.node) else {
            return;
        };
        let Expression::Call { arguments, .. } = file.tree.expression(event.node) else {
            return;
        };
        let (true, Some(&key)) = (method.of == ("sync", "Map"), arguments.first()) else {
            return;
        };
        let place = (
            context.text(unit.file, method.operand),
            context.text(unit.file, unparenthesized(file, key)),
        );
        let act = match method.name {
            "Store" => "stored",
            "Delete" => "deleted",
            "Load" => {
                loads.entry(place).or_insert(event.node);
                return;
            }
            _ => return,
        };
        if seen.insert(event.node) {
            acts.push((event.node, act, place));
        }
    });
    for (node, act, place) in acts {
        let span = file.tree.span(node);
        let load = loads
            .get(&place)
            .filter(|&&load| file.tree.span(load).start < span.start);
        let Some(&load) = load else { continue };
        let path = context.path(unit.file);
        let (map, key) = place;
        findings.push(
            RULE.diagnostic(
                path.clone(),
                span,
                format!(
                    "`{key}` of `{map}` may have changed since `Load`, and is {act} all the same"
                ),
            )
            .in_function(context.function(id))
            .operation(context.text(unit.file, node))
            .step(
                path.clone(),
                context.span(unit.file, load),
                "it is loaded here",
            )
            .step(path, span, format!("and {act} here, in a step of its own"))
            .help("use a method that does both: `LoadOrStore`, `LoadAndDelete`, `CompareAndSwap`"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn gaps() {
        check(
            &RULE,
            r#"
package p

import "sync"

type T struct {
	mu sync.RWMutex
	m  map[string]int
	s  sync.Map
}

var (
	mu    sync.Mutex
	table = map[string]int{}
)

func (t *T) increase(k string) {
	t.mu.Lock()
	n := t.m[k]
	t.mu.Unlock()
	n++
	t.mu.Lock()
	t.m[k] = n // want "may have been set by another goroutine"
	t.mu.Unlock()
}
func (t *T) once(k string) bool {
	t.mu.RLock()
	_, known := t.m[k]
	t.mu.RUnlock()
	if known {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.m[k] = 1 // want "may have been set by another goroutine"
	return true
}
func global(k string) {
	mu.Lock()
	if table[k] != 0 {
		mu.Unlock()
		return
	}
	mu.Unlock()
	mu.Lock()
	table[k] = 1 // want "may have been set by another goroutine"
	mu.Unlock()
}
func (t *T) store(k string) {
	if _, ok := t.s.Load(k); !ok {
		t.s.Store(k, 1) // want "is stored all the same"
	}
}
func (t *T) drop(k string) {
	if v, ok := t.s.Load(k); ok && v == 1 {
		t.s.Delete(k) // want "is deleted all the same"
	}
}

func (t *T) again(k string) {
	t.mu.RLock()
	n := t.m[k]
	t.mu.RUnlock()
	if n > 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.m[k] == 0 {
		t.m[k] = 1
	}
}
func (t *T) section(k string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.m[k] == 0 {
		t.m[k] = 1
	}
}
func (t *T) otherKey(a, b string) {
	t.mu.Lock()
	n := t.m[a]
	t.mu.Unlock()
	t.mu.Lock()
	t.m[b] = n
	t.mu.Unlock()
}
func (t *T) reserved(k string, work func()) {
	t.mu.Lock()
	if t.m[k] != 0 {
		t.mu.Unlock()
		return
	}
	t.m[k] = 1
	t.mu.Unlock()
	work()
	t.mu.Lock()
	t.m[k] = 2
	t.mu.Unlock()
}
func (t *T) loadOrStore(k string) any {
	if v, ok := t.s.Load(k); ok {
		return v
	}
	v, _ := t.s.LoadOrStore(k, 1)
	return v
}
func (t *T) locked(k string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.s.Load(k); !ok {
		t.s.Store(k, 1)
	}
}
func (t *T) other(a, b string) {
	if v, ok := t.s.Load(a); ok {
		t.s.Store(b, v)
	}
}
"#,
        );
    }
}
