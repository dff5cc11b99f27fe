//! Who waits for what, and who would have to act: the blocking-reference graph.
//!
//! A group of goroutines waits at a line. Where the source is at hand, that line names the channel,
//! lock or WaitGroup, and the other lines of the package that name it say where it is made and who
//! sends, receives, closes, unlocks. A group that stands at such a line is the one that could wake
//! the others; where none does, nobody of the snapshot can. Matching is by name, which is what a
//! reader would do too; two objects of the same name in one package fall together.

use super::{Group, Site};
use crate::dump::wait::Operation;

/// A line of the source that names an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mention {
    /// The file as the source has it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// Its text.
    pub text: String,
    /// What it does with the object.
    pub role: Role,
}

/// What a line does with an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Makes it, or declares it.
    Makes,
    /// Sends on the channel.
    Sends,
    /// Receives from the channel.
    Receives,
    /// Closes the channel.
    Closes,
    /// Takes the lock.
    Locks,
    /// Gives the lock back.
    Unlocks,
    /// Counts the WaitGroup down.
    Finishes,
    /// Wakes those that wait for the Cond.
    Signals,
}

impl Role {
    /// For a reader.
    pub fn name(self) -> &'static str {
        match self {
            Role::Makes => "makes",
            Role::Sends => "sends",
            Role::Receives => "receives",
            Role::Closes => "closes",
            Role::Locks => "locks",
            Role::Unlocks => "unlocks",
            Role::Finishes => "finishes",
            Role::Signals => "signals",
        }
    }

    /// Whether a line with this role ends a wait in an operation.
    pub fn ends(self, operation: Operation) -> bool {
        match operation {
            Operation::ChannelSend => self == Role::Receives,
            Operation::ChannelReceive => matches!(self, Role::Sends | Role::Closes),
            Operation::MutexLock
            | Operation::ReadWriteMutexLock
            | Operation::ReadWriteMutexReadLock => self == Role::Unlocks,
            Operation::WaitGroup => self == Role::Finishes,
            Operation::Condition => self == Role::Signals,
            _ => false,
        }
    }
}

/// The object that a line of Go waits for: the last part of its name, such as `jobs` for
/// `s.jobs <- job`.
pub fn object(line: &str, operation: Operation) -> Option<String> {
    let name = match operation {
        Operation::ChannelSend => line.split_once("<-").map(|(before, _)| last_name(before)),
        Operation::ChannelReceive => match line.split_once("<-") {
            Some((_, after)) => Some(first_name(after)),
            None => line
                .split_once("range ")
                .map(|(_, after)| first_name(after)),
        },
        Operation::MutexLock | Operation::ReadWriteMutexLock => line
            .split_once(".Lock()")
            .map(|(before, _)| last_name(before)),
        Operation::ReadWriteMutexReadLock => line
            .split_once(".RLock()")
            .map(|(before, _)| last_name(before)),
        Operation::WaitGroup | Operation::Condition => line
            .split_once(".Wait()")
            .map(|(before, _)| last_name(before)),
        _ => None,
    }?;
    // `<-ctx.Done()` waits for what a call gives, which has no name.
    if line.contains(&format!("{name}(")) {
        return None;
    }
    let name = name.rsplit('.').next().unwrap_or("").to_owned();
    (!name.is_empty() && !name.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '.')
}

fn last_name(text: &str) -> &str {
    let text = text.trim_end();
    let start = text
        .char_indices()
        .rev()
        .take_while(|&(_, character)| is_name(character))
        .last()
        .map_or(text.len(), |(at, _)| at);
    &text[start..]
}

fn first_name(text: &str) -> &str {
    let text = text.trim_start();
    let end = text
        .char_indices()
        .find(|&(_, character)| !is_name(character))
        .map_or(text.len(), |(at, _)| at);
    &text[..end]
}

/// What a line of Go does with the object of a name; a line can do several things.
pub fn roles(line: &str, name: &str) -> Vec<Role> {
    let code = line.split("//").next().unwrap_or(line);
    let mut found = Vec::new();
    let mut add = |role: Role, yes: bool| {
        if yes && !found.contains(&role) {
            found.push(role);
        }
    };
    for (at, _) in code.match_indices(name) {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        if before
            .chars()
            .next_back()
            .is_some_and(|c| c.is_alphanumeric() || c == '_')
            || after
                .chars()
                .next()
                .is_some_and(|c| c.is_alphanumeric() || c == '_')
        {
            continue;
        }
        // What stands before the whole path `s.jobs`.
        let path = last_name(before);
        let outer = before[..before.len() - path.len()].trim_end();
        let rest = after.trim_start();
        add(
            Role::Sends,
            rest.starts_with("<-") && !outer.ends_with("chan"),
        );
        add(
            Role::Receives,
            outer.ends_with("<-") || outer.ends_with("range"),
        );
        add(Role::Closes, outer.ends_with("close("));
        add(
            Role::Unlocks,
            rest.starts_with(".Unlock()") || rest.starts_with(".RUnlock()"),
        );
        add(
            Role::Locks,
            rest.starts_with(".Lock()") || rest.starts_with(".RLock()"),
        );
        add(Role::Finishes, rest.starts_with(".Done()"));
        add(
            Role::Signals,
            rest.starts_with(".Signal()") || rest.starts_with(".Broadcast()"),
        );
        let assigned = rest.trim_start_matches([':', '=']).trim_start();
        let made = (rest.starts_with(":=") || rest.starts_with('=') || rest.starts_with(':'))
            && (assigned.starts_with("make(chan")
                || assigned.starts_with("sync.")
                || assigned.starts_with("&sync."));
        // Parameters only pass it on.
        let declared = path.is_empty()
            && !code.trim_start().starts_with("func ")
            && !outer.ends_with("<-")
            && [
                "chan ",
                "<-chan ",
                "chan<- ",
                "sync.Mutex",
                "sync.RWMutex",
                "sync.WaitGroup",
                "*sync.",
            ]
            .iter()
            .any(|kind| rest.starts_with(kind));
        add(Role::Makes, made || declared);
    }
    found
}

