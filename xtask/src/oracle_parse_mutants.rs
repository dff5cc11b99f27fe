//! `cargo xtask oracle-parse --mutants`: pieces of Go files with a few random changes, of which
//! goward and go/parser must accept the same. What Go's own files do not show, these do: most of
//! them are broken in some way, and some are odd but right.

use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, ensure};
use goward_syntax::{Mode, parse};

use crate::oracle_parse::{read, write_out};

/// So many sources are on their way to go/parser at a time, all together well below the size of
/// a pipe's buffer in answers.
const BATCH: usize = 200;

/// What is put into the files.
const PIECES: [&str; 88] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ";",
    ":",
    ".",
    "...",
    "=",
    ":=",
    "<-",
    "*",
    "&",
    "|",
    "~",
    "+",
    "++",
    "!",
    "==",
    "%",
    "/",
    "^",
    "&^",
    "<<",
    "+=",
    "\n",
    "\nfunc ",
    " func ",
    " if ",
    " else ",
    " for ",
    " range ",
    " switch ",
    " case ",
    " default:",
    " select ",
    " struct{",
    " interface{",
    " map[",
    " chan ",
    " go ",
    " defer ",
    " return ",
    " type ",
    " var ",
    " const ",
    " import ",
    " package ",
    " goto ",
    " break ",
    " continue ",
    " fallthrough ",
    " x ",
    " _ ",
    " T ",
    " 1 ",
    "0x",
    "0b2",
    "08",
    "1e",
    "1_",
    "1.",
    ".5",
    "2i",
    "\"a\"",
    "\"",
    "`",
    "'a'",
    "'",
    "\\",
    "//",
    "/*",
    "*/",
    "\r",
    "\0",
    "é",
    "世",
    "\u{FEFF}",
    "“",
    "[]",
    "()",
    "{}",
    "[T any]",
    ".(type)",
    "[P *T]",
];

/// The generator xorshift64*.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % limit.max(1)
    }
}

/// go/parser in a process of its own.
struct Server {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Server {
    #[expect(clippy::disallowed_methods, reason = "xtask starts programs")]
    fn start(program: &Path) -> anyhow::Result<Server> {
        let mut child = Command::new(program)
            .arg("-serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().context("no input pipe")?;
        let output = BufReader::new(child.stdout.take().context("no output pipe")?);
        Ok(Server {
            child,
            input,
            output,
        })
    }

    /// Which of the sources go/parser accepts.
    fn accepted(&mut self, sources: &[Vec<u8>]) -> anyhow::Result<Vec<bool>> {
        for source in sources {
            self.input.write_all(&(source.len() as u32).to_le_bytes())?;
            self.input.write_all(source)?;
        }
        self.input.flush()?;
        let mut answers = vec![0; sources.len()];
        self.output.read_exact(&mut answers)?;
        Ok(answers.into_iter().map(|answer| answer == 1).collect())
    }
}

pub(crate) fn compare(
    program: &Path,
    files: &[PathBuf],
    count: usize,
    seed: u64,
) -> anyhow::Result<()> {
    ensure!(!files.is_empty(), "no Go files");
    let mut server = Server::start(program)?;
    let mut numbers = Numbers(seed.max(1));
    let (mut equal, mut total, mut accepted) = (0, 0, 0);
    while total < count {
        let mut batch = Vec::new();
        while batch.len() < BATCH.min(count - total) {
            let source = read(&files[numbers.below(files.len())])?;
            for _ in 0..10 {
                batch.push(mutant(&source, &mut numbers));
            }
        }
        let verdicts = server.accepted(&batch)?;
        for (source, theirs) in batch.iter().zip(verdicts) {
            let tree = parse(source, Mode::Full);
            let ours = tree.diagnostics().is_empty();
            total += 1;
            accepted += usize::from(theirs);
            if ours == theirs {
                equal += 1;
                continue;
            }
            let verdict = match tree.diagnostics().first() {
                Some(first) => format!("rejected at {}: {}", first.span.start, first.message),
                None => "accepted".to_owned(),
            };
            let text = String::from_utf8_lossy(source);
            write_out(&format!(
                "--- {verdict}; go/parser does not agree\n{text:?}\n"
            ))?;
        }
    }
    drop(server.input);
    server.child.wait()?;
    write_out(&format!(
        "{equal} / {total} changed pieces accepted or rejected alike ({accepted} accepted by \
         go/parser), seed {seed}\n"
    ))?;
    ensure!(equal == total, "{} pieces differ", total - equal);
    Ok(())
}

/// A few lines of a file with a few changes, after a package clause.
fn mutant(source: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    // Pieces start where a declaration does, most likely.
    let starts: Vec<usize> = memchr::memmem::find_iter(source, b"\n\n")
        .map(|at| at + 2)
        .collect();
    let start = if starts.is_empty() {
        0
    } else {
        starts[numbers.below(starts.len())]
    };
    let end = source.len().min(start + 200 + numbers.below(1500));
    // They end with a declaration, most likely, too.
    let end = match memchr::memmem::rfind(&source[start..end], b"\n}\n") {
        Some(length) => start + length + 3,
        None => end,
    };
    let mut piece = b"package p\n".to_vec();
    piece.extend_from_slice(&source[start..end]);
    for _ in 0..numbers.below(4) {
        let at = 10 + numbers.below(piece.len() - 9);
        let removed = match numbers.below(3) {
            0 => 0,
            1 => 1,
            _ => numbers.below(12),
        };
        let removed = removed.min(piece.len() - at);
        let put = match numbers.below(4) {
            0 => "",
            _ => PIECES[numbers.below(PIECES.len())],
        };
        piece.splice(at..at + removed, put.bytes());
    }
    piece
}
