//! `check-then-act`: what was found in a map under the lock is acted upon under another one.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{AccessKind, Effect, EventKind, How, Observed, PathId, UnitId, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Tree};
use goward_types::{ObjectKind, VariableKind};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::context::Context;
use crate::dependence::Dependence;
use crate::rule::{Group, rule};
use crate::standard_library::called_method;

rule! {
    /// Reports maps that are looked at and set in two critical sections, with a gap between.
    ///
    /// ## What it reports
    ///
    /// An element of a map that is set with a mutex held, where the same function has read that element before with
    /// the mutex held and has unlocked it since, and does not look again. Either may be done by a function of the
    /// package that locks by itself: `if !c.has(key) { c.put(key, value) }`. And `Store` or `Delete` of a `sync.Map`
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
    /// The element, or the call of the function that uses it.
    node: NodeId,
    /// The map, the element as written, and the lock of the map.
    map: PathId,
    text: String,
    lock: PathId,
    /// Where the lock is taken: in this function, or by the call.
    section: NodeId,
    /// The place in the function that is called.
    inside: Option<(UnitId, NodeId)>,
}

fn locked_maps(context: &Context<'_>, id: UnitId, findings: &mut Vec<Diagnostic>) {
    let flow = context.flow;
    let file = flow.units.get(id).file;
    let tree = context.file(file).tree;
    let mut elements: Vec<Element> = Vec::new();
    for observed in flow.observed_in(id) {
        if observed.deferred.is_some() {
            continue;
        }
        let access = match observed.event.kind {
            EventKind::Access(access) => access,
            EventKind::Run {
                how: How::Call,
                target,
                ..
            } if !observed.state.may_hold_any() => {
                elements.extend(in_callee(context, observed, target));
                continue;
            }
            _ => continue,
        };
        if !matches!(access.kind, AccessKind::Read | AccessKind::Write)
            || tree.kind(access.node) != NodeKind::IndexExpr
        {
            continue;
        }
        let lock = observed.state.locks().find(|(lock, held)| {
            held.own && held.certain && held.sync && guards(context, *lock, access.path)
        });
        if let Some(&(lock, held)) = lock {
            elements.push(Element {
                kind: access.kind,
                node: access.node,
                map: access.path,
                text: element_text(context, file, access.node),
                lock,
                section: held.node,
                inside: None,
            });
        }
    }
    if !elements.iter().any(|act| act.kind == AccessKind::Write) {
        return;
    }
    let dependence = Dependence::new(context.file(file), flow.units.get(id));
    let mut seen = FxHashSet::default();
    for act in elements.iter().filter(|act| act.kind == AccessKind::Write) {
        let start = |element: &Element| tree.span(element.node).start;
        let same = |other: &&Element| {
            other.map == act.map && other.text == act.text && other.lock == act.lock
        };
        let here = |other: &Element| other.section == act.section;
        let looks_again = elements.iter().filter(same).any(|other| {
            other.kind == AccessKind::Read
                && here(other)
                && (start(other) < start(act) || act.inside.is_some())
        });
        let Some(check) = elements.iter().filter(same).find(|other| {
            let direct = other.inside.is_none() && act.inside.is_none();
            other.kind == AccessKind::Read
                && !here(other)
                && (start(other) < start(act) || is_below(tree, other.node, act.node))
                // What functions are called for is not in sight: one has to rest on the other.
                && (direct || dependence.depends(act.node, other.node))
        }) else {
            continue;
        };
        // Whoever sets the element in the first section has taken it for itself.
        let reserves = elements
            .iter()
            .filter(same)
            .any(|other| other.kind == AccessKind::Write && other.section == check.section);
        if looks_again || reserves || !seen.insert(act.node) {
            continue;
        }
        findings.push(finding(context, id, check, act));
    }
}

/// Whether a lock belongs to the object that a map belongs to, or both are variables.
fn guards(context: &Context<'_>, lock: PathId, map: PathId) -> bool {
    let paths = context.flow.locks.paths();
    paths.owner_leads_to(lock, map)
        || paths.get(lock).elements.is_empty() && paths.get(map).elements.is_empty()
}

