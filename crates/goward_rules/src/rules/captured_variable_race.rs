//! `captured-variable-race`: goroutines share a local variable that one of them sets.

use goward_diagnostics::{Category, Diagnostic, Severity, Span};
use goward_flow::{EventKind, How, Observed, SpawnId, UnitId, unparenthesized};
use goward_syntax::{AssignOperator, NodeId, NodeKind, RangeOperator, Statement};
use goward_types::{ObjectId, ObjectKind, TypeKind, TypedFile, VariableKind};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::context::Context;
use crate::pipes;
use crate::rule::{Group, rule};
use crate::sharing::innermost_loop;
use crate::turns;
use crate::walk::{walk, walk_all};

rule! {
    /// Reports local variables that a goroutine sets while others use them, without a common lock.
    ///
    /// ## What it reports
    ///
    /// A variable of a function that a goroutine captures and sets, where the goroutine is started in a loop in which
    /// it is not declared; or where the function sets the variable before it has waited for the goroutine. And a
    /// variable that the function sets while a goroutine that captures it may read it, such as a loop variable that
    /// is declared before the loop. Maps are the business of `map-race`.
    ///
    /// Nothing is said of channels, where a lock may be held, after `Wait` or a receive, and where the goroutine asks an atomic
    /// operation before it sets the variable, or something that may hold in one turn of the loop only. What a goroutine
    /// reads before it first writes to an `io.Pipe` is over when the function has read from the pipe.
    ///
    /// ## Why it matters
    ///
    /// The goroutines run at the same time, so one undoes what another has set: increments are lost, and the run
    /// time does not notice. The race detector reports it when it happens.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "sync"
    ///
    /// func count(items []string, matches func(string) bool) int {
    /// 	found := 0
    /// 	var group sync.WaitGroup
    /// 	for _, item := range items {
    /// 		group.Add(1)
    /// 		go func() {
    /// 			defer group.Done()
    /// 			if matches(item) {
    /// 				found++ // want captured-variable-race
    /// 			}
    /// 		}()
    /// 	}
    /// 	group.Wait()
    /// 	return found
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import (
    /// 	"sync"
    /// 	"sync/atomic"
    /// )
    ///
    /// func count(items []string, matches func(string) bool) int64 {
    /// 	var found atomic.Int64
    /// 	var group sync.WaitGroup
    /// 	for _, item := range items {
    /// 		group.Add(1)
    /// 		go func() {
    /// 			defer group.Done()
    /// 			if matches(item) {
    /// 				found.Add(1)
    /// 			}
    /// 		}()
    /// 	}
    /// 	group.Wait()
    /// 	return found.Load()
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: whether a lock, an atomic or a channel is right is a question of design.
    pub(crate) const RULE: Rule = Rule {
        name: "captured-variable-race",
        category: Category::Race,
        group: Group::Default,
        severity: Severity::Error,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

/// What a goroutine does with variables of the function around it.
#[derive(Default)]
struct Captured {
    /// Set, with no lock held, by a node of the goroutine.
    set: Vec<(ObjectId, NodeId)>,
    /// Used in any way by a goroutine that takes no lock.
    used: Vec<(ObjectId, NodeId)>,
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let flow = context.flow;
    let mut captured: FxHashMap<UnitId, Captured> = FxHashMap::default();
    let mut seen: FxHashSet<(UnitId, ObjectId)> = FxHashSet::default();
    for observed in &flow.observed {
        match &observed.event.kind {
            EventKind::Run {
                target,
                how: How::Spawn(id),
                ..
            } if flow.units.get(*target).is_literal() => {
                let known = captured
                    .entry(*target)
                    .or_insert_with(|| captures(context, *target));
                let many = flow.lowered.spawns[id.0 as usize].many;
                let again = observed.state.live.contains(id)
                    && innermost_loop(context, observed.unit, observed.event.node).is_some();
                if again && !many && !turns::one_at_a_time(context, *id) {
                    for (variable, node) in with_itself(context, observed, *id, known) {
                        if seen.insert((*target, variable)) {
                            let place = (*target, node);
                            findings.push(in_loop(context, variable, place, *id));
                        }
                    }
                }
            }
            EventKind::Set { path, .. } if !observed.state.live.is_empty() => {
                let root = {
                    let paths = flow.locks.paths();
                    let whole = paths.get(*path).elements.is_empty();
                    paths.root(*path).filter(|_| whole)
                };
                let Some(variable) = root else { continue };
                if observed.state.may_hold_any()
                    || !is_candidate(context, variable)
                    || declares(context, observed, variable)
                {
                    continue;
                }
                for id in &observed.state.live {
                    let spawn = &flow.lowered.spawns[id.0 as usize];
                    let beside = flow
                        .units
                        .chain(observed.unit)
                        .any(|unit| unit == spawn.unit);
                    if spawn.many
                        || !flow.units.get(spawn.target).is_literal()
                        || !beside
                        || flow.declared_inside(variable, spawn.target)
                        || is_per_turn(context, variable, spawn.unit, spawn.node)
                        || is_of_next_turn(context, variable, observed, *id)
                    {
                        continue;
                    }
                    let known = captured
                        .entry(spawn.target)
                        .or_insert_with(|| captures(context, spawn.target));
                    let set = known.set.iter().find(|entry| entry.0 == variable);
                    let used = known.used.iter().find(|entry| entry.0 == variable);
                    let Some(&(_, node)) = set.or(used) else {
                        continue;
                    };
                    if turns::kept_by_flag(context, observed, *id) {
                        continue;
                    }
                    let piped = set.is_none()
                        && pipes::orders(
                            context,
                            variable,
                            *id,
                            observed.unit,
                            observed.event.node,
                        );
                    if !piped && seen.insert((spawn.target, variable)) {
                        let there = (spawn.target, node, set.is_some());
                        findings.push(beside_function(context, observed, variable, there, *id));
                    }
                }
            }
            _ => {}
        }
    }
}

/// Whether a variable is one of a function, and of a type that goroutines do not share on purpose by
/// setting it.
fn is_candidate(context: &Context<'_>, variable: ObjectId) -> bool {
    let world = context.world();
    let entry = world.object(variable);
    let kind = world.underlying(world.object_type(variable)).kind();
    let test = context
        .package
        .files
        .get(entry.file as usize)
        .is_none_or(|file| file.test);
    entry.package == Some(context.package.package)
        && !test
        && !matches!(kind, TypeKind::Map | TypeKind::Channel)
        && matches!(
            entry.kind,
            ObjectKind::Variable(
                VariableKind::Local | VariableKind::Parameter | VariableKind::Result
            )
        )
}

/// What a goroutine captures and sets, and what it captures at all.
fn captures(context: &Context<'_>, target: UnitId) -> Captured {
    let flow = context.flow;
    let unit = flow.units.get(target);
    let file = context.file(unit.file);
    let mut captured = Captured::default();
    if takes_turns(file, unit.body) {
        return captured;
    }
    let outside = |variable: ObjectId| {
        is_candidate(context, variable) && !flow.declared_inside(variable, target)
    };
    let mut locks = false;
    for observed in flow.observed_in(target) {
        match observed.event.kind {
            EventKind::Lock { .. } => locks = true,
            EventKind::Set { path, .. } => {
                let root = {
                    let paths = flow.locks.paths();
                    let whole = paths.get(path).elements.is_empty();
                    paths.root(path).filter(|_| whole)
                };
                if let Some(variable) = root
                    && outside(variable)
                    && !observed.state.may_hold_any()
                    && !observed.state.joined
                    && !asks_atomic(context, target, observed.event.node)
                {
                    captured.set.push((variable, observed.event.node));
                }
            }
            _ => {}
        }
    }
    if !locks {
        let waits = first_wait(file, unit.body);
        walk(unit, |node, _| {
            // Behind a wait the function may have set it long ago.
            if file.tree.span(node).start < waits
                && file.tree.kind(node) == NodeKind::Ident
                && let Some(variable) = file.facts.object_of(node)
                && context.world().object(variable).is_variable()
                && !context.world().object(variable).is_field()
                && outside(variable)
            {
                captured.used.push((variable, node));
            }
        });
    }
    captured
}

/// Where a goroutine first waits for somebody, in the order of the source.
fn first_wait(file: &TypedFile<'_>, body: NodeId) -> u32 {
    let mut first = u32::MAX;
    walk_all(file.tree, body, |node| {
        let waits = match file.tree.expression(node) {
            goward_syntax::Expression::Unary {
                operator: goward_syntax::UnaryOperator::Receive,
                ..
            } => true,
            goward_syntax::Expression::Selector { name, .. } => {
                file.tree.symbol(name).as_str() == "Wait"
            }
            _ => false,
        };
        if waits {
            first = first.min(file.tree.span(node).start);
        }
    });
    first
}

/// Whether a goroutine sends on a channel and receives from it again: a semaphore.
fn takes_turns(file: &TypedFile<'_>, body: NodeId) -> bool {
    let tree = file.tree;
    let mut sent = FxHashSet::default();
    let mut received = FxHashSet::default();
    walk_all(tree, body, |node| match tree.kind(node) {
        NodeKind::SendStmt => {
            if let Statement::Send { channel, .. } = tree.statement(node) {
                sent.extend(file.facts.object_of(unparenthesized(file, channel)));
            }
        }
        NodeKind::UnaryExpr => {
            if let goward_syntax::Expression::Unary {
                operator: goward_syntax::UnaryOperator::Receive,
                operand,
            } = tree.expression(node)
            {
                received.extend(file.facts.object_of(unparenthesized(file, operand)));
            }
        }
        _ => {}
    });
    !sent.is_disjoint(&received)
}

/// Whether a statement stands under a condition that asks an atomic operation, or an index of the turn:
/// one goroutine only comes there.
fn asks_atomic(context: &Context<'_>, target: UnitId, node: NodeId) -> bool {
    let unit = context.flow.units.get(target);
    let tree = context.file(unit.file).tree;
    let at = tree.span(node);
    tree.preorder(unit.body).any(|below| {
        let Statement::If {
            condition, initial, ..
        } = tree.statement(below)
        else {
            return false;
        };
        let span = tree.span(below);
        if tree.kind(below) != NodeKind::IfStmt || !(span.start <= at.start && at.end <= span.end) {
            return false;
        }
        [Some(condition), initial]
            .into_iter()
            .flatten()
            .any(|asked| {
                let text = context.text(unit.file, asked);
                [
                    "CompareAnd",
                    "Swap(",
                    ".Add(",
                    "Add32",
                    "Add64",
                    "==",
                    "TryLock",
                ]
                .iter()
                .any(|word| {
                    // `err == nil` says nothing of who comes here.
                    text.contains(word) && !(*word == "==" && text.contains("nil"))
                })
            })
    })
}

/// The variables that goroutines of one loop set side by side.
fn with_itself(
    context: &Context<'_>,
    observed: &Observed,
    id: SpawnId,
    known: &Captured,
) -> Vec<(ObjectId, NodeId)> {
    let spawn = &context.flow.lowered.spawns[id.0 as usize];
    let sets = known.set.iter().copied();
    sets.filter(|&(variable, node)| {
        !is_of_one_turn(context, observed, spawn.target, node)
            && !is_per_turn(context, variable, observed.unit, spawn.node)
            && !waits_each_turn(context, observed.unit, spawn.node)
    })
    .collect()
}

/// Whether a statement stands under a condition that only looks at what the turn has: it may hold in one
/// turn only, as `if backend.preferred`.
fn is_of_one_turn(
    context: &Context<'_>,
    observed: &Observed,
    target: UnitId,
    node: NodeId,
) -> bool {
    let unit = context.flow.units.get(target);
    let file = context.file(unit.file);
    let tree = file.tree;
    let at = tree.span(node);
    let around = innermost_loop(context, observed.unit, observed.event.node);
    let of_turn = |variable: ObjectId| {
        let object = context.world().object(variable);
        let given = unit.parameters.contains(&Some(variable));
        let captured = !context.flow.declared_inside(variable, target)
            && object.file as usize == unit.file
            && around.is_some_and(|span| span.contains(object.offset));
        given || captured
    };
    tree.preorder(unit.body).any(|below| {
        let Statement::If {
            condition, then, ..
        } = tree.statement(below)
        else {
            return false;
        };
        let span = tree.span(then);
        if tree.kind(below) != NodeKind::IfStmt || !(span.start <= at.start && at.end <= span.end) {
            return false;
        }
        let mut roots = 0;
        let mut only = true;
        for asked in tree.preorder(condition) {
            only &= tree.kind(asked) != NodeKind::CallExpr;
            if tree.kind(asked) == NodeKind::Ident
                && let Some(object) = file.facts.object_of(asked)
                && context.world().object(object).is_variable()
                && !context.world().object(object).is_field()
            {
                roots += 1;
                only &= of_turn(object);
            }
        }
        only && roots > 0
    })
}

/// Whether each turn of the loop around a node has the variable for itself.
fn is_per_turn(context: &Context<'_>, variable: ObjectId, unit: UnitId, node: NodeId) -> bool {
    let object = context.world().object(variable);
    let file = context.flow.units.get(unit).file;
    object.file as usize == file
        && innermost_loop(context, unit, node).is_some_and(|span| span.contains(object.offset))
}

/// Whether a turn of the loop waits for its goroutine.
fn waits_each_turn(context: &Context<'_>, unit: UnitId, node: NodeId) -> bool {
    let Some(around) = innermost_loop(context, unit, node) else {
        return false;
    };
    let unit = context.flow.units.get(unit);
    let file = context.file(unit.file);
    let mut waits = false;
    walk(unit, |below, _| {
        if !around.contains(file.tree.span(below).start) {
            return;
        }
        waits |= match file.tree.expression(below) {
            goward_syntax::Expression::Unary {
                operator: goward_syntax::UnaryOperator::Receive,
                ..
            } => true,
            goward_syntax::Expression::Selector { name, .. } => {
                file.tree.symbol(name).as_str() == "Wait"
            }
            _ => false,
        };
    });
    waits
}

/// Whether an assignment declares the variable, or counts on a loop that gives each turn its own.
/// Whether what is set here is the variable of another turn than that in which the goroutine was started:
/// each turn of a loop around both has a variable of its own, and sets it before it comes to the start.
fn is_of_next_turn(
    context: &Context<'_>,
    variable: ObjectId,
    observed: &Observed,
    id: SpawnId,
) -> bool {
    let spawn = &context.flow.lowered.spawns[id.0 as usize];
    let unit = context.flow.units.get(spawn.unit);
    let tree = context.file(unit.file).tree;
    let object = context.world().object(variable);
    let (start, set) = (tree.span(spawn.node), tree.span(observed.event.node));
    if observed.unit != spawn.unit || object.file as usize != unit.file || set.start > start.start {
        return false;
    }
    // From the start of the goroutine control comes to the set again only by the turns of loops around both.
    tree.preorder(unit.body)
        .filter(|&node| matches!(tree.kind(node), NodeKind::ForStmt | NodeKind::RangeStmt))
        .map(|node| tree.span(node))
        .filter(|around| around.contains(start.start) && around.contains(set.start))
        .min_by_key(|around| around.len())
        .is_some_and(|around| around.contains(object.offset))
}

fn declares(context: &Context<'_>, observed: &Observed, variable: ObjectId) -> bool {
    let unit = context.flow.units.get(observed.unit);
    let tree = context.file(unit.file).tree;
    let object = context.world().object(variable);
    if tree.span(observed.event.node).contains(object.offset)
        && tree.kind(observed.event.node) != NodeKind::RangeStmt
    {
        return true;
    }
    // `for i := 0; …; i++` and `for i := range …` declare it anew for each turn.
    tree.preorder(unit.body).any(|node| match tree.kind(node) {
        NodeKind::ForStmt => matches!(tree.statement(node), Statement::For { initial: Some(initial), .. }
            if tree.span(initial).contains(object.offset)
                && matches!(tree.statement(initial), Statement::Assign { operator: AssignOperator::Define, .. })),
        NodeKind::RangeStmt => matches!(tree.statement(node), Statement::Range { operator: RangeOperator::Define, key, value, .. }
            if [key, value].into_iter().flatten().any(|place| tree.span(place).start == object.offset)),
        _ => false,
    })
}

fn start_step(context: &Context<'_>, finding: Diagnostic, id: SpawnId, text: &str) -> Diagnostic {
    let spawn = &context.flow.lowered.spawns[id.0 as usize];
    let file = context.flow.units.get(spawn.unit).file;
    let begin = context.span(file, spawn.node).start;
    finding.step(context.path(file), Span::new(begin, begin + 2), text)
}

fn in_loop(
    context: &Context<'_>,
    variable: ObjectId,
    (target, node): (UnitId, NodeId),
    id: SpawnId,
) -> Diagnostic {
    let file = context.flow.units.get(target).file;
    let name = context.world().object(variable).name;
    let path = context.path(file);
    let finding = RULE
        .diagnostic(
            path.clone(),
            context.span(file, node),
            format!("`{name}` is set by several goroutines at the same time, without a lock"),
        )
        .in_function(context.function(target))
        .operation(context.text(file, node));
    start_step(
        context,
        finding,
        id,
        "each turn of the loop starts a goroutine here",
    )
    .step(
        path,
        context.span(file, node),
        format!("each of them sets `{name}` here"),
    )
    .help(format!(
        "guard `{name}` with a mutex, make it atomic, or let each goroutine have its own"
    ))
}

fn beside_function(
    context: &Context<'_>,
    observed: &Observed,
    variable: ObjectId,
    (target, node, sets): (UnitId, NodeId, bool),
    id: SpawnId,
) -> Diagnostic {
    let file = context.flow.units.get(target).file;
    let own = context.flow.units.get(observed.unit).file;
    let name = context.world().object(variable).name;
    let path = context.path(file);
    let does = if sets { "sets" } else { "uses" };
    let finding = RULE
        .diagnostic(
            path.clone(),
            context.span(file, node),
            format!("this goroutine {does} `{name}` while the function that started it sets it"),
        )
        .in_function(context.function(target))
        .operation(context.text(file, node));
    let span = context.span(own, observed.event.node);
    start_step(context, finding, id, "the goroutine starts here")
        .step(
            context.path(own),
            Span::new(span.start, span.end.min(span.start + 60)),
            format!("`{name}` is set here, and nobody has waited for the goroutine"),
        )
        .step(
            path,
            context.span(file, node),
            format!("the goroutine {does} it here"),
        )
        .help(format!(
            "wait for the goroutine first, or let it have a `{name}` of its own"
        ))
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn who_shares() {
        check(
            &RULE,
            r#"
package p

import (
	"io"
	"sync"
	"sync/atomic"
)

func produce(to io.Writer, from int)   {}
func consume(from io.Reader) bool      { return true }

func piped(n int) {
	var info int
	for i := range n {
		info = i
		r, w := io.Pipe()
		go func() {
			produce(w, info)
			w.CloseWithError(nil)
		}()
		if consume(r) {
			return
		}
	}
}
func pipedLate(n int) {
	var info int
	for i := range n {
		info = i
		r, w := io.Pipe()
		go func() {
			produce(w, 1)
			println(info) // want "uses `info` while the function that started it sets it"
		}()
		if consume(r) {
			return
		}
	}
}
func pipedUnread(n int) {
	var info int
	for i := range n {
		info = i
		r, w := io.Pipe()
		go func() {
			produce(w, info) // want "uses `info` while the function that started it sets it"
		}()
		if i > 2 {
			continue
		}
		if consume(r) {
			return
		}
	}
}
func appended(n int) []int {
	var out []int
	var w sync.WaitGroup
	for i := range n {
		w.Add(1)
		go func() {
			defer w.Done()
			out = append(out, i) // want "`out` is set by several goroutines"
		}()
	}
	w.Wait()
	return out
}
func outerTurn(groups [][]int, note func(string, int), log func(error)) {
	for range groups {
		name := "first"
		name = "second"
		for range groups[0] {
			go func() { note(name, 0) }() // want "uses `name` while the function that started it sets it"
		}
		name = "third"
		for range groups[0] {
			go func() {
				name = "fourth" // want "`name` is set by several goroutines"
			}()
		}
	}
}
func outerTurnOnly(groups [][]int, note func(string, int)) {
	for _, group := range groups {
		name := "first"
		if len(group) > 3 {
			name = "second"
		}
		for i := range group {
			go func() { note(name, i) }()
		}
	}
}
func byGroup(n int) (err error) {
	var w sync.WaitGroup
	for range n {
		w.Go(func() {
			err = work() // want "`err` is set by several goroutines"
		})
	}
	w.Wait()
	return err
}
func work() error { return nil }
func both() error {
	var err error
	done := make(chan struct{})
	go func() {
		err = work() // want "this goroutine sets `err`"
		close(done)
	}()
	err = work()
	<-done
	return err
}
func loopVariable(list []string) {
	var i int
	for i = 0; i < len(list); i++ {
		go func() {
			println(list[i]) // want "this goroutine uses `i`"
		}()
	}
}
func rangeVariable(list []string) {
	var item string
	for _, item = range list {
		go func() {
			println(item) // want "this goroutine uses `item`"
		}()
	}
}

func locked(n int) int {
	count := 0
	var mu sync.Mutex
	var w sync.WaitGroup
	for range n {
		w.Add(1)
		go func() {
			defer w.Done()
			mu.Lock()
			defer mu.Unlock()
			count++
		}()
	}
	w.Wait()
	return count
}
func joined() error {
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = work()
	}()
	<-done
	err = work()
	return err
}
func perTurn(list []string) {
	for i, item := range list {
		n := 0
		go func() {
			n++
			println(item, i, n)
		}()
	}
	for i := 0; i < 3; i++ {
		go func() { println(i) }()
	}
}
func once(n int) (err error) {
	var o sync.Once
	var w sync.WaitGroup
	for range n {
		w.Go(func() {
			o.Do(func() { err = work() })
		})
	}
	w.Wait()
	return err
}
func swapped(n int) (err error) {
	var set atomic.Bool
	var w sync.WaitGroup
	for range n {
		w.Go(func() {
			if set.CompareAndSwap(false, true) {
				err = work()
			}
		})
	}
	w.Wait()
	return err
}
func turns(n int) int {
	count := 0
	semaphore := make(chan bool, 1)
	var w sync.WaitGroup
	for range n {
		w.Go(func() {
			semaphore <- true
			count++
			<-semaphore
		})
	}
	w.Wait()
	return count
}
func oneByOne(n int) int {
	count := 0
	for range n {
		done := make(chan bool)
		go func() {
			count++
			close(done)
		}()
		<-done
	}
	return count
}
func ofOneTurn(list []struct{ first bool }) int {
	at := 0
	var w sync.WaitGroup
	for i, item := range list {
		w.Go(func() {
			if item.first {
				at = i
			}
		})
	}
	w.Wait()
	return at
}
func waitsFirst(ready chan bool) {
	var reader *int
	go func() {
		<-ready
		println(reader)
	}()
	reader = new(int)
	close(ready)
}
func renewed(next func() bool) {
	var done chan bool
	for next() {
		done = make(chan bool)
		go func() { close(done) }()
	}
}
func drained(list chan int) (err error) {
	go func() {
		defer close(list)
		err = work()
	}()
	for range list {
	}
	err = work()
	return err
}
func elements(n int) []int {
	out := make([]int, n)
	var w sync.WaitGroup
	for i := range n {
		w.Go(func() { out[i] = i })
	}
	w.Wait()
	out = append(out, 1)
	return out
}
"#,
        );
    }
}
