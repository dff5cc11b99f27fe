//! The children of nodes as they are stored, against those that the views tell.

use crate::encoding::NodeKind;
use crate::node::{Declaration, Expression, NodeId, NodeList, Specification, Statement};
use crate::tree::Tree;
use crate::{Mode, parse};

/// The children of a node as the views of it tell them.
fn children(tree: &Tree, node: NodeId, mut visit: impl FnMut(NodeId)) {
    let kind = tree.kind(node);
    if kind == NodeKind::Field {
        let field = tree.field(node);
        field.names.iter().copied().for_each(&mut visit);
        visit(field.field_type);
        field.tag.into_iter().for_each(&mut visit);
    } else if (kind as u8) < NodeKind::Field as u8 {
        expression_children(tree, node, &mut visit);
    } else if (kind as u8) < NodeKind::BadDecl as u8 {
        statement_children(tree, node, &mut visit);
    } else if (kind as u8) < NodeKind::ImportSpec as u8 {
        match tree.declaration(node) {
            Declaration::Bad => {}
            Declaration::General { specifications, .. } => {
                specifications.iter().copied().for_each(visit);
            }
            Declaration::Function(function) => {
                function.receiver.iter().copied().for_each(&mut visit);
                visit(function.name);
                visit(function.function_type);
                function.body.into_iter().for_each(visit);
            }
        }
    } else {
        match tree.specification(node) {
            Specification::Bad => {}
            Specification::Import { name, path } => {
                name.into_iter().for_each(&mut visit);
                visit(path);
            }
            Specification::Value {
                names,
                value_type,
                values,
                ..
            } => {
                names.iter().copied().for_each(&mut visit);
                value_type.into_iter().for_each(&mut visit);
                values.iter().copied().for_each(visit);
            }
            Specification::Type {
                name,
                type_parameters,
                specified,
                ..
            } => {
                visit(name);
                type_parameters.iter().copied().for_each(&mut visit);
                visit(specified);
            }
        }
    }
}

fn expression_children(tree: &Tree, node: NodeId, mut visit: impl FnMut(NodeId)) {
    match tree.expression(node) {
        Expression::Bad | Expression::Identifier | Expression::BasicLiteral(_) => {}
        Expression::Ellipsis { element } => element.into_iter().for_each(visit),
        Expression::FunctionLiteral {
            function_type,
            body,
        } => {
            visit(function_type);
            visit(body);
        }
        Expression::CompositeLiteral {
            literal_type,
            elements,
            ..
        } => {
            literal_type.into_iter().for_each(&mut visit);
            elements.iter().copied().for_each(visit);
        }
        Expression::Parenthesized { inner } => visit(inner),
        Expression::Selector { operand, name } => {
            visit(operand);
            visit(name);
        }
        Expression::Index {
            operand, indices, ..
        } => {
            visit(operand);
            indices.iter().copied().for_each(visit);
        }
        Expression::Slice {
            operand,
            low,
            high,
            max,
            ..
        } => {
            visit(operand);
            [low, high, max].into_iter().flatten().for_each(visit);
        }
        Expression::TypeAssertion { operand, asserted } => {
            visit(operand);
            asserted.into_iter().for_each(visit);
        }
        Expression::Call {
            function,
            arguments,
            ..
        } => {
            visit(function);
            arguments.iter().copied().for_each(visit);
        }
        Expression::Star { operand } | Expression::Unary { operand, .. } => visit(operand),
        Expression::Binary { left, right, .. } => {
            visit(left);
            visit(right);
        }
        Expression::KeyValue { key, value } | Expression::MapType { key, value } => {
            visit(key);
            visit(value);
        }
        Expression::ArrayType { length, element } => {
            length.into_iter().for_each(&mut visit);
            visit(element);
        }
        Expression::StructType { fields: list } | Expression::InterfaceType { elements: list } => {
            list.iter().copied().for_each(visit);
        }
        Expression::FunctionType {
            type_parameters,
            parameters,
            results,
        } => {
            for list in [type_parameters, parameters, results] {
                list.iter().copied().for_each(&mut visit);
            }
        }
        Expression::ChannelType { value, .. } => visit(value),
    }
}