fn is_below(tree: &Tree, inner: NodeId, outer: NodeId) -> bool {
    let (inner, outer) = (tree.span(inner), tree.span(outer));
    outer.start <= inner.start && inner.end <= outer.end
}

/// `m[key]` by its key; how the map is written is told by its path.
fn element_text(context: &Context<'_>, file: usize, node: NodeId) -> String {
    match context.file(file).tree.expression(node) {
        Expression::Index {
            indices: &[index], ..
        } => context.text(file, unparenthesized(context.file(file), index)),
        _ => context.text(file, node),
    }
}

/// The elements that a function which is called uses with a lock of its own, where the key is what
/// the caller gives it.
fn in_callee(context: &Context<'_>, observed: &Observed, target: UnitId) -> Vec<Element> {
    let flow = context.flow;
    let mut elements = Vec::new();
    // Most functions use no map, and effects are costly to translate.
    if flow.locks.summary(target).effects.is_empty() {
        return elements;
    }
    for effect in flow.effects(observed) {
        let access = effect.access;
        let tree = context.file(flow.units.get(effect.unit).file).tree;
        if !matches!(access.kind, AccessKind::Read | AccessKind::Write)
            || tree.kind(access.node) != NodeKind::IndexExpr
            || effect.deferred
            || effect.other_lock
            || flow.is_fresh(observed.unit, access.path, &observed.state)
        {
            continue;
        }
        let lock = effect.held.iter().find(|(lock, held)| {
            held.is_held() && held.certain && held.sync && guards(context, *lock, access.path)
        });
        let (Some(&(lock, _)), Some(text)) = (lock, key_of_caller(context, &effect)) else {
            continue;
        };
        elements.push(Element {
            kind: access.kind,
            node: observed.event.node,
            map: access.path,
            text,
            lock,
            section: observed.event.node,
            inside: Some((effect.unit, access.node)),
        });
    }
    elements
}

/// The key of an element as the first of the calls that lead to it gives it.
fn key_of_caller(context: &Context<'_>, effect: &Effect) -> Option<String> {
    let flow = context.flow;
    let mut unit = effect.unit;
    let file = context.file(flow.units.get(unit).file);
    let Expression::Index {
        indices: &[index], ..
    } = file.tree.expression(effect.access.node)
    else {
        return None;
    };
    let mut key = unparenthesized(file, index);
    for &(caller, call) in effect.calls.iter().rev() {
        let file = context.file(flow.units.get(unit).file);
        let object = match file.tree.kind(key) {
            NodeKind::Ident => file.facts.object_of(key)?,
            _ => return None,
        };
        let parameters = &flow.units.get(unit).parameters;
        let position = parameters
            .iter()
            .position(|&parameter| parameter == Some(object))?;
        if flow.lowered.variables.get(object).is_some() {
            return None;
        }
        let file = context.file(flow.units.get(caller).file);
        let Expression::Call { arguments, .. } = file.tree.expression(call) else {
            return None;
        };
        key = unparenthesized(file, *arguments.get(position)?);
        unit = caller;
    }
    let file = context.file(flow.units.get(unit).file);
    // A variable that is set in between is another key.
    let steady = match file.tree.kind(key) {
        NodeKind::Ident => file.facts.object_of(key).is_some_and(|object| {
            let local = ObjectKind::Variable(VariableKind::Local);
            let starts = usize::from(context.world().object(object).kind == local);
            let known = flow.lowered.variables.get(object);
            known.is_none_or(|known| {
                let sets = [known.zero, known.other].map(usize::from);
                known.values.len() + sets[0] + sets[1] <= starts && !known.address_taken
            })
        }),
        NodeKind::SelectorExpr | NodeKind::BasicLit => true,
        _ => false,
    };
    steady.then(|| context.text(flow.units.get(unit).file, key))
}

