//! `exit-skips-deferred`: the process is ended by a function that has deferred something.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{ExitKind, Step};
use goward_syntax::Statement;
use rustc_hash::FxHashSet;

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::walk::{defer_statements, steps_after};

rule! {
    /// Reports calls that end the process although deferred calls wait for the end of the function.
    ///
    /// ## What it reports
    ///
    /// `os.Exit`, `log.Fatal` and functions of the package that always end in them, on a path on which the
    /// function has deferred a call. Many commands do so, and many deferred calls do not matter any more then:
    /// the rule is in the nursery.
    ///
    /// ## Why it matters
    ///
    /// `os.Exit` ends the process at once. Deferred calls do not run: buffers are not flushed, temporary files
    /// stay, traces are cut off.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package main
    ///
    /// import (
    /// 	"bufio"
    /// 	"log"
    /// 	"os"
    /// )
    ///
    /// func main() {
    /// 	out := bufio.NewWriter(os.Stdout)
    /// 	defer out.Flush()
    /// 	if _, err := out.WriteString("done\n"); err != nil {
    /// 		log.Fatal(err) // want exit-skips-deferred
    /// 	}
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package main
    ///
    /// import (
    /// 	"bufio"
    /// 	"log"
    /// 	"os"
    /// )
    ///
    /// func main() {
    /// 	if err := run(); err != nil {
    /// 		log.Fatal(err)
    /// 	}
    /// }
    ///
    /// func run() error {
    /// 	out := bufio.NewWriter(os.Stdout)
    /// 	defer out.Flush()
    /// 	_, err := out.WriteString("done\n")
    /// 	return err
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: the code should give the error back, which is more than an edit.
    pub(crate) const RULE: Rule = Rule {
        name: "exit-skips-deferred",
        category: Category::LostError,
        group: Group::Nursery,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: None,
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    for (id, unit) in context.flow.units.iter() {
        let file = context.file(unit.file);
        let ends = |kind: ExitKind| kind == ExitKind::ProcessExit;
        if file.test || !unit.graph.exits.iter().any(|exit| ends(exit.kind)) {
            continue;
        }
        let mut seen = FxHashSet::default();
        for defer in defer_statements(unit) {
            let after = steps_after(&unit.graph, |step| step == Step::Register(defer));
            for exit in unit.graph.exits.iter().filter(|exit| ends(exit.kind)) {
                let Some(node) = exit.node else { continue };
                if !after.contains(&Step::Expression(node)) || !seen.insert(node) {
                    continue;
                }
                let Statement::Defer { call } = file.tree.statement(defer) else {
                    continue;
                };
                let path = context.path(unit.file);
                let span = context.span(unit.file, node);
                let start = context.span(unit.file, defer).start;
                findings.push(
                    RULE.diagnostic(
                        path.clone(),
                        span,
                        "this ends the process, and what the function has deferred never runs",
                    )
                    .in_function(context.function(id))
                    .operation(context.text(unit.file, node))
                    .step(
                        path.clone(),
                        goward_diagnostics::Span::new(start, context.span(unit.file, call).end),
                        "this call is deferred",
                    )
                    .step(path, span, "the process is over here")
                    .help("give the error back, and end the process where nothing is deferred"),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn before_and_after() {
        check(
            &RULE,
            r#"
package p

import (
	"log"
	"os"
)

func die(err error) { println(err.Error()); os.Exit(2) }

func a(end func(), b bool) {
	defer end()
	if b {
		os.Exit(1) // want "never runs"
	}
}
func helper(end func(), err error) {
	defer end()
	if err != nil {
		die(err) // want "never runs"
	}
}
func literal(b bool) {
	defer func() { println() }()
	if b {
		log.Fatalf("no %v", b) // want "never runs"
	}
}

func before(end func(), err error) {
	if err != nil {
		log.Fatal(err)
	}
	defer end()
}
func other(end func(), b bool) {
	if b {
		defer end()
		return
	}
	os.Exit(1)
}
func panics(end func(), b bool) {
	defer end()
	if b {
		log.Panic("no")
	}
}
"#,
        );
    }
}
