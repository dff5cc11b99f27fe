//! `nil-map-write`: an element of a nil map is set.

use goward_diagnostics::{Category, Diagnostic, Edit, Fix, Safety, Severity, Span};
use goward_flow::{NeverMade, NilReason, NilWrite};
use goward_syntax::{Expression, NodeId, NodeKind, Specification, Statement};
use goward_types::{ObjectId, TypedFile};

use crate::context::Context;
use crate::rule::{Group, rule};

rule! {
    /// Reports writes to a map that is nil, which panic.
    ///
    /// ## What it reports
    ///
    /// `m[k] = v`, `m[k] += v`, `m[k]++` and a range over `m[k]` where `m` is nil: declared without a
    /// value, set to nil, made on some branches only, a field that a struct literal leaves out, a
    /// named result, an inner map that nobody sets, a map from a function of the package that may
    /// return nil without an error, a field or package variable that nothing in the package ever
    /// makes, and a field that a sibling function makes when it is missing while this one does not.
    ///
    /// ## Why it matters
    ///
    /// Reading a nil map gives the zero value, so the map looks fine until the first write, which
    /// panics with `assignment to entry in nil map`. Unless something recovers the panic, the process
    /// ends.
    ///
    /// ## Flagged
    ///
    /// ```go
    /// package p
    ///
    /// func count(words []string) map[string]int {
    /// 	var counts map[string]int
    /// 	for _, word := range words {
    /// 		counts[word]++ // want nil-map-write
    /// 	}
    /// 	return counts
    /// }
    ///
    /// type registry struct {
    /// 	names map[string]bool
    /// }
    ///
    /// func (r *registry) add(name string) {
    /// 	r.names[name] = true // want nil-map-write
    /// }
    /// ```
    ///
    /// ## Accepted
    ///
    /// ```go
    /// package p
    ///
    /// func index(words []string, wanted bool) map[string]int {
    /// 	var places map[string]int
    /// 	if wanted {
    /// 		places = make(map[string]int)
    /// 	}
    /// 	for i, word := range words {
    /// 		if wanted {
    /// 			places[word] = i
    /// 		}
    /// 	}
    /// 	return places
    /// }
    ///
    /// type lazy struct {
    /// 	names map[string]bool
    /// }
    ///
    /// func (l *lazy) add(name string) {
    /// 	if l.names == nil {
    /// 		l.names = make(map[string]bool)
    /// 	}
    /// 	l.names[name] = true
    /// }
    /// ```
    ///
    /// ## Fix safety
    ///
    /// A local variable that is declared without a value gets `make`. The fix is safe where the
    /// function only reads, writes and ranges over the map; where it is returned, passed on or
    /// compared with nil, somebody may tell an empty map from a nil one, and the fix is unsafe.
    pub(crate) const RULE: Rule = Rule {
        name: "nil-map-write",
        category: Category::Panic,
        group: Group::Default,
        severity: Severity::Error,
        since: "0.1",
        fix_safety: Some(Safety::Safe),
        check: Some(check),
    };
}

fn check(context: &Context<'_>, findings: &mut Vec<Diagnostic>) {
    let maps = context.flow.nil_maps();
    for write in &maps.writes {
        // What deferred calls do is the business of `map-write-in-defer`.
        if write.deferred.is_none() {
            findings.push(nil_write(context, write));
        }
    }
    for write in &maps.nested {
        let file = context.flow.units.get(write.unit).file;
        let text = context.text(file, write.map);
        findings.push(
            RULE.diagnostic(
                context.path(file),
                context.span(file, write.node),
                format!("`{text}` is nil: nothing ever sets an inner map"),
            )
            .in_function(context.function(write.unit))
            .operation(format!("write {text}"))
            .step(
                context.path(file),
                context.span(file, write.made),
                "the outer map is made empty here",
            )
            .step(
                context.path(file),
                context.span(file, write.node),
                "the missing element is a nil map, and it is written",
            )
            .help(format!("set `{text}` to a new map where it is missing")),
        );
    }
    for write in &maps.never_made {
        // A flow through the function that shows more has been reported already.
        if !maps
            .writes
            .iter()
            .any(|other| other.unit == write.unit && other.node == write.node)
        {
            findings.push(never_made(context, write));
        }
    }
}

