//! `lost-error-wrap`: an error is made of the text of another one.

use goward_diagnostics::{Category, Diagnostic, Safety, Severity};
use goward_flow::unparenthesized;
use goward_syntax::NodeKind;

use crate::context::Context;
use crate::errors::{called, errorf, is_error, text_only};
use crate::rule::{Group, rule};
use crate::walk::walk;

rule! {
    /// Reports errors that hold another error as text only.
    ///
    /// ## What it reports
    ///
    /// An error as the argument of a verb of `fmt.Errorf` that takes its text, `%v` or `%s`. Not to wrap is a
    /// choice that many packages make on purpose: the rule is in the nursery. `ctx.Err()` is the business of
    /// `lost-context-error`.
    ///
    /// ## Why it matters
    ///
    /// `errors.Is` and `errors.As` look through what `%w` wraps. An error that was made with `%v` only reads like
    /// the one in it, and callers that look for that one do not find it.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import (
    /// 	"fmt"
    /// 	"os"
    /// )
    ///
    /// func load(name string) error {
    /// 	if _, err := os.Open(name); err != nil {
    /// 		return fmt.Errorf("loading %s: %v", name, err) // want lost-error-wrap
    /// 	}
    /// 	return nil
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import (
    /// 	"fmt"
    /// 	"os"
    /// )
    ///
    /// func load(name string) error {
    /// 	if _, err := os.Open(name); err != nil {
    /// 		return fmt.Errorf("loading %s: %w", name, err)
    /// 	}
    /// 	return nil
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// The verb becomes `%w`. The text of the error stays as it is, but callers can then tell what is in it: the
    /// fix is unsafe.
    pub(crate) const RULE: Rule = Rule {
        name: "lost-error-wrap",
        category: Category::LostError,
        group: Group::Nursery,
        severity: Severity::Warning,
        since: "0.1",
        fix_safety: Some(Safety::Unsafe),
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    for (id, unit) in context.flow.units.iter() {
        let file = context.file(unit.file);
        walk(unit, |node, _| {
            if file.tree.kind(node) != NodeKind::CallExpr {
                return;
            }
            for formatted in errorf(context, file, node) {
                let argument = unparenthesized(file, formatted.argument);
                let of_context = file.tree.kind(argument) == NodeKind::CallExpr
                    && called(context, file, argument)
                        .is_some_and(|(package, _)| package == "context");
                if of_context
                    || !is_error(context, file, argument)
                    || !matches!(formatted.verb, 'v' | 's')
                {
                    continue;
                }
                findings.push(
                    text_only(&RULE, context, id, &formatted)
                        .help("format it with `%w`, if callers may know what is in it"),
                );
            }
        });
    }
}
