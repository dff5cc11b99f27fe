//! `lost-error-wrap`: an error is made of the text of another one.

use goward_diagnostics::{Category, Diagnostic, Safety, Severity};
use goward_flow::{UnitId, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind};
use goward_types::TypedFile;

use crate::context::Context;
use crate::errors::{called, errorf, is_error, text_only};
use crate::rule::{Group, rule};
use crate::rules::lost_context_error::is_context_error;
use crate::walk::{walk, walk_all};

rule! {
    /// Reports errors that hold another error as text only.
    ///
    /// ## What it reports
    ///
    /// An error as the argument of a verb of `fmt.Errorf` that takes its text, `%v` or `%s`, and `err.Error()`
    /// as such an argument or in the text that is given to `errors.New`. Not to wrap is a choice that many
    /// packages make on purpose: the rule is in the nursery. `ctx.Err()` is the business of
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

/// `errors.New` of a text that holds `err.Error()`.
fn new_of_text(context: &Context<'_>, id: UnitId, call: NodeId) -> Option<Diagnostic> {
    let file = context.file(context.flow.units.get(id).file);
    if called(context, file, call) != Some(("errors", "New")) {
        return None;
    }
    let Expression::Call {
        arguments: &[text], ..
    } = file.tree.expression(call)
    else {
        return None;
    };
    let mut found = None;
    walk_all(file.tree, text, |node| {
        if let Some(error) = text_of_error(context, file, node) {
            found = found.or(Some((node, error)));
        }
    });
    let (node, error) = found?;
    Some(only_text(context, id, node, error))
}

/// The error in `err.Error()`.
fn text_of_error(context: &Context<'_>, file: &TypedFile<'_>, node: NodeId) -> Option<NodeId> {
    let Expression::Call {
        function,
        arguments: [],
        ..
    } = file.tree.expression(node)
    else {
        return None;
    };
    let Expression::Selector { operand, name } =
        file.tree.expression(unparenthesized(file, function))
    else {
        return None;
    };
    let text = file.tree.symbol(name).as_str() == "Error";
    (text && is_error(context, file, operand)).then_some(operand)
}

fn only_text(context: &Context<'_>, id: UnitId, node: NodeId, error: NodeId) -> Diagnostic {
    let file = context.flow.units.get(id).file;
    let text = context.text(file, error);
    let span = context.span(file, node);
    RULE.diagnostic(
        context.path(file),
        span,
        format!("only the text of `{text}` goes on, so `errors.Is` does not find it"),
    )
    .in_function(context.function(id))
    .operation(format!("text of {text}"))
    .step(
        context.path(file),
        span,
        "only the text of the error goes on from here",
    )
    .help(format!(
        "give `{text}` to `fmt.Errorf` with `%w`, if callers may know what is in it"
    ))
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    for (id, unit) in context.flow.units.iter() {
        let file = context.file(unit.file);
        walk(unit, |node, _| {
            if file.tree.kind(node) != NodeKind::CallExpr {
                return;
            }
            findings.extend(new_of_text(context, id, node));
            for formatted in errorf(context, file, node) {
                let argument = unparenthesized(file, formatted.argument);
                if let Some(error) = text_of_error(context, file, argument) {
                    findings.push(only_text(context, id, argument, error));
                    continue;
                }
                if is_context_error(context, file, argument)
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

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn text_of_errors() {
        check(
            &RULE,
            r#"
package p

import (
	"errors"
	"fmt"
)

type value struct{}

func (value) Error() string { return "" }

func a(err error) error { return errors.New("failed: " + err.Error()) } // want "only the text of `err`"
func b(err error) error { return fmt.Errorf("failed: %s", err.Error()) } // want "only the text of `err`"
func c(err error) error { return errors.New(fmt.Sprintf("failed: %s", err.Error())) } // want "only the text of `err`"

func plain() error { return errors.New("failed") }
func wrapped(err error) error { return fmt.Errorf("failed: %w", err) }
func printed(err error) string { return "failed: " + err.Error() }
"#,
        );
    }
}