fn statement_children(tree: &Tree, node: NodeId, mut visit: impl FnMut(NodeId)) {
    let mut list = |nodes: NodeList<'_>| nodes.iter().copied().for_each(&mut visit);
    match tree.statement(node) {
        Statement::Bad | Statement::Empty => {}
        Statement::Declaration { declaration: child }
        | Statement::Expression { expression: child }
        | Statement::IncrementDecrement { operand: child, .. }
        | Statement::Go { call: child }
        | Statement::Defer { call: child }
        | Statement::Select { body: child } => visit(child),
        Statement::Labeled {
            label: first,
            statement: second,
        }
        | Statement::Send {
            channel: first,
            value: second,
        } => list(&[first, second]),
        Statement::Assign { left, right, .. } => {
            list(left);
            list(right);
        }
        Statement::Return { results } => list(results),
        Statement::Branch { label, .. } => label.into_iter().for_each(visit),
        Statement::Block { statements } => list(statements),
        Statement::If {
            initial,
            condition,
            then,
            otherwise,
        } => {
            initial.into_iter().for_each(&mut visit);
            visit(condition);
            visit(then);
            otherwise.into_iter().for_each(visit);
        }
        Statement::CaseClause {
            expressions, body, ..
        } => {
            list(expressions);
            list(body);
        }
        Statement::Switch { initial, tag, body } => {
            [initial, tag].into_iter().flatten().for_each(&mut visit);
            visit(body);
        }
        Statement::TypeSwitch {
            initial,
            assign,
            body,
        } => {
            initial.into_iter().for_each(&mut visit);
            visit(assign);
            visit(body);
        }
        Statement::CommunicationClause {
            communication,
            body,
            ..
        } => {
            communication.into_iter().for_each(&mut visit);
            body.iter().copied().for_each(visit);
        }
        Statement::For {
            initial,
            condition,
            post,
            body,
        } => {
            [initial, condition, post]
                .into_iter()
                .flatten()
                .for_each(&mut visit);
            visit(body);
        }
        Statement::Range {
            key,
            value,
            operand,
            body,
            ..
        } => {
            [key, value].into_iter().flatten().for_each(&mut visit);
            visit(operand);
            visit(body);
        }
    }
}

#[test]
fn children_are_those_of_the_views() {
    let source = br#"// Package p has everything.
package p

import (
	"fmt"
	other "os"
)

const (
	A, B = iota, -1
	C, D
)

var x, y int = 1, 2
var z = []int{1, 2: 3}

type (
	T[K comparable, V any] struct {
		a, b int `tag`
		*E
		Other[int]
	}
	I interface {
		~int | ~string
		M(a int, rest ...string) (n int, err error)
		fmt.Stringer
	}
	Alias = map[string]chan<- int
	N     func(<-chan int) [4]*int
)

func (t *T[K, V]) m()

func f[P any](p P, q ...int) (r int, err error) {
	defer func() { recover() }()
	go t.m()
	var local struct{}
label:
	for i := 0; i < 10; i++ {
		if v := i; v > 0 {
			continue label
		} else if v < 0 {
			break
		} else {
			goto label
		}
	}
	for k, v := range m {
		_, _ = k, v
	}
	for range 3 {
	}
	for x {
	}
	for {
	}
	switch a := b; a {
	case 1, 2:
		fallthrough
	default:
	}
	switch {
	}
	switch t := x.(type) {
	case int, nil:
	}
	select {
	case v, ok := <-c:
	case c <- 1:
	default:
	}
	x = a[1] + b[1:2] + c[1:2:3] + d[:] + g[int, string](1, q...) - (4)
	x += *p &^ 'c'
	x++
	;
	return x.(T).y, func(int) error { return nil }(3)
}
"#;
    let mut kinds = std::collections::BTreeSet::new();
    for source in [
        &source[..],
        b"package p\nfunc f( {\n x[ = } \n type ( X",
        b"",
    ] {
        for mode in [Mode::Full, Mode::DeclarationsOnly] {
            let tree = parse(source, mode);
            for index in 0..tree.node_count() {
                let node = NodeId(index as u32);
                let (mut stored, mut viewed) = (Vec::new(), Vec::new());
                tree.for_each_child(node, |child| stored.push(child));
                children(&tree, node, |child| viewed.push(child));
                assert_eq!(stored, viewed, "{:?}", tree.kind(node));
                kinds.insert(tree.kind(node) as u8);
            }
        }
    }
    let missing: Vec<u8> = (0..=NodeKind::TypeSpec as u8)
        .filter(|kind| !kinds.contains(kind))
        .collect();
    // Parents of errors are not made from every text.
    assert!(
        missing.iter().all(|&kind| [
            NodeKind::BadExpr as u8,
            NodeKind::BadStmt as u8,
            NodeKind::BadDecl as u8
        ]
        .contains(&kind)),
        "no node of the kinds {missing:?}"
    );
}
