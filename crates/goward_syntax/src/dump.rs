//! A tree as text, one line a node: for tests, and for the comparison with `go/parser`, which
//! prints the same lines from `go/ast`.

use std::fmt::Write;

use crate::encoding::NodeKind;
use crate::node::{
    AssignOperator, BinaryOperator, BranchKeyword, ChannelDirection, Declaration,
    DeclarationKeyword, Expression, LiteralKind, NodeId, RangeOperator, Specification, Statement,
    UnaryOperator,
};
use crate::tree::Tree;

/// Prints all declarations of a tree: a line for each node, parents first, with its kind in
/// `go/ast`, its start and end, and whatever else the node holds.
///
/// The package name comes first and the starts of all comments come last.
pub fn dump(tree: &Tree) -> String {
    let mut out = String::new();
    if let Some(name) = tree.package_name() {
        line(&mut out, tree, name);
    }
    for &declaration in tree.declarations() {
        for node in tree.preorder(declaration) {
            line(&mut out, tree, node);
        }
    }
    for comment in tree.comments() {
        let _ = writeln!(out, "Comment {}", comment.span.start);
    }
    out
}

fn line(out: &mut String, tree: &Tree, node: NodeId) {
    let span = tree.span(node);
    let kind = tree.kind(node);
    // Writing to a string cannot fail.
    let _ = write!(out, "{kind:?} {} {}", span.start, span.end);
    if kind == NodeKind::Field {
        let field = tree.field(node);
        let _ = write!(out, " {} {}", field.names.len(), field.tag.is_some());
    } else if (kind as u8) < NodeKind::Field as u8 {
        expression(out, tree, node);
    } else if (kind as u8) < NodeKind::BadDecl as u8 {
        statement(out, tree, node);
    } else {
        declaration(out, tree, node);
    }
    out.push('\n');
}

fn expression(out: &mut String, tree: &Tree, node: NodeId) {
    let _ = match tree.expression(node) {
        Expression::Identifier => write!(out, " {}", tree.symbol(node)),
        Expression::BasicLiteral(kind) => write!(
            out,
            " {}",
            match kind {
                LiteralKind::Int => "INT",
                LiteralKind::Float => "FLOAT",
                LiteralKind::Imaginary => "IMAG",
                LiteralKind::Char => "CHAR",
                LiteralKind::String => "STRING",
            }
        ),
        Expression::CompositeLiteral {
            left_brace,
            right_brace,
            ..
        } => write!(out, " {left_brace} {right_brace}"),
        Expression::Index { left_bracket, .. } => write!(out, " {left_bracket}"),
        Expression::Slice {
            low,
            high,
            max,
            three,
            ..
        } => write!(
            out,
            " {} {} {} {three}",
            low.is_some(),
            high.is_some(),
            max.is_some()
        ),
        Expression::TypeAssertion { asserted, .. } => write!(out, " {}", asserted.is_some()),
        Expression::Call {
            ellipsis,
            left_parenthesis,
            right_parenthesis,
            ..
        } => match ellipsis {
            Some(ellipsis) => write!(out, " {left_parenthesis} {ellipsis} {right_parenthesis}"),
            None => write!(out, " {left_parenthesis} - {right_parenthesis}"),
        },
        Expression::Unary { operator, .. } => write!(
            out,
            " {}",
            match operator {
                UnaryOperator::Plus => "+",
                UnaryOperator::Minus => "-",
                UnaryOperator::Not => "!",
                UnaryOperator::Complement => "^",
                UnaryOperator::Address => "&",
                UnaryOperator::Receive => "<-",
                UnaryOperator::Tilde => "~",
            }
        ),
        Expression::Binary {
            operator,
            operator_offset,
            ..
        } => write!(out, " {} {operator_offset}", operator.text()),
        Expression::FunctionType {
            type_parameters,
            parameters,
            results,
        } => write!(
            out,
            " {} {} {}",
            type_parameters.len(),
            parameters.len(),
            results.len()
        ),
        Expression::ArrayType { length, .. } => write!(out, " {}", length.is_some()),
        Expression::ChannelType { direction, .. } => write!(
            out,
            " {}",
            match direction {
                ChannelDirection::Send => 1,
                ChannelDirection::Receive => 2,
                ChannelDirection::Both => 3,
            }
        ),
        _ => Ok(()),
    };
}

