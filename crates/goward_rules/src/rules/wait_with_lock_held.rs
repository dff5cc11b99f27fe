//! `wait-with-lock-held`: a function waits for a goroutine that needs a lock which the function holds.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{
    ChannelOperation, ChannelUse, EventKind, Held, How, LocalChannel, Observed, PathId, StartKind,
    UnitId, UseKind,
};
use goward_syntax::{NodeId, NodeKind, Statement};
use goward_types::ObjectId;
use rustc_hash::FxHashSet;

use crate::channel_fields::ChannelFields;
use crate::context::Context;
use crate::handshake::agreed_upon;
use crate::lock_order::{WaitedWith, owner};
use crate::rule::{Group, rule};
use crate::sharing::innermost_loop;
use crate::wait_groups::{GroupCall, WaitGroups};

rule! {
    /// Reports waits for a goroutine, made with a lock held that the goroutine needs first.
    ///
    /// ## What it reports
    ///
    /// `Wait` of a `sync.WaitGroup`, a receive, a loop over a channel, or a send without a buffer, each outside of a
    /// `select`, while a mutex is held that those who are waited for take before they call `Done`, send, close or
    /// receive. And sends to a goroutine that takes the mutex between two receives: it may be waiting for the mutex
    /// while the sender waits for it.
    ///
    /// Of channels it has to know all uses: those that functions keep in local variables, and fields and variables
    /// of the package that are not exported. Silent where one of the others comes to its send or receive without
    /// the lock.
    ///
    /// ## Why it matters
    ///
    /// Each waits for the other, for ever, and so does everybody else who needs the mutex. The run time notices it
    /// only if no other goroutine is left.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "sync"
    ///
    /// type Totals struct {
    /// 	mu  sync.Mutex
    /// 	sum int
    /// }
    ///
    /// func (t *Totals) Add(values []int) int {
    /// 	t.mu.Lock()
    /// 	defer t.mu.Unlock()
    /// 	var wg sync.WaitGroup
    /// 	for _, value := range values {
    /// 		wg.Go(func() {
    /// 			t.mu.Lock()
    /// 			defer t.mu.Unlock()
    /// 			t.sum += value
    /// 		})
    /// 	}
    /// 	wg.Wait() // want wait-with-lock-held
    /// 	return t.sum
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
    /// type Totals struct {
    /// 	mu  sync.Mutex
    /// 	sum int
    /// }
    ///
    /// func (t *Totals) Add(values []int) int {
    /// 	var wg sync.WaitGroup
    /// 	for _, value := range values {
    /// 		wg.Go(func() {
    /// 			t.mu.Lock()
    /// 			defer t.mu.Unlock()
    /// 			t.sum += value
    /// 		})
    /// 	}
    /// 	wg.Wait()
    /// 	t.mu.Lock()
    /// 	defer t.mu.Unlock()
    /// 	return t.sum
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: what has to happen before the mutex is given back is for the author to say.
    pub(crate) const RULE: Rule = Rule {
        name: "wait-with-lock-held",
        category: Category::Deadlock,
        group: Group::Default,
        severity: Severity::Error,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let flow = context.flow;
    let waits: Vec<&Observed> = flow
        .observed
        .iter()
        .filter(|observed| {
            let waits = match observed.event.kind {
                EventKind::Join => true,
                EventKind::Channel {
                    alone, operation, ..
                } => alone && operation != ChannelOperation::Close,
                _ => false,
            };
            waits && locks(observed).next().is_some()
        })
        .collect();
    if waits.is_empty() {
        return;
    }
    let mut search = Search {
        context,
        groups: None,
        fields: None,
        seen: FxHashSet::default(),
        findings,
    };
    for wait in waits {
        match wait.event.kind {
            EventKind::Join => search.group(wait),
            EventKind::Channel {
                channel, operation, ..
            } => search.channel(wait, channel, operation),
            _ => {}
        }
    }
}

/// The locks that are held at an event, for sure.
fn locks(observed: &Observed) -> impl Iterator<Item = &(PathId, Held)> {
    let locks = observed.state.locks();
    locks.filter(|(_, held)| held.sync && held.certain)
}

/// Who is waited for, and why they do not come.
struct Partner {
    /// Where they take the lock, or took it.
    place: (UnitId, NodeId),
    /// They take it between two times, not before the first.
    between: bool,
}

struct Search<'s, 'a> {
    context: &'s Context<'a>,
    groups: Option<WaitGroups>,
    fields: Option<ChannelFields>,
    seen: FxHashSet<(UnitId, NodeId)>,
    findings: &'s mut Vec<Diagnostic>,
}

impl Search<'_, '_> {
    /// `wg.Wait()`.
    fn group(&mut self, wait: &Observed) {
        let context = self.context;
        let groups = self.groups.get_or_insert_with(|| WaitGroups::new(context));
        let Some(call) = groups.calls.iter().find(|call| {
            call.unit == wait.unit && call.node == wait.event.node && call.name == "Wait"
        }) else {
            return;
        };
        for &(lock, held) in locks(wait) {
            let waited = WaitedWith {
                unit: wait.unit,
                lock,
                mode: held.mode,
                owner: owner_of_group(call),
            };
            let partner = groups
                .calls
                .iter()
                .find_map(|done| needs_before_done(context, groups, &waited, call, done));
            if let Some(place) = partner {
                let between = false;
                let what = format!("`{}.Wait`", call.text);
                let finding = self.finding(wait, (lock, held), &what, &Partner { place, between });
                self.add(wait, finding);
                return;
            }
        }
    }

    /// A send, a receive or a turn of a loop over a channel.
    fn channel(&mut self, wait: &Observed, channel: PathId, operation: ChannelOperation) {
        let context = self.context;
        let root = context.flow.locks.paths().root(channel);
        let local = context.flow.local_channels().iter().find_map(|known| {
            let one = known.uses.iter().find(|one| {
                one.unit == wait.unit
                    && Some(one.variable) == root
                    && is_at(context, one, wait.event.node)
            })?;
            Some((known, one))
        });
        for &(lock, held) in locks(wait) {
            let waited = WaitedWith {
                unit: wait.unit,
                lock,
                mode: held.mode,
                owner: owner(context, channel),
            };
            let partner = match local {
                Some((known, one)) => of_local(context, &waited, known, one),
                None => {
                    let fields = self
                        .fields
                        .get_or_insert_with(|| ChannelFields::new(context));
                    of_field(context, fields, &waited, wait, channel, operation)
                }
            };
            if let Some(partner) = partner {
                let name = context.flow.text(channel);
                let what = match operation {
                    ChannelOperation::Send => format!("the send on `{name}`"),
                    _ => format!("the receive from `{name}`"),
                };
                let finding = self.finding(wait, (lock, held), &what, &partner);
                self.add(wait, finding);
                return;
            }
        }
    }

    fn add(&mut self, wait: &Observed, finding: Diagnostic) {
        if self.seen.insert((wait.unit, wait.event.node)) {
            self.findings.push(finding);
        }
    }

    fn finding(
        &self,
        wait: &Observed,
        (lock, held): (PathId, Held),
        what: &str,
        partner: &Partner,
    ) -> Diagnostic {
        let context = self.context;
        let file = context.flow.units.get(wait.unit).file;
        let there = context.flow.units.get(partner.place.0).file;
        let name = context.flow.text(lock);
        let (needs, step) = match partner.between {
            false => (
                "the other side needs first",
                "the other side has to take it here first",
            ),
            true => (
                "the receiver takes between two receives",
                "the receiver may be waiting for it here, and receives nothing meanwhile",
            ),
        };
        RULE.diagnostic(
            context.path(file),
            context.span(file, wait.event.node),
            format!("{what} waits with `{name}` held, which {needs}"),
        )
        .in_function(context.function(wait.unit))
        .operation(context.text(file, wait.event.node))
        .step(
            context.path(held.file),
            context.span(held.file, held.node),
            format!("`{name}` is locked here"),
        )
        .step(
            context.path(there),
            context.span(there, partner.place.1),
            step,
        )
        .step(
            context.path(file),
            context.span(file, wait.event.node),
            "neither can go on",
        )
        .help(format!("give `{name}` back before the wait"))
    }
}

/// Where a goroutine takes the lock before it says that it is done.
fn needs_before_done(
    context: &Context<'_>,
    groups: &WaitGroups,
    waited: &WaitedWith,
    wait: &GroupCall,
    done: &GroupCall,
) -> Option<(UnitId, NodeId)> {
    let flow = context.flow;
    let (goroutine, deferred) = match done.name {
        "Go" if done.group == wait.group => {
            let started = flow
                .observed_in(done.unit)
                .iter()
                .find_map(|observed| match observed.event.kind {
                    EventKind::Run {
                        target,
                        how: How::Spawn(_),
                        ..
                    } if observed.event.node == done.node => Some(target),
                    _ => None,
                })?;
            (started, true)
        }
        "Done" => {
            let file = context.file(flow.units.get(done.unit).file);
            // The literal of a `defer` is part of the goroutine.
            let around = flow
                .runs_of(done.unit)
                .find(|run| run.deferred.is_some() && flow.is_spawned(run.unit))
                .map(|run| run.unit);
            let goroutine = around.unwrap_or(done.unit);
            let deferred = around.is_some() || file.tree.kind(done.parent) == NodeKind::DeferStmt;
            let starts = flow
                .launches()
                .iter()
                .find(|(unit, _)| *unit == goroutine)?
                .1;
            let same = starts
                .iter()
                .filter(|start| start.kind == StartKind::Go)
                .any(|&start| {
                    groups.seen_outside(context, done, goroutine, start) == Some(wait.group)
                });
            if !same {
                return None;
            }
            (goroutine, deferred)
        }
        _ => return None,
    };
    if goroutine == waited.unit {
        return None;
    }
    if !deferred {
        return waited.needed_before(context, goroutine, done.node, owner_of_group(done));
    }
    // Whatever it locks on its way it locks before it is done, unless it does so to be counted.
    let counts = |unit: UnitId| {
        let mut calls = groups.calls.iter();
        calls.any(|call| call.name == "Add" && call.unit == unit && call.group == wait.group)
    };
    let takes: Vec<_> = flow.locks.summary(goroutine).takes.clone();
    takes
        .iter()
        .find(|take| {
            !take.by_state
                && !counts(take.unit)
                && waited.keeps_out(take.mode)
                && waited.is(context, goroutine, take.path, owner_of_group(done))
        })
        .map(|take| (take.unit, take.node))
}

/// The variable whose field a group is, if there is nothing between the two.
fn owner_of_group(call: &GroupCall) -> Option<ObjectId> {
    let direct = call.group != call.root && call.text.matches('.').count() == 1;
    direct.then_some(call.root)
}

/// Whether a use of a channel is what an event shows.
fn is_at(context: &Context<'_>, one: &ChannelUse, node: NodeId) -> bool {
    let tree = context.file(context.flow.units.get(one.unit).file).tree;
    match one.kind {
        UseKind::Range => {
            matches!(tree.statement(one.node), Statement::Range { operand, .. } if operand == node)
        }
        UseKind::Send { select: None } | UseKind::Receive { select: None } => {
            let (inner, outer) = (tree.span(one.node), tree.span(node));
            inner == outer || outer.start <= inner.start && inner.end <= outer.end
        }
        _ => false,
    }
}

/// The node of the event that a use of a channel is.
fn event_node(context: &Context<'_>, one: &ChannelUse) -> Option<NodeId> {
    let tree = context.file(context.flow.units.get(one.unit).file).tree;
    let span = tree.span(one.node);
    context
        .flow
        .observed_in(one.unit)
        .iter()
        .filter(|observed| matches!(observed.event.kind, EventKind::Channel { .. }))
        .map(|observed| observed.event.node)
        .find(|&node| match one.kind {
            UseKind::Range => is_at(context, one, node),
            _ => {
                let event = tree.span(node);
                event == span || event.start <= span.start && span.end <= event.end
            }
        })
}

/// Who a function waits for at a channel that it or a function around it made.
fn of_local(
    context: &Context<'_>,
    waited: &WaitedWith,
    channel: &LocalChannel,
    wait: &ChannelUse,
) -> Option<Partner> {
    if !channel.is_understood() {
        return None;
    }
    let others = channel.uses.iter().filter(|one| match wait.kind {
        UseKind::Send { .. } => matches!(one.kind, UseKind::Receive { .. } | UseKind::Range),
        // A loop ends when somebody closes the channel.
        UseKind::Range => one.kind == UseKind::Close,
        _ => matches!(one.kind, UseKind::Send { .. } | UseKind::Close),
    });
    let sends = matches!(wait.kind, UseKind::Send { .. });
    let repeats = sends
        && innermost_loop(context, wait.unit, wait.node).is_some_and(|around| {
            let object = context.world().object(channel.object);
            let file = context.flow.units.get(wait.unit).file;
            !(object.file as usize == file && around.contains(object.offset))
        });
    if sends && channel.capacity != Some(0) {
        return None;
    }
    let mut found = None;
    for other in others {
        if other.unit == waited.unit || !context.flow.is_spawned(other.unit) {
            return None;
        }
        let node = event_node(context, other)?;
        let before = waited.needed_before(context, other.unit, node, None);
        let partner = match before {
            Some(place) => Partner {
                place,
                between: false,
            },
            None if repeats => Partner {
                place: waited.needed_between(context, other.unit, node, None)?,
                between: true,
            },
            None => return None,
        };
        found.get_or_insert(partner);
    }
    found
}

/// The same of a field or variable of the package.
fn of_field(
    context: &Context<'_>,
    fields: &ChannelFields,
    waited: &WaitedWith,
    wait: &Observed,
    channel: PathId,
    operation: ChannelOperation,
) -> Option<Partner> {
    let flow = context.flow;
    let field: ObjectId = flow.locks.paths().last_field(channel)?;
    let known = fields.get(field)?;
    let sends = operation == ChannelOperation::Send;
    let ranges = {
        let unit = flow.units.get(wait.unit);
        let tree = context.file(unit.file).tree;
        unit.nodes.iter().any(|&(node, parent)| {
            node == wait.event.node && tree.kind(parent) == NodeKind::RangeStmt
        })
    };
    let mut found = None;
    for &index in &known.uses {
        let other = &flow.observed[index];
        let EventKind::Channel {
            operation,
            channel: there,
            ..
        } = other.event.kind
        else {
            continue;
        };
        let partner = match operation {
            ChannelOperation::Receive => sends,
            ChannelOperation::Close => !sends,
            ChannelOperation::Send => !sends && !ranges,
        };
        if !partner {
            continue;
        }
        if other.unit == waited.unit {
            return None;
        }
        if agreed_upon(context, wait, other.unit) {
            return None;
        }
        let owner = owner(context, there);
        let node = other.event.node;
        // A buffer fills up only where the receiver does not come back.
        let before = waited.needed_before(context, other.unit, node, owner);
        let partner = match before.filter(|_| !(sends && known.buffered)) {
            Some(place) => Partner {
                place,
                between: false,
            },
            None if sends => Partner {
                place: waited.needed_between(context, other.unit, node, owner)?,
                between: true,
            },
            None => return None,
        };
        found.get_or_insert(partner);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn groups() {
        check(
            &RULE,
            r#"
package p

import "sync"

type S struct {
	mu sync.Mutex
	rw sync.RWMutex
	n  int
}

func (s *S) add() { s.mu.Lock(); s.n++; s.mu.Unlock() }
func (s *S) work(wg *sync.WaitGroup) {
	defer wg.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
}

func local() {
	var mu sync.Mutex
	var wg sync.WaitGroup
	n := 0
	mu.Lock()
	for range 3 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			mu.Lock()
			n++
			mu.Unlock()
		}()
	}
	wg.Wait() // want "`wg.Wait` waits with `mu` held"
	mu.Unlock()
}
func (s *S) callee() {
	var wg sync.WaitGroup
	s.mu.Lock()
	defer s.mu.Unlock()
	wg.Add(1)
	go func() {
		defer func() { wg.Done() }()
		s.add()
	}()
	wg.Wait() // want "`wg.Wait` waits with `s.mu` held"
}
func (s *S) named() {
	var wg sync.WaitGroup
	s.mu.Lock()
	defer s.mu.Unlock()
	wg.Add(1)
	go s.work(&wg)
	wg.Wait() // want "`wg.Wait` waits with `s.mu` held"
}
func (s *S) reader() {
	var wg sync.WaitGroup
	s.rw.Lock()
	wg.Go(func() {
		s.rw.RLock()
		s.rw.RUnlock()
	})
	wg.Wait() // want "`wg.Wait` waits with `s.rw` held"
	s.rw.Unlock()
}

type pool struct {
	mu sync.Mutex
	wg sync.WaitGroup
	n  int
}

func (p *pool) start() {
	p.wg.Add(1)
	go p.run()
}
func (p *pool) run() {
	defer p.wg.Done()
	p.mu.Lock()
	p.n++
	p.mu.Unlock()
}
func (p *pool) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wg.Wait() // want "`p.wg.Wait` waits with `p.mu` held"
}

type tree struct {
	mu     sync.Mutex
	wg     sync.WaitGroup
	parent *tree
	all    []*tree
}

func (t *tree) visit() {
	defer t.parent.wg.Done()
	t.mu.Lock()
	defer t.mu.Unlock()
}
func (t *tree) Visit() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, child := range t.all {
		t.wg.Add(1)
		go child.visit()
	}
	t.wg.Wait()
}

func released() {
	var mu sync.Mutex
	var wg sync.WaitGroup
	n := 0
	mu.Lock()
	wg.Go(func() { mu.Lock(); n++; mu.Unlock() })
	mu.Unlock()
	wg.Wait()
}
func otherLock() {
	var mu, other sync.Mutex
	var wg sync.WaitGroup
	mu.Lock()
	defer mu.Unlock()
	wg.Go(func() { other.Lock(); other.Unlock() })
	wg.Wait()
}
func (s *S) otherObject(t *S) {
	var wg sync.WaitGroup
	s.mu.Lock()
	defer s.mu.Unlock()
	wg.Add(1)
	go t.work(&wg)
	wg.Wait()
}
func (s *S) doneFirst() {
	var wg sync.WaitGroup
	s.mu.Lock()
	defer s.mu.Unlock()
	wg.Add(1)
	go func() {
		wg.Done()
		s.add()
	}()
	wg.Wait()
}
func (s *S) readers() {
	var wg sync.WaitGroup
	s.rw.RLock()
	wg.Go(func() { s.rw.RLock(); s.rw.RUnlock() })
	wg.Wait()
	s.rw.RUnlock()
}
func (s *S) onRequest(locks bool) {
	var wg sync.WaitGroup
	s.mu.Lock()
	defer s.mu.Unlock()
	wg.Go(func() {
		if locks {
			s.add()
		}
	})
	wg.Wait()
}
func (s *S) tries() {
	var wg sync.WaitGroup
	s.mu.Lock()
	defer s.mu.Unlock()
	wg.Go(func() {
		if s.mu.TryLock() {
			s.mu.Unlock()
		}
	})
	wg.Wait()
}
func (s *S) condition() {
	c := sync.NewCond(&s.mu)
	go func() { s.mu.Lock(); s.n = 1; c.Signal(); s.mu.Unlock() }()
	s.mu.Lock()
	for s.n == 0 {
		c.Wait()
	}
	s.mu.Unlock()
}
"#,
        );
    }

    #[test]
    fn channels() {
        check(
            &RULE,
            r#"
package p

import "sync"

type S struct {
	mu   sync.Mutex
	n    int
	jobs chan int
	buf  chan int
	free chan int
	stop chan bool
	given chan int
}

func New(given chan int) *S {
	s := &S{jobs: make(chan int), buf: make(chan int, 8), free: make(chan int), given: given}
	s.stop = make(chan bool)
	go s.loop()
	go s.drain()
	go s.freely()
	return s
}
func (s *S) add() { s.mu.Lock(); s.n++; s.mu.Unlock() }
func (s *S) loop() {
	for range s.jobs {
		s.add()
	}
}
func (s *S) drain() {
	for {
		select {
		case n := <-s.buf:
			s.mu.Lock()
			s.n += n
			s.mu.Unlock()
		case <-s.stop:
			return
		}
	}
}
func (s *S) freely() {
	for n := range s.free {
		if n > 0 {
			s.add()
		}
	}
	for range s.given {
		s.add()
	}
}
func (s *S) Send() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs <- 1 // want "the send on `s.jobs` waits with `s.mu` held, which the receiver takes between two receives"
	s.buf <- 1 // want "the send on `s.buf` waits with `s.mu` held"
	s.free <- 1
	s.given <- 1
	select {
	case s.jobs <- 1:
	default:
	}
}
func (s *S) Close() {
	s.mu.Lock()
	close(s.stop)
	s.mu.Unlock()
}
func (s *S) Stopped() {
	s.mu.Lock()
	<-s.stop // want "the receive from `s.stop` waits with `s.mu` held"
	s.mu.Unlock()
}

func (s *S) done() {
	done := make(chan bool)
	s.mu.Lock()
	defer s.mu.Unlock()
	go func() {
		defer close(done)
		s.add()
	}()
	<-done // want "the receive from `done` waits with `s.mu` held"
}
func (s *S) result() int {
	result := make(chan int)
	s.mu.Lock()
	defer s.mu.Unlock()
	go func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		result <- s.n
	}()
	return <-result // want "the receive from `result` waits"
}
func (s *S) results() (sum int) {
	results := make(chan int)
	s.mu.Lock()
	defer s.mu.Unlock()
	go func() {
		results <- 1
		s.add()
		close(results)
	}()
	for n := range results { // want "the receive from `results` waits"
		sum += n
	}
	return sum
}
func (s *S) given2() {
	in := make(chan int)
	go func() {
		s.mu.Lock()
		s.n = <-in
		s.mu.Unlock()
	}()
	s.mu.Lock()
	in <- 1 // want "the send on `in` waits with `s.mu` held, which the other side needs first"
	s.mu.Unlock()
}
func (s *S) many() {
	in := make(chan int)
	go func() {
		for range in {
			s.add()
		}
	}()
	s.mu.Lock()
	for i := range 10 {
		in <- i // want "which the receiver takes between two receives"
	}
	s.mu.Unlock()
	close(in)
}

