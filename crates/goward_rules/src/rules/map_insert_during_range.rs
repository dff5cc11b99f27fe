//! `map-insert-during-range`: a loop over a map sets other elements of it.

use goward_diagnostics::{Category, Diagnostic, Severity, Span};
use goward_flow::{Unit, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use goward_types::{TypeKind, TypedFile};

use crate::context::Context;
use crate::errors::called;
use crate::rule::{Group, rule};
use crate::walk::walk;

rule! {
    /// Reports loops over a map that set elements of it under other keys.
    ///
    /// ## What it reports
    ///
    /// `m[key] = v`, `m[key] += v` and `m[key]++` in a loop over `m`, or over `maps.Keys(m)` or `maps.All(m)`, where
    /// `key` is not the key of the loop. Silent where the loop is left right after it, and where the element has been
    /// looked up before, so that it may be known to be there. Some loops do not mind: the rule is in the nursery.
    ///
    /// ## Why it matters
    ///
    /// Whether the loop comes to an element that was added while it runs is not defined: some runs do, others do
    /// not, and the outcome differs from run to run.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// import "strings"
    ///
    /// func alias(names map[string]int) {
    /// 	for name, id := range names {
    /// 		names[strings.ToLower(name)] = id // want map-insert-during-range
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
    /// 	"maps"
    /// 	"strings"
    /// )
    ///
    /// func alias(names map[string]int) {
    /// 	added := map[string]int{}
    /// 	for name, id := range names {
    /// 		added[strings.ToLower(name)] = id
    /// 	}
    /// 	maps.Copy(names, added)
    /// }
    ///
    /// func double(counts map[string]int) {
    /// 	for name := range counts {
    /// 		counts[name] *= 2
    /// 	}
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// There is no fix: whether new elements should be visited is for the author to say.
    pub(crate) const RULE: Rule = Rule {
        name: "map-insert-during-range",
        category: Category::StaleValue,
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
        let mut loops = Vec::new();
        walk(unit, |node, _| {
            loops.extend(ranged_map(context, file, node));
        });
        for (range, map, key, body) in loops {
            for inserted in inserts(context, unit, (map, key, body)) {
                let path = context.path(unit.file);
                let span = context.span(unit.file, inserted);
                let text = context.text(unit.file, map);
                let begin = context.span(unit.file, range).start;
                findings.push(
                    RULE.diagnostic(
                        path.clone(),
                        span,
                        format!("this adds to `{text}` while the loop goes over it: it may come to the new element, or not"),
                    )
                    .in_function(context.function(id))
                    .operation(context.text(unit.file, inserted))
                    .step(path.clone(), Span::new(begin, begin + 3), format!("the loop goes over `{text}`"))
                    .step(path, span, "another key is set here")
                    .help("collect what is new in a map of its own, and add it after the loop"),
                );
            }
        }
    }
}

/// A loop over a map: the statement, the map, the key variable and the body.
fn ranged_map(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    node: NodeId,
) -> Option<(NodeId, NodeId, Option<NodeId>, NodeId)> {
    if file.tree.kind(node) != NodeKind::RangeStmt {
        return None;
    }
    let Statement::Range {
        key, operand, body, ..
    } = file.tree.statement(node)
    else {
        return None;
    };
    let mut map = unparenthesized(file, operand);
    if let Expression::Call {
        arguments: &[of], ..
    } = file.tree.expression(map)
        && matches!(called(context, file, map), Some(("maps", "Keys" | "All")))
    {
        map = unparenthesized(file, of);
    }
    let is_map = context.world().underlying(file.facts.type_of(map)).kind() == TypeKind::Map;
    let place = matches!(
        file.tree.expression(map),
        Expression::Identifier | Expression::Selector { .. }
    );
    (is_map && place).then_some((node, map, key, body))
}

/// The elements of the map that the body of a loop sets under other keys.
fn inserts(
    context: &Context<'_>,
    unit: &Unit,
    (map, key, body): (NodeId, Option<NodeId>, NodeId),
) -> Vec<NodeId> {
    let file = context.file(unit.file);
    let tree = file.tree;
    let text = context.text(unit.file, map);
    let key = key.and_then(|key| file.facts.object_of(key));
    let mut found = Vec::new();
    let mut looked_up = Vec::new();
    let mut pending = vec![body];
    while let Some(node) = pending.pop() {
        let targets: Vec<NodeId> = match tree.kind(node) {
            NodeKind::FuncLit => continue,
            NodeKind::AssignStmt => match tree.statement(node) {
                Statement::Assign { left, .. } => left.to_vec(),
                _ => Vec::new(),
            },
            NodeKind::IncDecStmt => match tree.statement(node) {
                Statement::IncrementDecrement { operand, .. } => vec![operand],
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        for target in &targets {
            let target = unparenthesized(file, *target);
            if let Expression::Index {
                operand,
                indices: &[index],
                ..
            } = tree.expression(target)
                && context.text(unit.file, operand) == text
                && (file.facts.object_of(unparenthesized(file, index)) != key || key.is_none())
                && !leaves_after(file, body, node)
            {
                found.push(target);
            }
        }
        // The loop gets a new map, or makes a copy of its own.
        if targets
            .iter()
            .any(|&target| context.text(unit.file, target) == text)
        {
            return Vec::new();
        }
        if tree.kind(node) == NodeKind::IndexExpr {
            looked_up.push(node);
        }
        let below = pending.len();
        tree.for_each_child(node, |child| pending.push(child));
        pending[below..].reverse();
    }
    found.retain(|&target| {
        let wanted = context.text(unit.file, target);
        let appended = is_append(file, body, target);
        !looked_up.iter().any(|&other| {
            other != target
                && tree.span(other).start < tree.span(target).start
                && context.text(unit.file, other) == wanted
                && !appended
        })
    });
    found
}

/// Whether the statement after a node, or the block that it ends, leaves the loop.
fn leaves_after(file: &TypedFile<'_>, body: NodeId, node: NodeId) -> bool {
    let tree = file.tree;
    let mut leaves = false;
    for block in tree.preorder(body) {
        let (Statement::Block { statements }
        | Statement::CaseClause {
            body: statements, ..
        }) = tree.statement(block)
        else {
            continue;
        };
        if let Some(position) = statements.iter().position(|&statement| statement == node) {
            leaves = statements[position..].iter().any(|&statement| {
                matches!(
                    tree.statement(statement),
                    Statement::Return { .. }
                        | Statement::Branch {
                            keyword: goward_syntax::BranchKeyword::Break
                                | goward_syntax::BranchKeyword::Goto,
                            ..
                        }
                )
            });
        }
    }
    leaves
}

/// `m[k] = append(m[k], …)`: the element need not have been there.
fn is_append(file: &TypedFile<'_>, body: NodeId, target: NodeId) -> bool {
    let tree = file.tree;
    tree.preorder(body).any(|node| {
        tree.kind(node) == NodeKind::AssignStmt
            && matches!(tree.statement(node), Statement::Assign { left, right: &[value], .. }
                if left.contains(&target) && tree.kind(value) == NodeKind::CallExpr)
    })
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn loops() {
        check(
            &RULE,
            r#"
package p

import "maps"

type graph struct{ edges map[string][]string }

func added(m map[string]int) { for k, v := range m { m[k+"!"] = v } } // want "adds to `m`"
func counted(m map[string]int) { for range m { m["n"]++ } } // want "adds to `m`"
func keys(m map[int]int) { for k := range maps.Keys(m) { m[k*2] = k } } // want "adds to `m`"
func (g *graph) symmetric() {
	for a, list := range g.edges {
		for _, b := range list {
			g.edges[b] = append(g.edges[b], a) // want "adds to `g.edges`"
		}
	}
}

func same(m map[string]int) { for k := range m { m[k]++ } }
func other(m, n map[string]int) { for k, v := range m { n[k+"!"] = v } }
func deleted(m map[string]int) { for k := range m { delete(m, k) } }
func left(m map[string]int) { for k, v := range m { if v > 3 { m[k+"!"] = v; break } } }
func returned(m map[string]int) bool { for k, v := range m { if v > 3 { m[k+"!"] = v; return true } }; return false }
func known(m map[string]int, k2 string) { for range m { if m[k2] > 0 { m[k2] = 1 } } }
func clone(m map[string]int) { for k, v := range maps.Clone(m) { m[k+"!"] = v } }
func literal(m map[string]int) (fs []func()) { for k := range m { fs = append(fs, func() { m[k+"!"] = 1 }) }; return fs }
"#,
        );
    }
}