/// One group with its object.
#[derive(Clone, Debug)]
pub struct Node {
    /// Index of the group in what the graph was built from.
    pub group: usize,
    /// How many goroutines.
    pub count: u64,
    /// What they wait in.
    pub operation: Operation,
    /// Where they wait.
    pub at: Site,
    /// The name of the object, where the source has it.
    pub object: Option<String>,
    /// The lines of the package that make the object.
    pub made_at: Vec<Mention>,
    /// The lines that would end the wait.
    pub ended_by: Vec<Mention>,
    /// Groups whose goroutines stand at, or were called from, one of those lines' functions.
    pub could_be_woken_by: Vec<usize>,
}

/// The source as the graph needs it.
pub trait Source {
    /// The text of a line.
    fn line(&self, site: &Site) -> Option<String>;
    /// All lines of the site's package that name an object, with what they do.
    fn mentions(&self, site: &Site, name: &str) -> Vec<Mention>;
}

/// Builds the graph of groups that wait.
pub fn build(groups: &[(&Group, u64)], source: &dyn Source) -> Vec<Node> {
    let mut nodes = Vec::new();
    for (index, (group, count)) in groups.iter().enumerate() {
        let (Some(operation), Some(at)) = (group.operation, group.blocked_at()) else {
            continue;
        };
        let name = source.line(at).and_then(|line| object(&line, operation));
        let mentions = name
            .as_deref()
            .map(|name| source.mentions(at, name))
            .unwrap_or_default();
        let (made_at, others): (Vec<_>, Vec<_>) = mentions
            .into_iter()
            .partition(|mention| mention.role == Role::Makes);
        let ended_by: Vec<Mention> = others
            .into_iter()
            .filter(|mention| mention.role.ends(operation))
            .collect();
        let could_be_woken_by = groups
            .iter()
            .enumerate()
            .filter(|(other, (group, _))| {
                *other != index
                    && group.frames.iter().any(|site| {
                        ended_by.iter().any(|mention| {
                            mention.line == site.line && ends_with_path(&site.file, &mention.file)
                        })
                    })
            })
            .map(|(other, _)| other)
            .collect();
        nodes.push(Node {
            group: index,
            count: *count,
            operation,
            at: at.clone(),
            object: name,
            made_at,
            ended_by,
            could_be_woken_by,
        });
    }
    nodes
}

/// Whether a dump's path is that of a source file: one of them may be shorter at the front.
fn ends_with_path(long: &str, short: &str) -> bool {
    let (long, short) = if long.len() >= short.len() {
        (long, short)
    } else {
        (short, long)
    };
    long.strip_suffix(short)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('/') || short.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects() {
        for (line, operation, name) in [
            (
                "go func() { ch <- v }()",
                Operation::ChannelSend,
                Some("ch"),
            ),
            ("s.jobs <- job", Operation::ChannelSend, Some("jobs")),
            (
                "case v := <-s.done:",
                Operation::ChannelReceive,
                Some("done"),
            ),
            ("for r := range q {", Operation::ChannelReceive, Some("q")),
            ("<-ctx.Done()", Operation::ChannelReceive, None),
            ("s.mu.Lock()", Operation::MutexLock, Some("mu")),
            ("wg.Wait()", Operation::WaitGroup, Some("wg")),
            ("x()", Operation::ChannelSend, None),
        ] {
            assert_eq!(object(line, operation).as_deref(), name, "{line}");
        }
    }

    #[test]
    fn what_lines_do() {
        for (line, expected) in [
            ("ch := make(chan int) // unbuffered", &[Role::Makes][..]),
            ("go func() { ch <- v }()", &[Role::Sends]),
            ("case v := <-ch:", &[Role::Receives]),
            ("close(ch)", &[Role::Closes]),
            ("for v := range s.ch {", &[Role::Receives]),
            ("other <- ch2", &[]),
            ("ch chan int", &[Role::Makes]),
            ("// close(ch)", &[]),
        ] {
            assert_eq!(roles(line, "ch"), expected, "{line}");
        }
        assert_eq!(roles("defer s.mu.Unlock()", "mu"), [Role::Unlocks]);
        assert_eq!(roles("defer wg.Done()", "wg"), [Role::Finishes]);
    }
}
