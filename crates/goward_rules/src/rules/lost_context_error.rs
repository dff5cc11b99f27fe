//! `lost-context-error`: an error is made of the text of ctx.Err().

use goward_diagnostics::{Category, Diagnostic, Safety, Severity};
use goward_flow::unparenthesized;
use goward_syntax::{NodeId, NodeKind};
use goward_types::TypedFile;

use crate::context::Context;
use crate::errors::{called, errorf, text_only};
use crate::rule::{Group, rule};
use crate::walk::walk;

rule! {
    /// Reports errors that hold the error of a context as text only.
    ///
    /// ## What it reports
    ///
    /// `ctx.Err()` (or `context.Cause(ctx)`) as the argument of a verb of `fmt.Errorf` that takes its text: `%v` or `%s`.
    /// Most such errors are only printed, so that nobody misses what was lost: the rule is in the nursery.
    ///
    /// ## Why it matters
    ///
    /// `errors.Is` looks through what `%w` wraps. An error that was made with `%v` only reads like the one in it:
    /// `errors.Is(err, context.Canceled)` and `errors.Is(err, context.DeadlineExceeded)` are false for it, so a
    /// caller that stops quietly when it was cancelled reports a failure instead.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import (
    /// 	"context"
    /// 	"fmt"
    /// )
    ///
    /// func wait(ctx context.Context, done <-chan struct{}) error {
    /// 	select {
    /// 	case <-done:
    /// 		return nil
    /// 	case <-ctx.Done():
    /// 		return fmt.Errorf("not done in time: %v", ctx.Err()) // want lost-context-error
    /// 	}
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// import (
    /// 	"context"
    /// 	"fmt"
    /// )
    ///
    /// func wait(ctx context.Context, done <-chan struct{}) error {
    /// 	select {
    /// 	case <-done:
    /// 		return nil
    /// 	case <-ctx.Done():
    /// 		return fmt.Errorf("not done in time: %w", ctx.Err())
    /// 	}
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// The verb becomes `%w`. The text of the error stays as it is, but callers can then tell what is in it: the
    /// fix is unsafe.
    pub(crate) const RULE: Rule = Rule {
        name: "lost-context-error",
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
                if !is_context_error(context, file, formatted.argument)
                    || !matches!(formatted.verb, 'v' | 's')
                {
                    continue;
                }
                findings
                    .push(text_only(&RULE, context, id, &formatted).help("format it with `%w`"));
            }
        });
    }
}

/// `ctx.Err()` or `context.Cause(ctx)`, or a variable that is never anything else.
pub(crate) fn is_context_error(context: &Context<'_>, file: &TypedFile<'_>, node: NodeId) -> bool {
    let node = unparenthesized(file, node);
    let is_call = |file: &TypedFile<'_>, node: NodeId| {
        file.tree.kind(node) == NodeKind::CallExpr
            && matches!(
                called(context, file, node),
                Some(("context", "Err" | "Cause"))
            )
    };
    if file.tree.kind(node) != NodeKind::Ident {
        return is_call(file, node);
    }
    let value = file
        .facts
        .object_of(node)
        .and_then(|variable| context.flow.lowered.variables.single(variable));
    value.is_some_and(|(file, value)| {
        let file = context.file(file);
        is_call(file, unparenthesized(file, value))
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn verbs() {
        check(
            &RULE,
            r#"
package p

import (
	"context"
	"fmt"
)

type mine interface { context.Context }

func a(ctx context.Context) error { return fmt.Errorf("%v", ctx.Err()) } // want "is formatted with `%v`"
func b(ctx context.Context) error { return fmt.Errorf("%d: %+v", 1, ctx.Err()) } // want "is formatted with `%v`"
func c(ctx mine) error { return fmt.Errorf("100%% %s: %w", (ctx.Err()), ctx.Err()) } // want "is formatted with `%s`"
func d(ctx context.Context) error { return fmt.Errorf("%v", context.Cause(ctx)) } // want "context.Cause"

func variable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("stopped: %v", err) // want "is formatted with `%v`"
	}
	return nil
}
func other(ctx context.Context, run func() error) error {
	err := ctx.Err()
	if err == nil {
		err = run()
	}
	return fmt.Errorf("stopped: %v", err)
}

func e(ctx context.Context) error { return fmt.Errorf("%w", ctx.Err()) }
func f(ctx context.Context) string { return fmt.Sprintf("%v", ctx.Err()) }
func g(ctx context.Context) error { return fmt.Errorf("%T", ctx.Err()) }
func h(ctx context.Context, err error) error { return fmt.Errorf("%v", err) }
func i(ctx context.Context) error { return fmt.Errorf("%[1]v", ctx.Err()) }
"#,
        );
    }
}
