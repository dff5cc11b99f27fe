//! What an `io.Pipe` orders: its reader gets nothing before the goroutine with the writer has come to
//! its first write.

use goward_flow::{BlockId, SpawnId, Step, UnitId, unparenthesized};
use goward_syntax::{Expression, NodeId, NodeKind, Statement};
use goward_types::{ObjectId, TypedFile};

use crate::context::Context;
use crate::standard_library::{called_function, type_name};
use crate::walk::walk_all;

/// Whether all that a goroutine does with a variable is done when it first writes to a pipe, of which
/// the function that started it reads on every way to `set`.
pub(crate) fn orders(
    context: &Context<'_>,
    variable: ObjectId,
    started: SpawnId,
    function: UnitId,
    set: NodeId,
) -> bool {
    let spawn = &context.flow.lowered.spawns[started.0 as usize];
    if spawn.unit != function {
        return false;
    }
    let goroutine = context.flow.units.get(spawn.target);
    let file = context.file(goroutine.file);
    let Some((writer, end)) = first_write(context, file, goroutine.body) else {
        return false;
    };
    let mut early = true;
    walk_all(file.tree, goroutine.body, |node| {
        if file.tree.kind(node) == NodeKind::Ident && file.facts.object_of(node) == Some(variable) {
            early &= file.tree.span(node).start < end;
        }
    });
    let starter = context.flow.units.get(spawn.unit);
    let reader = reader_of(context, context.file(starter.file), starter.body, writer);
    early
        && reader.is_some_and(|reader| is_read_before(context, spawn.unit, spawn.node, reader, set))
}

/// The writer of a pipe that a goroutine first gives to a call, or calls a method of, and the end of
/// that call. None where a loop may come to it again.
fn first_write(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    body: NodeId,
) -> Option<(ObjectId, u32)> {
    let tree = file.tree;
    let is_loop = |node: NodeId| matches!(tree.kind(node), NodeKind::ForStmt | NodeKind::RangeStmt);
    if tree.preorder(body).any(is_loop) {
        return None;
    }
    tree.preorder(body).find_map(|node| {
        let Expression::Call {
            function,
            arguments,
            ..
        } = tree.expression(node)
        else {
            return None;
        };
        if tree.kind(node) != NodeKind::CallExpr {
            return None;
        }
        let receiver = match tree.expression(unparenthesized(file, function)) {
            Expression::Selector { operand, .. } => Some(operand),
            _ => None,
        };
        let writer = arguments
            .iter()
            .copied()
            .chain(receiver)
            .find_map(|given| {
                let given = unparenthesized(file, given);
                let is_writer =
                    type_name(context, file.facts.type_of(given)) == Some(("io", "PipeWriter"));
                (is_writer && tree.kind(given) == NodeKind::Ident)
                    .then(|| file.facts.object_of(given))
                    .flatten()
            })?;
        Some((writer, tree.span(node).end))
    })
}

/// The reader that `io.Pipe` made together with a writer.
fn reader_of(
    context: &Context<'_>,
    file: &TypedFile<'_>,
    body: NodeId,
    writer: ObjectId,
) -> Option<ObjectId> {
    file.tree.preorder(body).find_map(|node| {
        if file.tree.kind(node) != NodeKind::AssignStmt {
            return None;
        }
        let Statement::Assign {
            left: &[reader, other],
            right: &[call],
            ..
        } = file.tree.statement(node)
        else {
            return None;
        };
        let made = file.facts.object_of(other) == Some(writer)
            && called_function(context, file, call) == Some(("io", "Pipe"));
        made.then(|| file.facts.object_of(reader)).flatten()
    })
}

/// Whether every way from the start of the goroutine to a step gives the reader to a call first, or
/// reads from it.
fn is_read_before(
    context: &Context<'_>,
    function: UnitId,
    start: NodeId,
    reader: ObjectId,
    set: NodeId,
) -> bool {
    let unit = context.flow.units.get(function);
    let file = context.file(unit.file);
    let tree = file.tree;
    let graph = &unit.graph;
    let reads = |node: NodeId| {
        let Expression::Call {
            function,
            arguments,
            ..
        } = tree.expression(node)
        else {
            return false;
        };
        let is_reader =
            |given: NodeId| file.facts.object_of(unparenthesized(file, given)) == Some(reader);
        let method = match tree.expression(unparenthesized(file, function)) {
            Expression::Selector { operand, name } => {
                is_reader(operand) && tree.symbol(name).as_str() == "Read"
            }
            _ => false,
        };
        tree.kind(node) == NodeKind::CallExpr
            && (method || arguments.iter().any(|&given| is_reader(given)))
    };
    let mut pending: Vec<(BlockId, usize)> = Vec::new();
    for &block in graph.reverse_postorder() {
        let steps = graph.block(block).steps;
        if let Some(index) = steps
            .iter()
            .position(|&step| step == Step::Statement(start))
        {
            pending.push((block, index + 1));
        }
    }
    let is_set = |step: &Step| {
        matches!(step, Step::Statement(node) | Step::Communicate(node) | Step::RangeAssign(node)
            if *node == set)
    };
    let mut steps = graph.blocks().flat_map(|block| block.steps);
    let found = !pending.is_empty() && steps.any(is_set);
    let mut seen = vec![false; graph.block_count()];
    'blocks: while let Some((block, from)) = pending.pop() {
        for &step in &graph.block(block).steps[from..] {
            match step {
                Step::Expression(node) if reads(node) => continue 'blocks,
                step if is_set(&step) => return false,
                _ => {}
            }
        }
        for edge in graph.block(block).successors {
            if !std::mem::replace(&mut seen[edge.to.index()], true) {
                pending.push((edge.to, 0));
            }
        }
    }
    found
}
