//! Joins the operations of the source with the calls of the compiled code.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Survey;
use super::listing::{self, Call};
use super::survey::{Operation, RuntimeFunction};

/// What the compiler made of one architecture's packages.
#[derive(Debug, Serialize)]
pub(crate) struct Compiled {
    /// Such as `amd64`.
    pub(crate) architecture: String,
    pub(crate) packages: Vec<String>,
    pub(crate) operations: Vec<CompiledOperation>,
    /// Calls of map functions in these files that belong to no operation of the source, such as those
    /// of initialisers that the compiler writes.
    pub(crate) other_calls: Vec<CompiledCall>,
    /// The functions that are called, with the checks that they make; read in the runtime's source.
    pub(crate) runtime: BTreeMap<String, RuntimeFunction>,
    /// What did not parse or type-check.
    pub(crate) problems: Vec<String>,
}

/// An operation with what became of it.
#[derive(Debug, Serialize)]
pub(crate) struct CompiledOperation {
    pub(crate) package: String,
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) function: String,
    /// `read`, `read with ok`, `write`, `update` (`++`, `op=`), `append`, `delete`, `clear`, `range`,
    /// `len`, `make` or `literal`.
    pub(crate) operation: String,
    pub(crate) expression: String,
    pub(crate) map_type: String,
    /// The name of the map type where it has one, such as `http.Header`; else as `map_type`.
    pub(crate) declared_type: String,
    pub(crate) key_type: String,
    pub(crate) element_type: String,
    /// The runtime functions that it calls, without repetition.
    pub(crate) runtime: Vec<String>,
    pub(crate) treatment: Treatment,
    pub(crate) calls: Vec<CompiledCall>,
}

/// What the compiler did with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Treatment {
    /// It calls the runtime.
    Call,
    /// Its read and its write are one call.
    Merged,
    /// A loop of deletes became one call of mapclear.
    Mapclear,
    /// It is done in place, without a call.
    Inlined,
    /// The listing has no code for it: it was removed, or its function is not compiled here.
    NoCode,
}

