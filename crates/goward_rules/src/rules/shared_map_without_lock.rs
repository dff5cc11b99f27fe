//! `shared-map-without-lock`: a goroutine of an object and its methods use the same map.

use goward_diagnostics::{Category, Diagnostic, Severity, Span};
use goward_types::{ObjectId, ObjectKind, VariableKind};
use rustc_hash::FxHashSet;

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::sharing::{Use, verb};

rule! {
    /// Reports maps of an object that its goroutine and its exported methods use, without any lock.
    ///
    /// ## What it reports
    ///
    /// A map in a field that a goroutine which the package starts uses, and an exported method or function, too,
    /// where one of them changes it, and nothing in the package ever uses the map with a lock held.
    ///
    /// It is in the nursery because the object may be one that the goroutine has for itself, or the method may be
    /// called only before the goroutine starts; one package does not show it.
    ///
    /// ## Why it matters
    ///
    /// Callers run beside the goroutine. The run time may notice it and end the process with `fatal error: concurrent
    /// map read and map write`, which no `recover` catches.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package poll
    ///
    /// import "time"
    ///
    /// type Poller struct {
    /// 	state map[string]int
    /// }
    ///
    /// func New() *Poller {
    /// 	p := &Poller{state: map[string]int{}}
    /// 	go p.refresh()
    /// 	return p
    /// }
    ///
    /// func (p *Poller) refresh() {
    /// 	for range time.Tick(time.Second) {
    /// 		p.state["turns"]++ // want shared-map-without-lock
    /// 	}
    /// }
    ///
    /// func (p *Poller) Get(key string) int {
    /// 	return p.state[key]
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package poll
    ///
    /// import (
    /// 	"sync"
    /// 	"time"
    /// )
    ///
    /// type Poller struct {
    /// 	mu    sync.Mutex
    /// 	state map[string]int
    /// }
    ///
    /// func New() *Poller {
    /// 	p := &Poller{state: map[string]int{}}
    /// 	go p.refresh()
    /// 	return p
    /// }
    ///
    /// func (p *Poller) refresh() {
    /// 	for range time.Tick(time.Second) {
    /// 		p.mu.Lock()
    /// 		p.state["turns"]++
    /// 		p.mu.Unlock()
    /// 	}
    /// }
    ///
    /// func (p *Poller) Get(key string) int {
    /// 	p.mu.Lock()
    /// 	defer p.mu.Unlock()
    /// 	return p.state[key]
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: whether a lock, a channel or a copy is right is a question of design.
    pub(crate) const RULE: Rule = Rule {
        name: "shared-map-without-lock",
        category: Category::Race,
        group: Group::Nursery,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let sharing = context.sharing();
    let flow = context.flow;
    let known: FxHashSet<_> = sharing
        .conflicts
        .iter()
        .map(|conflict| (conflict.effect.unit, conflict.effect.access.node))
        .collect();
    let mut fields: Vec<_> = sharing.uses.iter().collect();
    fields.sort_by_key(|(field, _)| {
        let object = context.world().object(**field);
        (object.file, object.offset)
    });
    for (&field, uses) in fields {
        let object = context.world().object(field);
        let is_field = object.kind == ObjectKind::Variable(VariableKind::Field);
        let foreign = object.package != Some(context.package.package);
        if !is_field || foreign || uses.iter().any(|one| one.any_lock) {
            continue;
        }
        let plain = |one: &&Use| {
            let test = context.file(flow.units.get(one.unit).file).test;
            !test && !one.fresh && one.access.kind.touches_content()
        };
        let in_goroutine = |one: &&Use| {
            flow.units
                .chain(one.unit)
                .any(|unit| sharing.concurrent.contains_key(&unit))
        };
        let by_callers = |one: &&Use| {
            let outermost = flow.units.get(flow.units.outermost(one.unit));
            let exported = outermost
                .object
                .is_some_and(|object| context.world().object(object).is_exported());
            exported && outermost.receiver.is_some() && !in_goroutine(one)
        };
        // Of the object itself: the goroutine runs a method of it, which uses its own field.
        let own = |one: &&Use| {
            let outermost = flow.units.get(flow.units.outermost(one.unit));
            let paths = flow.locks.paths();
            outermost.receiver.is_some()
                && paths.root(one.access.path) == outermost.receiver
                && paths.get(one.access.path).elements.len() == 1
        };
        let runs_itself = |one: &&Use| {
            let started = flow
                .units
                .chain(one.unit)
                .find_map(|unit| sharing.concurrent.get(&unit));
            let of = |receiver: ObjectId| {
                let world = context.world();
                goward_flow::named_behind(world, world.object_type(receiver))
            };
            started.is_some_and(|id| {
                let spawn = &flow.lowered.spawns[id.0 as usize];
                let target = flow.units.get(flow.units.outermost(spawn.target)).receiver;
                let mine = flow.units.get(flow.units.outermost(one.unit)).receiver;
                !spawn.many && target.is_some() && target.and_then(of) == mine.and_then(of)
            })
        };
        let pair = uses
            .iter()
            .filter(plain)
            .filter(own)
            .filter(in_goroutine)
            .filter(runs_itself)
            .find_map(|mine| {
                let mut others = uses.iter().filter(plain).filter(own).filter(by_callers);
                let theirs = others.find(|theirs| {
                    mine.access.kind.changes_content() || theirs.access.kind.changes_content()
                })?;
                Some((mine, theirs))
            });
        let Some((mine, theirs)) = pair else { continue };
        if known.contains(&(mine.unit, mine.access.node))
            || known.contains(&(theirs.unit, theirs.access.node))
        {
            continue;
        }
        report(context, mine, theirs, findings);
    }
}

fn report(context: &Context<'_>, mine: &Use, theirs: &Use, findings: &mut Vec<Diagnostic>) {
    let flow = context.flow;
    let spawn = flow
        .units
        .chain(mine.unit)
        .find_map(|unit| context.sharing().concurrent.get(&unit));
    let Some(spawn) = spawn.map(|id| &flow.lowered.spawns[id.0 as usize]) else {
        return;
    };
    let file = flow.units.get(mine.unit).file;
    let there = flow.units.get(theirs.unit).file;
    let starter = flow.units.get(spawn.unit).file;
    let begin = context.span(starter, spawn.node).start;
    let name = flow.text(mine.access.path);
    let (here, other) = (verb(mine.access.kind), verb(theirs.access.kind));
    let method = context.function(flow.units.outermost(theirs.unit));
    findings.push(
        RULE.diagnostic(
            context.path(file),
            context.span(file, mine.access.node),
            format!("`{name}` is {here} in a goroutine, and {other} by `{method}`, without a lock"),
        )
        .in_function(context.function(mine.unit))
        .operation(context.text(file, mine.access.node))
        .step(
            context.path(starter),
            Span::new(begin, begin + 2),
            "the goroutine starts here",
        )
        .step(
            context.path(file),
            context.span(file, mine.access.node),
            format!("the map is {here} here"),
        )
        .step(
            context.path(there),
            context.span(there, theirs.access.node),
            format!("and {other} here, by whoever calls `{method}`"),
        )
        .help("guard every use of the map with one mutex, or let one goroutine own it"),
    );
}
