//! `panic-in-goroutine`: a goroutine panics and nothing in it recovers.

use goward_diagnostics::{Category, Diagnostic, Severity};

use crate::context::Context;
use crate::goroutine_panics::{finding, goroutine_panics};
use crate::rule::{Group, rule};

rule! {
    /// Reports calls of panic in goroutines in which nothing recovers.
    ///
    /// ## What it reports
    ///
    /// A call of `panic` in the function of a goroutine itself, without a deferred function that recovers. A panic that says that the program itself is wrong should end the process, so the rule is in the
    /// nursery. Where the starter recovers, `recover-in-other-goroutine` speaks.
    ///
    /// ## Why it matters
    ///
    /// A panic that nothing recovers ends the whole process with all of its goroutines, and a server with all of
    /// its requests: the recover around a handler does not reach the goroutines that it starts.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// func each(jobs []string, run func(string)) {
    /// 	for _, job := range jobs {
    /// 		go func() {
    /// 			if job == "" {
    /// 				panic("empty job") // want panic-in-goroutine
    /// 			}
    /// 			run(job)
    /// 		}()
    /// 	}
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import "log"
    ///
    /// func each(jobs []string, run func(string)) {
    /// 	for _, job := range jobs {
    /// 		if job == "" {
    /// 			log.Print("empty job")
    /// 			continue
    /// 		}
    /// 		go run(job)
    /// 	}
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: an error has to find its way out of the goroutine, or the panic is meant.
    pub(crate) const RULE: Rule = Rule {
        name: "panic-in-goroutine",
        category: Category::Panic,
        group: Group::Nursery,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    for found in goroutine_panics(context) {
        if found.recover.is_none() && found.direct {
            let message = "this panic in a goroutine ends the process".to_owned();
            findings.push(
                finding(context, &RULE, &found, message)
                    .help("give the error out of the goroutine, or recover in it"),
            );
        }
    }
}