fn nil_write(context: &Context<'_>, write: &NilWrite) -> Diagnostic {
    let file = context.flow.units.get(write.unit).file;
    let path = context.path(file);
    let text = context.text(file, write.map);
    let made = made_span(context, file, write);
    let made_message = match write.reason {
        NilReason::Declared => format!("`{text}` is declared without a value here"),
        NilReason::Assigned => format!("`{text}` is set to nil here"),
        NilReason::FieldLeftOut => format!("`{text}` is left nil here"),
        NilReason::NamedResult => format!("`{text}` is a result that starts as nil"),
        NilReason::New => "`new` gives a pointer to a nil map".to_owned(),
        NilReason::Returned(function) => {
            format!(
                "`{}` may return a nil map without an error",
                context.world().object(function).name
            )
        }
        NilReason::Compared => format!("`{text}` is tested against nil here"),
    };
    let message = if write.certain {
        format!("`{text}` is nil when it is written")
    } else {
        format!("`{text}` may be nil when it is written")
    };
    let mut diagnostic = RULE
        .diagnostic(path.clone(), context.span(file, write.node), message)
        .in_function(context.function(write.unit))
        .operation(format!("write {text}"))
        .step(path.clone(), made, made_message)
        .step(
            path,
            context.span(file, write.node),
            "the write to the nil map panics here",
        )
        .help(format!(
            "make the map before it is written: `{text} = make({})`",
            map_type(context, file, write.map)
        ));
    if let Some(fix) = make_at_declaration(context, file, write) {
        diagnostic = diagnostic.fix(fix);
    }
    diagnostic
}

/// The type of a map as it is written in this package.
fn map_type(context: &Context<'_>, file: usize, map: NodeId) -> String {
    let file = context.file(file);
    let world = context.world();
    let package = context.package.package;
    // Other packages are named as people write them: by their name.
    world.type_string(file.facts.type_of(map), &|other| {
        if other == package {
            goward_syntax::Symbol::EMPTY
        } else {
            world.package(other).name()
        }
    })
}

/// Where the map became nil: of a long literal its first line only.
fn made_span(context: &Context<'_>, file: usize, write: &NilWrite) -> Span {
    let span = context.span(file, write.made);
    let source = &context.file(file).source[span.range()];
    let first = source
        .iter()
        .position(|&byte| byte == b'\n')
        .unwrap_or(source.len());
    Span::new(span.start, span.start + first as u32)
}

/// Gives a local variable that is declared without a value a map.
fn make_at_declaration(context: &Context<'_>, file_index: usize, write: &NilWrite) -> Option<Fix> {
    if write.reason != NilReason::Declared || !write.whole_variable {
        return None;
    }
    let file = context.file(file_index);
    let unit = context.flow.units.get(write.unit);
    let mut declaration = None;
    let mut plain = true;
    let mut pending = vec![(unit.body, None)];
    while let Some((node, parent)) = pending.pop() {
        if let NodeKind::ValueSpec = file.tree.kind(node)
            && let Specification::Value {
                names: &[name],
                value_type: Some(value_type),
                values: &[],
                ..
            } = file.tree.specification(node)
            && file.facts.object_of(name) == Some(write.root)
        {
            declaration = Some(value_type);
        }
        if file.tree.kind(node) == NodeKind::Ident
            && file.facts.object_of(node) == Some(write.root)
            && !is_element_use(file, node, parent)
        {
            plain = false;
        }
        file.tree
            .for_each_child(node, |child| pending.push((child, Some(node))));
    }
    let value_type = declaration?;
    let text = context.text(file_index, value_type);
    let end = context.span(file_index, value_type).end;
    Some(Fix {
        safety: if plain { Safety::Safe } else { Safety::Unsafe },
        message: "make the map where it is declared".to_owned(),
        edits: vec![Edit {
            file: context.path(file_index),
            span: Span::at(end),
            replacement: format!(" = make({text})"),
        }],
    })
}