fn statement(out: &mut String, tree: &Tree, node: NodeId) {
    let _ = match tree.statement(node) {
        Statement::IncrementDecrement { increment, .. } => {
            write!(out, " {}", if increment { "++" } else { "--" })
        }
        Statement::Assign {
            operator,
            operator_offset,
            left,
            ..
        } => {
            let _ = match operator {
                AssignOperator::Assign => write!(out, " ="),
                AssignOperator::Define => write!(out, " :="),
                AssignOperator::Update(operator) => write!(out, " {}=", operator.text()),
            };
            write!(out, " {operator_offset} {}", left.len())
        }
        Statement::Branch { keyword, .. } => write!(
            out,
            " {}",
            match keyword {
                BranchKeyword::Break => "break",
                BranchKeyword::Continue => "continue",
                BranchKeyword::Goto => "goto",
                BranchKeyword::Fallthrough => "fallthrough",
            }
        ),
        Statement::If { initial, .. } => write!(out, " {}", initial.is_some()),
        Statement::CaseClause {
            expressions,
            default,
            colon,
            ..
        } => write!(out, " {} {default} {colon}", expressions.len()),
        Statement::CommunicationClause {
            communication,
            colon,
            ..
        } => write!(out, " {} {colon}", communication.is_some()),
        Statement::Switch { initial, tag, .. } => {
            write!(out, " {} {}", initial.is_some(), tag.is_some())
        }
        Statement::TypeSwitch { initial, .. } => write!(out, " {}", initial.is_some()),
        Statement::For {
            initial,
            condition,
            post,
            ..
        } => write!(
            out,
            " {} {} {}",
            initial.is_some(),
            condition.is_some(),
            post.is_some()
        ),
        Statement::Range {
            key,
            value,
            operator,
            operator_offset,
            ..
        } => match operator {
            RangeOperator::None => write!(out, " -"),
            _ => write!(
                out,
                " {} {} {} {operator_offset}",
                key.is_some(),
                value.is_some(),
                if operator == RangeOperator::Define {
                    ":="
                } else {
                    "="
                }
            ),
        },
        _ => Ok(()),
    };
}

fn declaration(out: &mut String, tree: &Tree, node: NodeId) {
    let _ = match tree.declaration(node) {
        Declaration::General { keyword, .. } => write!(
            out,
            " {}",
            match keyword {
                DeclarationKeyword::Import => "import",
                DeclarationKeyword::Const => "const",
                DeclarationKeyword::Type => "type",
                DeclarationKeyword::Var => "var",
            }
        ),
        Declaration::Function(function) => write!(
            out,
            " {} {} {}",
            function.is_method,
            function.receiver.len(),
            function.body.is_some()
        ),
        Declaration::Bad => match tree.specification(node) {
            Specification::Value {
                names,
                values,
                iota,
                ..
            } => write!(out, " {} {} {iota}", names.len(), values.len()),
            Specification::Type {
                type_parameters,
                is_alias,
                ..
            } => write!(out, " {} {is_alias}", type_parameters.len()),
            _ => Ok(()),
        },
    };
}

impl BinaryOperator {
    /// The operator as written.
    pub fn text(self) -> &'static str {
        match self {
            BinaryOperator::Add => "+",
            BinaryOperator::Subtract => "-",
            BinaryOperator::Multiply => "*",
            BinaryOperator::Divide => "/",
            BinaryOperator::Remainder => "%",
            BinaryOperator::And => "&",
            BinaryOperator::Or => "|",
            BinaryOperator::Xor => "^",
            BinaryOperator::ShiftLeft => "<<",
            BinaryOperator::ShiftRight => ">>",
            BinaryOperator::AndNot => "&^",
            BinaryOperator::LogicalAnd => "&&",
            BinaryOperator::LogicalOr => "||",
            BinaryOperator::Equal => "==",
            BinaryOperator::NotEqual => "!=",
            BinaryOperator::Less => "<",
            BinaryOperator::LessEqual => "<=",
            BinaryOperator::Greater => ">",
            BinaryOperator::GreaterEqual => ">=",
        }
    }
}