impl Treatment {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Merged => "read and write merged into one call",
            Self::Mapclear => "the loop became one call of mapclear",
            Self::Inlined => "inlined, no call",
            Self::NoCode => "no code",
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct CompiledCall {
    /// The compiled function that holds the call; another one than in the source after inlining, in
    /// closures and for each instance of a generic function.
    pub(crate) caller: String,
    pub(crate) file: String,
    pub(crate) line: u32,
    /// The address within that function.
    pub(crate) offset: String,
    pub(crate) instruction: String,
    /// The runtime function.
    pub(crate) runtime: String,
    /// The map type whose address is loaded for the call, as the compiler names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) loaded_type: Option<String>,
}

impl From<&Call> for CompiledCall {
    fn from(call: &Call) -> Self {
        Self {
            caller: call.caller.clone(),
            file: call.file.clone(),
            line: call.line,
            offset: format!("0x{:04x}", call.offset),
            instruction: call.instruction.clone(),
            runtime: call.callee.clone(),
            loaded_type: call.map_type.clone(),
        }
    }
}

pub(crate) fn join(survey: Survey, architecture: &str) -> Compiled {
    let calls = listing::calls(&survey.assembly);
    let compiled: BTreeSet<&str> = listing::functions(&survey.assembly).collect();
    let files: BTreeSet<&str> = survey
        .operations
        .iter()
        .map(|operation| operation.file.as_str())
        .collect();
    // The calls of each compiled function are handed out to the operations in the order of the source,
    // which is the order of evaluation often enough; types and kinds decide first.
    let mut taken = vec![false; calls.len()];
    let mut owned: Vec<Vec<usize>> = vec![Vec::new(); survey.operations.len()];
    let mut callers: Vec<(&str, Vec<usize>)> = Vec::new();
    for (index, call) in calls.iter().enumerate() {
        match callers.last_mut() {
            Some((caller, indices)) if *caller == call.caller => indices.push(index),
            _ => callers.push((&call.caller, vec![index])),
        }
    }
    for (_, indices) in &callers {
        // First the calls whose loaded type is that of the operation, then what is left.
        for strict in [true, false] {
            for (number, operation) in survey.operations.iter().enumerate() {
                take(
                    operation,
                    strict,
                    &calls,
                    indices,
                    &mut taken,
                    &mut owned[number],
                );
            }
        }
    }
    // What was inlined several times into one function has its calls several times.
    for (index, call) in calls
        .iter()
        .enumerate()
        .filter(|(index, _)| !taken[*index])
        .collect::<Vec<_>>()
    {
        let copy_of = survey.operations.iter().position(|operation| {
            operation.file == call.file
                && operation.line == call.line
                && fits(operation, &call.callee)
                && (call.map_type.is_none() || same_type(operation, call) || operation.generic)
        });
        if let Some(number) = copy_of {
            taken[index] = true;
            owned[number].push(index);
        }
    }
    let operations = survey
        .operations
        .iter()
        .zip(&owned)
        .map(|(operation, owned)| {
            let calls: Vec<CompiledCall> = owned
                .iter()
                .map(|&index| CompiledCall::from(&calls[index]))
                .collect();
            describe(operation, calls, &compiled)
        })
        .collect::<Vec<_>>();
    let other_calls = calls
        .iter()
        .zip(&taken)
        .filter(|(call, taken)| !**taken && files.contains(call.file.as_str()))
        .map(|(call, _)| CompiledCall::from(call))
        .collect::<Vec<_>>();
    let used: BTreeSet<&str> = operations
        .iter()
        .flat_map(|operation| &operation.calls)
        .chain(&other_calls)
        .map(|call| call.runtime.as_str())
        .collect();
    let runtime = survey
        .runtime
        .unwrap_or_default()
        .into_iter()
        .filter(|(name, _)| used.contains(name.as_str()))
        .collect();
    Compiled {
        architecture: architecture.to_owned(),
        packages: survey.packages,
        operations,
        other_calls,
        runtime,
        problems: survey.problems,
    }
}

/// Gives an operation the calls of one compiled function that are its own.
fn take(
    operation: &Operation,
    strict: bool,
    calls: &[Call],
    indices: &[usize],
    taken: &mut [bool],
    owned: &mut Vec<usize>,
) {
    // Reads come alone; a loop has its start and its step, a literal may have many stores.
    let wanted = match operation.operation.as_str() {
        "range" => 4,
        "literal" => usize::MAX,
        "append" | "update" => 2,
        _ => 1,
    };
    let mut found = owned.iter().filter(|index| indices.contains(index)).count();
    for &index in indices {
        if found >= wanted {
            return;
        }
        let call = &calls[index];
        if taken[index] || call.file != operation.file || !fits(operation, &call.callee) {
            continue;
        }
        let on_line = call.line == operation.line
            || (!strict && operation.line < call.line && call.line <= operation.last_line);
        if !on_line || (strict && !same_type(operation, call)) {
            continue;
        }
        // A second call of an update is its read; a second write is another operation's.
        if found == 1 && matches!(operation.operation.as_str(), "append" | "update") {
            let both_write = owned
                .iter()
                .filter(|other| indices.contains(other))
                .any(|&other| is_write(&calls[other].callee) == is_write(&call.callee));
            if both_write {
                continue;
            }
        }
        taken[index] = true;
        owned.push(index);
        found += 1;
    }
}

fn is_write(callee: &str) -> bool {
    callee.starts_with("runtime.mapassign")
}

/// Whether the type that the compiler loads is the one of the operation. Where it loads none, or one
/// under another name, only order and kind can tell.
fn same_type(operation: &Operation, call: &Call) -> bool {
    call.map_type.as_deref().map(plain).is_some_and(|loaded| {
        loaded == plain(&operation.map_type) || loaded == plain(&operation.declared_type)
    })
}

/// A type name without package paths, which the two witnesses write differently.
fn plain(name: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in name.chars() {
        if c.is_alphanumeric() || matches!(c, '_' | '.' | '/' | '-' | '~') {
            word.push(c);
            continue;
        }
        out.push_str(word.rsplit(['.', '/']).next().unwrap_or_default());
        word.clear();
        if !c.is_whitespace() {
            out.push(c);
        }
    }
    out.push_str(word.rsplit(['.', '/']).next().unwrap_or_default());
    out.replace("interface{}", "any")
}

/// Whether a function of the runtime can belong to a kind of operation.
fn fits(operation: &Operation, callee: &str) -> bool {
    let name = callee.trim_start_matches("runtime.");
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    match operation.operation.as_str() {
        "read" | "read with ok" => starts(&["mapaccess"]),
        "write" => starts(&["mapassign"]),
        "update" | "append" => starts(&["mapassign", "mapaccess"]),
        "delete" => starts(&["mapdelete"]),
        "clear" => starts(&["mapclear"]),
        "range" if operation.clear_loop => starts(&["mapclear", "mapIter", "mapiter", "mapdelete"]),
        "range" => starts(&["mapIter", "mapiter"]),
        "make" => starts(&["makemap"]),
        "literal" => starts(&["makemap", "mapassign"]),
        _ => false,
    }
}

fn describe(
    operation: &Operation,
    calls: Vec<CompiledCall>,
    compiled: &BTreeSet<&str>,
) -> CompiledOperation {
    let mut runtime: Vec<String> = Vec::new();
    for call in &calls {
        if !runtime.contains(&call.runtime) {
            runtime.push(call.runtime.clone());
        }
    }
    let treatment = match operation.operation.as_str() {
        _ if calls.is_empty() => without_call(operation, compiled),
        "range" if runtime.iter().all(|name| name.contains("mapclear")) => Treatment::Mapclear,
        "update" | "append" if runtime.iter().all(|name| is_write(name)) => Treatment::Merged,
        _ => Treatment::Call,
    };
    CompiledOperation {
        package: operation.package.clone(),
        file: operation.file.clone(),
        line: operation.line,
        column: operation.column,
        function: operation.function.clone(),
        operation: operation.operation.clone(),
        expression: operation.expression.clone(),
        map_type: operation.map_type.clone(),
        declared_type: operation.declared_type.clone(),
        key_type: operation.key_type.clone(),
        element_type: operation.element_type.clone(),
        runtime,
        treatment,
        calls,
    }
}

/// What an operation without a call is. Only what never needs one is said to be inlined.
fn without_call(operation: &Operation, compiled: &BTreeSet<&str>) -> Treatment {
    let here = operation.function.is_empty() || {
        let name = operation
            .function
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .trim_start_matches('.');
        !operation.generic && compiled.iter().any(|function| function.contains(name))
    };
    match operation.operation.as_str() {
        // The number of entries is the first word of a map; small maps are made on the stack or empty.
        "len" | "make" | "literal" if here => Treatment::Inlined,
        _ => Treatment::NoCode,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(line: u32, kind: &str, map_type: &str) -> Operation {
        Operation {
            package: "p".into(),
            file: "/p.go".into(),
            line,
            column: 1,
            last_line: line,
            function: "f".into(),
            operation: kind.into(),
            expression: "m[k]".into(),
            map_type: map_type.into(),
            declared_type: map_type.into(),
            key_type: "string".into(),
            element_type: "int".into(),
            clear_loop: kind == "range",
            generic: false,
        }
    }

    fn check(operations: Vec<Operation>, lines: &[&str], want: &[(&[&str], Treatment)]) {
        let mut assembly = "p.f STEXT size=1\n".to_owned();
        for line in lines {
            let (number, text) = line.split_once(' ').unwrap();
            assembly.push_str(&format!(
                "\t0x0010 00016 (/p.go:{number})\t{}\n",
                text.replace(' ', "\t")
            ));
        }
        let survey = Survey {
            packages: Vec::new(),
            operations,
            runtime: None,
            problems: Vec::new(),
            assembly,
        };
        let compiled = join(survey, "amd64");
        let seen: Vec<(Vec<&str>, Treatment)> = compiled
            .operations
            .iter()
            .map(|operation| {
                (
                    operation
                        .runtime
                        .iter()
                        .map(|r| r.trim_start_matches("runtime."))
                        .collect(),
                    operation.treatment,
                )
            })
            .collect();
        let want: Vec<(Vec<&str>, Treatment)> = want
            .iter()
            .map(|(names, treatment)| (names.to_vec(), *treatment))
            .collect();
        assert_eq!(seen, want);
        assert!(
            compiled.other_calls.is_empty(),
            "{:?}",
            compiled.other_calls
        );
    }

    #[test]
    fn merged_and_not_merged() {
        let m = "map[string]int";
        check(
            vec![
                operation(1, "update", m),
                operation(2, "append", m),
                operation(3, "read", m),
                operation(3, "write", m),
            ],
            &[
                "1 CALL runtime.mapassign_faststr(SB)",
                "2 CALL runtime.mapaccess1_faststr(SB)",
                "2 CALL runtime.mapassign_faststr(SB)",
                "3 CALL runtime.mapaccess1_faststr(SB)",
                "3 CALL runtime.mapassign_faststr(SB)",
            ],
            &[
                (&["mapassign_faststr"], Treatment::Merged),
                (
                    &["mapaccess1_faststr", "mapassign_faststr"],
                    Treatment::Call,
                ),
                (&["mapaccess1_faststr"], Treatment::Call),
                (&["mapassign_faststr"], Treatment::Call),
            ],
        );
    }

    #[test]
    fn types_tell_two_operations_of_a_line_apart() {
        check(
            vec![
                operation(1, "read", "map[string]int"),
                operation(1, "read", "map[int]p.T"),
            ],
            &[
                "1 LEAQ type:map[int]example.com/p.T(SB), AX",
                "1 CALL runtime.mapaccess1_fast64(SB)",
                "1 LEAQ type:map[string]int(SB), AX",
                "1 CALL runtime.mapaccess1_faststr(SB)",
            ],
            &[
                (&["mapaccess1_faststr"], Treatment::Call),
                (&["mapaccess1_fast64"], Treatment::Call),
            ],
        );
    }

    /// A function that is inlined twice into another one.
    #[test]
    fn copies_belong_to_their_operation() {
        let call = "1 CALL runtime.mapaccess1_faststr(SB)";
        check(
            vec![operation(1, "read", "map[string]int")],
            &[call, call, call],
            &[(&["mapaccess1_faststr"], Treatment::Call)],
        );
    }

    #[test]
    fn loops_and_inlined_operations() {
        check(
            vec![
                operation(1, "range", "map[int]int"),
                operation(2, "len", "map[int]int"),
                operation(3, "delete", "map[int]int"),
            ],
            &["1 CALL runtime.mapclear(SB)"],
            &[
                (&["mapclear"], Treatment::Mapclear),
                (&[], Treatment::Inlined),
                (&[], Treatment::NoCode),
            ],
        );
    }
}