/// Whether a use of the variable cannot tell an empty map from a nil one.
fn is_element_use(file: &TypedFile<'_>, node: NodeId, parent: Option<NodeId>) -> bool {
    let Some(parent) = parent else { return false };
    match file.tree.kind(parent) {
        NodeKind::IndexExpr => {
            matches!(file.tree.expression(parent), Expression::Index { operand, .. } if operand == node)
        }
        NodeKind::RangeStmt => {
            matches!(file.tree.statement(parent), Statement::Range { operand, .. } if operand == node)
        }
        NodeKind::ValueSpec => true,
        NodeKind::CallExpr => match file.tree.expression(parent) {
            Expression::Call { function, .. } => {
                file.tree.kind(function) == NodeKind::Ident
                    && matches!(
                        file.tree.symbol(function).as_str(),
                        "len" | "delete" | "clear"
                    )
            }
            _ => false,
        },
        _ => false,
    }
}

fn never_made(context: &Context<'_>, write: &NeverMade) -> Diagnostic {
    let file = context.flow.units.get(write.unit).file;
    let path = context.path(file);
    let text = context.text(file, write.map);
    let span = context.span(file, write.node);
    let (declared_in, declared) = declaration(context, write.object);
    let diagnostic = match write.sibling {
        None => RULE
            .diagnostic(
                path.clone(),
                span,
                format!("`{text}` is nil: nothing in the package ever makes it"),
            )
            .step(
                declared_in,
                declared,
                "declared here, and never given a map",
            )
            .step(path, span, "the write to the nil map panics here"),
        Some(sibling) => {
            let unit = context.flow.units.get(sibling);
            let name = context.file(unit.file).tree.span(unit.node);
            let first_line = Span::new(name.start, name.start + 4);
            RULE.diagnostic(
                path.clone(),
                span,
                format!(
                    "`{text}` may be nil: `{}` makes it when it is, this function does not",
                    unit.name
                ),
            )
            .step(
                context.path(unit.file),
                first_line,
                format!("`{}` tests the map and makes it", unit.name),
            )
            .step(path, span, "here it is written as it is")
        }
    };
    diagnostic
        .in_function(context.function(write.unit))
        .operation(format!("write {text}"))
        .help(format!(
            "make the map first: `if {text} == nil {{ {text} = make({}) }}`",
            map_type(context, file, write.map)
        ))
}

/// The place of the declaration of a field or variable of this package.
fn declaration(context: &Context<'_>, object: ObjectId) -> (goward_diagnostics::FilePath, Span) {
    let object = context.world().object(object);
    let length = object.name.as_str().len() as u32;
    (
        context.path(object.file as usize),
        Span::new(object.offset, object.offset + length),
    )
}

#[cfg(test)]
mod tests {
    use super::RULE;
    use crate::testing::check;

