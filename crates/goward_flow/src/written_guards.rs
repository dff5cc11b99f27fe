//! Which mutex guards a field by what its comment says: `// guarded by mu`, `// protected by mu`,
//! `// +checklocks:mu`, where `mu` is a mutex in the same struct.
//!
//! A comment that says more (only writes, not before the start, or another lock) is left alone.

use goward_syntax::{Expression, NodeId};
use goward_types::{ObjectId, TypedFile, TypedPackage, World};
use memchr::{memchr_iter, memchr2_iter};
use rustc_hash::FxHashMap;

/// Phrases before the name of a mutex.
const PHRASES: &[&str] = &["guarded by ", "protected by ", "+checklocks:"];
/// Words that limit what a comment says.
const LIMITS: &[&str] = &[
    "not", "write", "writes", "or", "and", "except", "unless", "during", "after", "before", "once",
    "until", "when", "while", "only", "if", "but", "also",
];

/// Fields and the mutex fields that guard them.
pub(crate) fn written_guards(package: &TypedPackage<'_>) -> FxHashMap<ObjectId, ObjectId> {
    let mut guards = FxHashMap::default();
    for file in &package.files {
        if !may_speak_of_guards(file.source) {
            continue;
        }
        let says_something = file.tree.comments().iter().any(|comment| {
            let text = &file.source[comment.span.range()];
            guard_name(&String::from_utf8_lossy(text)).is_some()
        });
        if !says_something {
            continue;
        }
        for &declaration in file.tree.declarations() {
            for node in file.tree.preorder(declaration) {
                if let Expression::StructType { fields } = file.tree.expression(node) {
                    of_struct(package.world, file, fields, &mut guards);
                }
            }
        }
    }
    guards
}

/// Whether one of [`PHRASES`] may be somewhere in a file. Two letters and a space are quickly found.
fn may_speak_of_guards(source: &[u8]) -> bool {
    let follows = |at: usize, text: &[u8]| {
        let found = source.get(at..at + text.len());
        found.is_some_and(|found| found.eq_ignore_ascii_case(text))
    };
    let by = memchr2_iter(b'b', b'B', source).any(|at| at >= 3 && follows(at - 3, b"ed by "));
    by || memchr_iter(b'+', source).any(|at| follows(at, b"+checklocks:"))
}

fn of_struct(
    world: &World,
    file: &TypedFile<'_>,
    fields: &[NodeId],
    guards: &mut FxHashMap<ObjectId, ObjectId>,
) {
    let mut mutexes: Vec<ObjectId> = Vec::new();
    for &entry in fields {
        for &name in file.tree.field(entry).names {
            if let Some(object) = file.facts.object_of(name)
                && is_mutex(world, object)
            {
                mutexes.push(object);
            }
        }
    }
    for &entry in fields {
        let names = file.tree.field(entry).names;
        let (Some(&first), Some(text)) = (names.first(), comment_of(file, entry)) else {
            continue;
        };
        let Some(guard) = guard_name(&text) else {
            continue;
        };
        let guard = mutexes
            .iter()
            .find(|&&mutex| world.object(mutex).name.as_str() == guard);
        // A comment before several fields may speak of all of them: only one field is sure.
        if let (Some(&guard), Some(field), 1) = (guard, file.facts.object_of(first), names.len())
            && field != guard
        {
            guards.insert(field, guard);
        }
    }
}

fn is_mutex(world: &World, object: ObjectId) -> bool {
    crate::unit::named_behind(world, world.object_type(object)).is_some_and(|named| {
        let named = world.object(named);
        let package = named
            .package
            .map_or("", |package| world.package(package).path.as_str());
        package == "sync" && matches!(named.name.as_str(), "Mutex" | "RWMutex")
    })
}

/// The comment at the end of the line of a field, else the one right before it.
fn comment_of(file: &TypedFile<'_>, field: NodeId) -> Option<String> {
    let span = file.tree.span(field);
    let comments = file.tree.comments();
    let next = comments.partition_point(|comment| comment.span.start < span.end);
    let blank = |from: u32, to: u32, lines: usize| {
        let between = &file.source[from as usize..to as usize];
        between.iter().all(u8::is_ascii_whitespace)
            && between.iter().filter(|&&byte| byte == b'\n').count() == lines
    };
    let text = |index: usize| {
        String::from_utf8_lossy(&file.source[comments[index].span.range()]).into_owned()
    };
    if let Some(comment) = comments.get(next)
        && blank(span.end, comment.span.start, 0)
    {
        return Some(text(next));
    }
    let mut before = comments.partition_point(|comment| comment.span.end <= span.start);
    let mut lines = Vec::new();
    let mut start = span.start;
    while before > 0 && blank(comments[before - 1].span.end, start, 1) {
        before -= 1;
        start = comments[before].span.start;
        lines.push(text(before));
    }
    lines.reverse();
    (!lines.is_empty()).then(|| lines.join(" "))
}

/// The name that a comment gives, if it says it without conditions.
fn guard_name(comment: &str) -> Option<String> {
    let lower = comment.to_lowercase();
    let (phrase, at) = PHRASES
        .iter()
        .find_map(|phrase| Some((phrase, lower.find(phrase)?)))?;
    // Offsets of the lower-case text count only where it is as long as the text.
    if lower.len() != comment.len() {
        return None;
    }
    let sentence_end = |text: &str| text.find(['.', ';', ',', '\n']).unwrap_or(text.len());
    let before = &lower[..at];
    let before = &before[before.rfind(['.', ';', '\n']).map_or(0, |at| at + 1)..];
    let rest = &comment[at + phrase.len()..];
    let name: String = rest
        .chars()
        .take_while(|character| character.is_alphanumeric() || *character == '_')
        .collect();
    let after = &rest[name.len()..];
    // `db.mu` is the mutex of another object.
    let qualified = after.starts_with('.') && after[1..].starts_with(char::is_alphabetic);
    let after = after[..sentence_end(after)].to_lowercase();
    let limited = |text: &str| {
        text.split(|character: char| !character.is_alphanumeric())
            .any(|word| LIMITS.contains(&word))
    };
    (!name.is_empty() && !qualified && !limited(before) && !limited(&after)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::guard_name;

    /// Shows the name that each comment gives.
    fn check(comment: &str, name: Option<&str>) {
        assert_eq!(guard_name(comment).as_deref(), name, "{comment}");
    }

    #[test]
    fn comments_that_name_a_mutex() {
        check("// guarded by mu", Some("mu"));
        check("// Protected by mtx.", Some("mtx"));
        check("// +checklocks:mu", Some("mu"));
        check("// items by name; guarded by mu; never nil", Some("mu"));
        check("// writes are guarded by mu", None);
        check("// not protected by mu", None);
        check("// guarded by db.mu", None);
        check("// protected by mu after Start", None);
        check("// guarded by", None);
        check("// a comment", None);
    }
}
