//! `deferred-exit`: a deferred call ends the process.

use goward_diagnostics::{Category, Diagnostic, Severity};
use goward_flow::{Callee, callee, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use goward_types::TypedFile;

use crate::context::Context;
use crate::rule::{Group, rule};
use crate::walk::{defer_statements, walk_all};

rule! {
    /// Reports deferred calls that end the process before others have run.
    ///
    /// ## What it reports
    ///
    /// A deferred function that calls `os.Exit` or `log.Fatal`, in a function that has registered other
    /// deferred calls before it, or in any function but `main`. Commands do so on purpose, as the last
    /// thing of all: the rule is in the nursery.
    ///
    /// ## Why it matters
    ///
    /// Deferred calls run last in, first out, and the end of the process waits for none: those that were
    /// registered earlier never run, and a panic that made the call run is not printed.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "os"
    ///
    /// func run(unlock func(), work func() error) {
    /// 	defer unlock()
    /// 	err := work()
    /// 	defer func() {
    /// 		if err != nil {
    /// 			os.Exit(1) // want deferred-exit
    /// 		}
    /// 	}()
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package main
    ///
    /// import "os"
    ///
    /// func main() {
    /// 	var err error
    /// 	defer func() {
    /// 		if err != nil {
    /// 			os.Exit(1)
    /// 		}
    /// 	}()
    /// 	err = run(func() {}, func() error { return nil })
    /// }
    ///
    /// func run(unlock func(), work func() error) error {
    /// 	defer unlock()
    /// 	return work()
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: the code should leave through `main`, which is more than an edit.
    pub(crate) const RULE: Rule = Rule {
        name: "deferred-exit",
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
        for defer in defer_statements(unit) {
            let Some(exit) = exit_in(context, file, defer) else {
                continue;
            };
            // Those that are registered before it run after it.
            let skipped = unit.graph.exits.iter().find_map(|exit| {
                let position = exit
                    .deferred
                    .iter()
                    .position(|call| call.statement == defer)?;
                exit.deferred.get(position + 1).map(|call| call.statement)
            });
            // Nothing is deferred around `main`, but around any other function there may be.
            let main = unit.name == "main" && context.is_command();
            if skipped.is_none() && main {
                continue;
            }
            let path = context.path(unit.file);
            let message = match skipped {
                Some(_) => {
                    "this ends the process before the deferred calls that were registered earlier"
                }
                None => {
                    "this ends the process from a deferred call: what the callers have deferred never runs"
                }
            };
            let mut finding = RULE
                .diagnostic(path.clone(), context.span(unit.file, exit), message)
                .in_function(context.function(id))
                .operation(context.text(unit.file, exit));
            if let Some(skipped) = skipped {
                finding = finding.step(
                    path.clone(),
                    context.span(unit.file, skipped),
                    "this call was deferred earlier, so it would run later",
                );
            }
            findings.push(
                finding
                    .step(
                        path,
                        context.span(unit.file, exit),
                        "the process is over here",
                    )
                    .help("give the error back, and end the process where nothing is deferred"),
            );
        }
    }
}

/// The call in a deferred function that ends the process.
fn exit_in(context: &Context<'_>, file: &TypedFile<'_>, defer: NodeId) -> Option<NodeId> {
    let Statement::Defer { call } = file.tree.statement(defer) else {
        return None;
    };
    let Expression::Call { function, .. } = file.tree.expression(call) else {
        return None;
    };
    let literal = unparenthesized(file, function);
    let mut found = None;
    let mut look = |node: NodeId| {
        if file.tree.kind(node) == NodeKind::CallExpr
            && let Expression::Call { function, .. } = file.tree.expression(node)
            && ends_process(context, file, function)
        {
            found.get_or_insert(node);
        }
    };
    match file.tree.kind(literal) {
        NodeKind::FuncLit => walk_all(file.tree, literal, look),
        _ => look(call),
    }
    found
}

fn ends_process(context: &Context<'_>, file: &TypedFile<'_>, function: NodeId) -> bool {
    let fatal = |name: &str| matches!(name, "Fatal" | "Fatalf" | "Fatalln");
    match callee(context.world(), file, function) {
        Callee::Function(object) => {
            let object = context.world().object(object);
            let package = object
                .package
                .map_or("", |package| context.world().package(package).path.as_str());
            match package {
                "os" => object.name.as_str() == "Exit",
                "testing" => false,
                "log" => fatal(object.name.as_str()),
                _ => package.contains('.') && fatal(object.name.as_str()),
            }
        }
        // `logrus.Fatal` of a module that is not there.
        Callee::Unknown => match file.tree.expression(unparenthesized(file, function)) {
            Expression::Selector { name, .. } => fatal(file.tree.symbol(name).as_str()),
            _ => false,
        },
        _ => false,
    }
}