func (s *S) once() {
	in := make(chan int)
	go func() {
		n := <-in
		s.mu.Lock()
		s.n = n
		s.mu.Unlock()
	}()
	s.mu.Lock()
	in <- 1
	s.mu.Unlock()
}
func (s *S) buffered() {
	in := make(chan int, 1)
	go func() { s.mu.Lock(); s.n = <-in; s.mu.Unlock() }()
	s.mu.Lock()
	in <- 1
	s.mu.Unlock()
}
func (s *S) closedFirst() {
	done := make(chan bool)
	s.mu.Lock()
	defer s.mu.Unlock()
	go func() {
		close(done)
		s.add()
	}()
	<-done
}
func (s *S) sometimes(b bool) {
	done := make(chan bool)
	s.mu.Lock()
	defer s.mu.Unlock()
	go func() {
		if b {
			s.add()
		}
		close(done)
	}()
	<-done
}
func (s *S) otherSender() {
	in := make(chan int)
	go func() { s.mu.Lock(); in <- 1; s.mu.Unlock() }()
	go func() { in <- 2 }()
	s.mu.Lock()
	<-in
	s.mu.Unlock()
}
func (s *S) unlocked() {
	done := make(chan bool)
	s.mu.Lock()
	go func() { s.add(); close(done) }()
	s.mu.Unlock()
	<-done
	s.add()
}
func (s *S) otherObject(t *S) {
	done := make(chan bool)
	s.mu.Lock()
	defer s.mu.Unlock()
	go func() { t.add(); close(done) }()
	<-done
}
"#,
        );
    }
}
