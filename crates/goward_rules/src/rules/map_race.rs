//! `map-race`.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::Tested;

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::sharing::{Conflict, call_steps, verb};

rule! {
    /// Reports a map that one goroutine writes while another one uses it, without a common lock.
    ///
    /// ## What it reports
    ///
    /// A map that is written in a goroutine started in a loop, in two goroutines that run at the same
    /// time, in one goroutine and beside it before anybody has waited for it, in a function that is
    /// given to another one of the package, which runs it in several goroutines, or in an HTTP handler
    /// or a method of a gRPC service, which run once for each request. Goroutines are `go` statements,
    /// `errgroup` and `WaitGroup.Go`, `AfterFunc`, subtests that begin with `t.Parallel`, and the body of
    /// `b.RunParallel`. The map may be captured, passed, a field or a
    /// package variable.
    ///
    /// Nothing is said where the two share a lock, where one holds a lock that cannot be followed, and
    /// where `Wait` or a receive stands between them.
    ///
    /// ## Why it matters
    ///
    /// The run time may notice it and end the process with `fatal error: concurrent map writes`, which
    /// no `recover` catches; or it does not notice, and entries are lost. It makes no difference that
    /// the goroutines use different keys.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package fetch
    ///
    /// import "sync"
    ///
    /// func All(urls []string, get func(string) string) map[string]string {
    /// 	pages := make(map[string]string)
    /// 	var wg sync.WaitGroup
    /// 	for _, url := range urls {
    /// 		wg.Add(1)
    /// 		go func() {
    /// 			defer wg.Done()
    /// 			pages[url] = get(url) // want map-race
    /// 		}()
    /// 	}
    /// 	wg.Wait()
    /// 	return pages
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package fetch
    ///
    /// import "sync"
    ///
    /// func All(urls []string, get func(string) string) map[string]string {
    /// 	pages := make(map[string]string)
    /// 	var mu sync.Mutex
    /// 	var wg sync.WaitGroup
    /// 	for _, url := range urls {
    /// 		wg.Add(1)
    /// 		go func() {
    /// 			defer wg.Done()
    /// 			page := get(url)
    /// 			mu.Lock()
    /// 			pages[url] = page
    /// 			mu.Unlock()
    /// 		}()
    /// 	}
    /// 	wg.Wait()
    /// 	return pages
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: whether a lock, a channel or a map for each goroutine is right is a question
    /// of design.
    pub(crate) const RULE: Rule = Rule {
        name: "map-race",
        category: Category::Race,
        group: Group::Default,
        severity: Severity::Error,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let sharing = context.sharing();
    for conflict in &sharing.conflicts {
        if !conflict.effect.deferred {
            report(context, conflict, findings);
        }
    }
}

fn report(context: &Context<'_>, conflict: &Conflict, findings: &mut Vec<Diagnostic>) {
    let flow = context.flow;
    let effect = &conflict.effect;
    let file = flow.units.get(effect.unit).file;
    let name = flow.text(effect.access.path);
    let done = verb(effect.access.kind);
    let message = match (&conflict.other, conflict.spawn) {
        (None, Some(_)) => {
            format!("`{name}` is {done} by several goroutines at the same time, without a lock")
        }
        (None, None) if conflict.given_to.is_some() => {
            format!("`{name}` is {done} by several goroutines at the same time, without a lock")
        }
        (None, None) => {
            format!(
                "`{name}` is {done} in a handler, which serves many requests at once, without a lock"
            )
        }
        (Some((other, _)), _) => format!(
            "`{name}` is {done} while another goroutine may have it {}, without a common lock",
            verb(other.access.kind)
        ),
    };
    let finding = RULE
        .diagnostic(
            context.path(file),
            context.span(file, effect.access.node),
            message,
        )
        .in_function(context.function(effect.unit))
        .operation(context.text(file, effect.access.node))
        .help("guard every use of the map with one mutex, or let one goroutine own it");
    findings.push(steps(context, conflict, finding));
}

/// How the two sides come together.
pub(crate) fn steps(
    context: &Context<'_>,
    conflict: &Conflict,
    mut finding: Diagnostic,
) -> Diagnostic {
    let flow = context.flow;
    let place = |spawn| {
        let spawn: &goward_flow::Spawn = &flow.lowered.spawns[spawn];
        let file = flow.units.get(spawn.unit).file;
        (context.path(file), context.span(file, spawn.node))
    };
    match conflict.spawn {
        Some(id) => {
            let (path, span) = place(id.0 as usize);
            let text = match &conflict.other {
                None if flow.lowered.spawns[id.0 as usize].tested == Some(Tested::Benchmark) => {
                    "run here in several goroutines at once"
                }
                None if flow.lowered.spawns[id.0 as usize].tested == Some(Tested::Subtest) => {
                    "each turn of the loop starts a parallel subtest here"
                }
                None if flow.lowered.spawns[id.0 as usize].many => {
                    "registered here as a handler: each request runs it"
                }
                None => "each turn of the loop starts a goroutine here",
                Some(_) => "one goroutine starts here",
            };
            finding = finding.step(path, span, text);
            finding = call_steps(context, &conflict.effect, finding, 1);
        }
        None => {
            if let Some((unit, node)) = conflict.given_to {
                let file = flow.units.get(unit).file;
                finding = finding.step(
                    context.path(file),
                    context.span(file, node),
                    "the function is run in goroutines that start here, several at a time",
                );
            } else if conflict.other.is_none() {
                let unit = flow.units.get(conflict.unit);
                finding = finding.step(
                    context.path(unit.file),
                    context.span(unit.file, unit.function_type),
                    "each request runs this handler in a goroutine of its own",
                );
            }
            finding = call_steps(context, &conflict.effect, finding, 0);
        }
    }
    if let Some((other, spawn)) = &conflict.other {
        if let Some(id) = spawn {
            let (path, span) = place(id.0 as usize);
            finding = finding.step(path, span, "the other goroutine starts here");
        }
        let file = flow.units.get(other.unit).file;
        finding = finding.step(
            context.path(file),
            context.span(file, other.access.node),
            format!("the map is {} here", verb(other.access.kind)),
        );
    }
    let file = flow.units.get(conflict.effect.unit).file;
    finding.step(
        context.path(file),
        context.span(file, conflict.effect.access.node),
        format!("and {} here", verb(conflict.effect.access.kind)),
    )
}