fn finding(context: &Context<'_>, id: UnitId, check: &Element, act: &Element) -> Diagnostic {
    let flow = context.flow;
    let file = flow.units.get(id).file;
    let name = flow.text(act.lock);
    let path = context.path(file);
    let element = format!("{}[{}]", flow.text(act.map), act.text);
    let mut finding = RULE
        .diagnostic(
            path.clone(),
            context.span(file, act.node),
            format!("`{element}` may have been set by another goroutine since it was read"),
        )
        .in_function(context.function(id))
        .operation(format!("set {element} after a gap"))
        .step(
            path.clone(),
            context.span(file, check.node),
            format!("it is read here, with `{name}` held"),
        );
    if act.inside.is_none() {
        finding = finding.step(
            path.clone(),
            context.span(file, act.section),
            format!("`{name}` has been given back since, and is taken again here"),
        );
    }
    finding = finding.step(
        path,
        context.span(file, act.node),
        match act.inside {
            None => "it is set here",
            Some(_) => "this call takes the lock again, and sets it",
        },
    );
    if let Some((unit, node)) = act.inside {
        let file = flow.units.get(unit).file;
        finding = finding.step(
            context.path(file),
            context.span(file, node),
            "it is set here",
        );
    }
    finding.help("look again before it is set, or hold the lock from the first look on")
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

    #[test]
    fn gaps_between_calls() {
        check(
            &RULE,
            r#"
package p

import "sync"

type cache struct {
	mu sync.RWMutex
	m  map[string]int
}

func newCache() *cache { return &cache{m: map[string]int{}} }

func (c *cache) has(k string) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	_, ok := c.m[k]
	return ok
}
func (c *cache) get(k string) (int, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	v, ok := c.m[k]
	return v, ok
}
func (c *cache) value(k string) int { c.mu.RLock(); v := c.m[k]; c.mu.RUnlock(); return v }
func (c *cache) put(k string, v int) { c.mu.Lock(); c.m[k] = v; c.mu.Unlock() }
func (c *cache) ensure(k string)     { c.put(k, 9) }
func (c *cache) increase(k string)   { c.mu.Lock(); c.m[k]++; c.mu.Unlock() }
func (c *cache) putOnce(k string, v int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.m[k]; !ok {
		c.m[k] = v
	}
}

func (c *cache) around(k string) {
	if !c.has(k) {
		c.put(k, 1) // want "`c.m[k]` may have been set by another goroutine"
	}
}
func (c *cache) before(k string) int {
	if v, ok := c.get(k); ok {
		return v
	}
	c.put(k, 2) // want "may have been set by another goroutine"
	return 2
}
func (c *cache) lost(k string) {
	v := c.value(k)
	v++
	c.put(k, v) // want "may have been set by another goroutine"
}
func (c *cache) inside(k string) {
	c.put(k, c.value(k)+1) // want "may have been set by another goroutine"
}
func (c *cache) limited(k string) {
	if c.value(k) < 10 {
		c.increase(k) // want "may have been set by another goroutine"
	}
}
func (c *cache) deeper(k string) {
	if !c.has(k) {
		c.ensure(k) // want "may have been set by another goroutine"
	}
}
func (c *cache) mixed(k string) {
	if c.has(k) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m[k] = 1 // want "may have been set by another goroutine"
}

type registry[K comparable, V any] struct {
	sync.Mutex
	m map[K]V
}

func (r *registry[K, V]) has(k K) bool { r.Lock(); defer r.Unlock(); _, ok := r.m[k]; return ok }
func (r *registry[K, V]) put(k K, v V) { r.Lock(); defer r.Unlock(); r.m[k] = v }

func generic(r *registry[string, int], k string) {
	if !r.has(k) {
		r.put(k, 1) // want "may have been set by another goroutine"
	}
}

func (c *cache) again(k string) {
	if !c.has(k) {
		c.putOnce(k, 1)
	}
}
func (c *cache) unrelated(k string) {
	if c.has(k) {
		println(k)
	}
	c.put(k, 1)
}
func (c *cache) otherKey(a, b string) {
	if !c.has(a) {
		c.put(b, 1)
	}
}
func (c *cache) otherCache(d *cache, k string) {
	if !d.has(k) {
		c.put(k, 1)
	}
}
func (c *cache) keyChanges(k string) {
	if !c.has(k) {
		k += "!"
		c.put(k, 1)
	}
}
func fresh(k string) *cache {
	c := newCache()
	if !c.has(k) {
		c.put(k, 1)
	}
	return c
}

type owner struct {
	mu sync.Mutex
	c  *cache
}

func (o *owner) locked(k string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.c.has(k) {
		o.c.put(k, 1)
	}
}
"#,
        );
    }
}