    #[test]
    fn by_flow() {
        check(
            &RULE,
            r#"
package p

import "maps"

type T struct{ m map[string]int; Inner struct{ n map[string]int } }

func direct() { var m map[string]int; m["a"] = 1 } // want "is nil when it is written"
func compound() { var m map[string]int; m["a"] += 1 } // want "is nil"
func set() { m := map[string]int{}; m = nil; m["a"] = 1 } // want "is nil"
func conversion() { m := map[string]int(nil); m["a"] = 1 } // want "is nil"
func pointer() { p := new(map[string]int); (*p)["a"] = 1 } // want "is nil"
func named() (m map[string]int) { m["a"] = 1; return } // want "is nil"
func literal() { t := T{}; t.m["a"] = 1 } // want "is nil"
func literalPointer() { t := &T{}; t.m["a"] = 1 } // want "is nil"
func zero() { var t T; t.Inner.n["a"] = 1 } // want "is nil"
func copied() { var m map[string]int; n := m; n["a"] = 1 } // want "is nil"
func cloned() { var m map[string]int; n := maps.Clone(m); n["a"] = 1 } // want "is nil"
func branch(b bool) {
	var m map[string]int
	if b {
		m = map[string]int{}
	}
	m["a"] = 1 // want "may be nil"
}
func tested() { var m map[string]int; if m == nil { m["a"] = 1 } } // want "is nil"
func nested() { m := map[string]map[string]int{}; m["a"]["b"] = 1 } // want "nothing ever sets"
func twice() { var m map[string]int; m["a"] = 1; m["b"] = 2 } // want "is nil"
func ranged(s []int) { var m map[string]int; for m["i"] = range s { } } // want "is nil"
func closure() { func() { var m map[string]int; m["a"] = 1 }() } // want "is nil"

func made() { m := make(map[string]int); m["a"] = 1 }
func read() int { var m map[string]int; return m["a"] }
func deleted() { var m map[string]int; delete(m, "a"); clear(m); _ = len(m) }
func madeLater() { var m map[string]int; m = make(map[string]int); m["a"] = 1 }
func guarded() { var m map[string]int; if m != nil { m["a"] = 1 } }
func lengthGuarded(s map[string]int) { var m map[string]int; if len(s) > 0 { m = s }; if len(m) > 0 { m["a"] = 1 } }
func correlated(b bool) {
	var m map[string]int
	if b { m = make(map[string]int) }
	if b { m["a"] = 1 }
}
func early(b bool) {
	var m map[string]int
	if b { m = make(map[string]int) }
	if !b { return }
	m["a"] = 1
}
func byAddress() { var m map[string]int; fill(&m); m["a"] = 1 }
func fill(m *map[string]int) { *m = map[string]int{} }
func byClosure() { var m map[string]int; set := func() { m = map[string]int{} }; set(); m["a"] = 1 }
func outerRead() { m := map[string]map[string]int{}; m["a"] = map[string]int{}; m["a"]["b"] = 1 }
func parameter(m map[string]int) { m["a"] = 1 }
func ranging(m map[string]int) { for k := range m { m[k] = 1 } }
"#,
        );
    }

    #[test]
    fn from_functions() {
        check(
            &RULE,
            r#"
package p

import "errors"

func mayBeNil(b bool) map[string]int { if b { return nil }; return map[string]int{} }
func withError(b bool) (map[string]int, error) { if b { return nil, errors.New("no") }; return map[string]int{}, nil }
func nilAndNil(b bool) (map[string]int, error) { if b { return nil, nil }; return map[string]int{}, nil }
func clone(m map[string]int) map[string]int { if m == nil { return nil }; return map[string]int{} }
func write(m map[string]int) { m["a"] = 1 }

func a(b bool) { m := mayBeNil(b); m["a"] = 1 } // want "may be nil"
func c(b bool) { m, err := nilAndNil(b); if err != nil { return }; m["a"] = 1 } // want "may be nil"
func d(b bool) { m, _ := withError(b); m["a"] = 1 } // want "may be nil"
func e() { var m map[string]int; write(m) } // want "is nil"

func f(b bool) { m, err := withError(b); if err != nil { return }; m["a"] = 1 }
func g(m map[string]int) { n := clone(m); n["a"] = 1 }
func h(b bool) { m := mayBeNil(b); if m == nil { m = map[string]int{} }; m["a"] = 1 }
"#,
        );
    }

    #[test]
    fn never_made() {
        check(
            &RULE,
            r#"
package p

var table map[string]int
var filled = map[string]int{}
var Exported map[string]int

func setTable() { table["a"] = 1 } // want "nothing in the package ever makes it"
func setFilled() { filled["a"] = 1 }
func setExported() { Exported["a"] = 1 }

type cache struct{ entries, other map[string]int }

func newCache() *cache { return &cache{other: map[string]int{}} }
func (c *cache) put() { c.entries["a"] = 1 } // want "nothing in the package ever makes it"
func (c *cache) putOther() { c.other["a"] = 1 }

type Config struct{ Labels map[string]string }

func (c *Config) Set(k, v string) {
	if c.Labels == nil {
		c.Labels = map[string]string{}
	}
	c.Labels[k] = v
}
func (c *Config) Mark(k string) { c.Labels[k] = "" } // want "makes it when it is"
func (c *Config) Read(k string) string { return c.Labels[k] }
"#,
        );
    }
}
