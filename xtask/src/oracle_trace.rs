//! `cargo xtask oracle-trace`: the trace reader against Go's own readers.
//!
//! Text: `go tool trace -d=parsed`, line by line, on Go's test traces, its fuzz seeds and fresh
//! traces. Hashes: golang.org/x/exp/trace, per generation, on larger traces and on thousands of cut
//! and changed ones, where the verdict and the events before it must be the same, on one thread and on
//! two.

#![expect(
    clippy::disallowed_methods,
    reason = "xtask starts programs and reads files"
)]
#![expect(clippy::print_stdout, reason = "the figures are the output")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use goward_trace::trace::{self, EventHash, Failure, Reader};

use crate::go_program;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// More traces to compare, by hash.
    traces: Vec<PathBuf>,
    /// How many cut and how many changed copies to make of each small trace.
    #[arg(long, default_value_t = 400)]
    mutations: usize,
    /// The size of the large fresh trace in MiB.
    #[arg(long, default_value_t = 30)]
    size: u64,
    /// Write the figures to conformance/trace.txt.
    #[arg(long)]
    write: bool,
}

/// The equal and the total of one comparison, and the names of what differs.
#[derive(Default)]
struct Tally {
    equal: usize,
    total: usize,
    different: Vec<String>,
}

impl Tally {
    fn note(&mut self, name: impl Into<String>, equal: bool) {
        self.total += 1;
        if equal {
            self.equal += 1;
        } else {
            self.different.push(name.into());
        }
    }

    fn report(&self, report: &mut String, what: &str) {
        let _ = writeln!(report, "{} / {} {what}", self.equal, self.total);
        for name in self.different.iter().take(20) {
            let _ = writeln!(report, "    differs: {name}");
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (root, version) = go_program::installation()?;
    let hasher = go_program::build("tracehash")?;
    let folder = go_program::workspace().join("target/oracle-trace");
    std::fs::create_dir_all(&folder)?;
    let mut report = format!("Go's trace readers of {version}, and golang.org/x/exp/trace\n");

    let golden = golden(&root, &folder, &mut report)?;
    let mut small = golden.clone();
    let mut seeds = fuzz_seeds(&root, &folder)?;
    // Traces of Go 1.11 to 1.21 are another format, which this reader refuses by design.
    let all = seeds.len();
    seeds.retain(|path| {
        std::fs::read(path)
            .is_ok_and(|bytes| bytes.starts_with(b"go 1.2") && !bytes.starts_with(b"go 1.21"))
    });
    compare_text(
        &seeds,
        &mut report,
        "fuzz seeds of Go's reader: same text and verdict",
    )?;
    let _ = writeln!(
        report,
        "    ({} more in the format of Go 1.11, which goward does not read)",
        all - seeds.len()
    );
    small.extend(seeds);
    let fresh = fresh_traces(&root, &folder)?;
    compare_text(
        &fresh,
        &mut report,
        "fresh traces of Go's test programs: same text",
    )?;
    let load = load_traces(&folder, arguments.size)?;
    compare_text(
        &load[..2],
        &mut report,
        "fresh traces of a small service (5 MB, and a flight recorder's): same text",
    )?;
    compare_hashes(
        &hasher,
        &load,
        &mut report,
        "generations of the small service's traces: same hash",
    )?;
    if !arguments.traces.is_empty() {
        compare_hashes(
            &hasher,
            &arguments.traces,
            &mut report,
            "generations of the given traces: same hash",
        )?;
    }
    small.retain(|path| std::fs::metadata(path).is_ok_and(|data| data.len() < 100_000));
    small.push(cut_to_generation(&load[1], &folder)?);
    compare_mutations(&hasher, &small, arguments.mutations, &folder, &mut report)?;

    print!("{report}");
    if arguments.write {
        let path = go_program::workspace().join("conformance/trace.txt");
        std::fs::write(&path, &report)?;
    }
    ensure!(!report.contains("differs:"), "the readers differ");
    Ok(())
}

/// Go's test traces: the verdict that each expects, and the text.
fn golden(root: &Path, folder: &Path, report: &mut String) -> anyhow::Result<Vec<PathBuf>> {
    let mut tests = files(&root.join("src/internal/trace/testdata/tests"))?;
    tests.extend(files(&root.join("src/cmd/trace/testdata"))?);
    tests.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "test")
    });
    let mut verdicts = Tally::default();
    let mut converted = Vec::new();
    for test in tests {
        let text = std::fs::read_to_string(&test)?;
        let (expectation, body) = text
            .strip_prefix("-- expect --\n")
            .and_then(|text| text.split_once("-- trace --\n"))
            // The one in cmd/trace is the bare text of a good trace.
            .or_else(|| {
                text.starts_with("Trace Go1.")
                    .then_some(("SUCCESS", &*text))
            })
            .with_context(|| format!("{} is not a test trace", test.display()))?;
        let bytes = trace::trace_of_text(body)
            .map_err(|error| anyhow::anyhow!("{}: {error}", test.display()))?;
        let name = test
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let path = folder.join(format!("{name}.trace"));
        std::fs::write(&path, &bytes)?;
        let failure = read_all(&path)?;
        let equal = match (expectation.trim(), &failure) {
            ("SUCCESS", None) => true,
            (expected, Some(failure)) => expected
                .strip_prefix("FAILURE ")
                .and_then(trace::unquote)
                .and_then(|pattern| String::from_utf8(pattern).ok())
                .is_some_and(|pattern| failure.contains(&pattern.replace(".*", ""))),
            _ => false,
        };
        verdicts.note(
            format!("{name}: expected {}, found {failure:?}", expectation.trim()),
            equal,
        );
        converted.push(path);
    }
    verdicts.report(
        report,
        "of Go's test traces: the verdict that the test expects",
    );
    compare_text(
        &converted,
        report,
        "of Go's test traces: same text and verdict",
    )?;
    Ok(converted)
}

fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        files.push(entry?.path());
    }
    files.sort();
    Ok(files)
}

fn read_all(path: &Path) -> anyhow::Result<Option<String>> {
    let text = |failure: Failure| match failure {
        Failure::End => String::new(),
        Failure::Broken(text) => text,
    };
    let mut reader = match Reader::new(std::fs::File::open(path)?) {
        Ok(reader) => reader,
        Err(failure) => return Ok(Some(text(failure))),
    };
    loop {
        match reader.next_event() {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(None),
            Err(failure) => return Ok(Some(text(failure))),
        }
    }
}

/// The inputs of Go's fuzz test, out of their own file format.
fn fuzz_seeds(root: &Path, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut seeds = Vec::new();
    for file in files(&root.join("src/internal/trace/testdata/fuzz/FuzzReader"))? {
        let text = std::fs::read_to_string(&file)?;
        let bytes = text
            .lines()
            .nth(1)
            .and_then(|line| line.strip_prefix("[]byte(")?.strip_suffix(')'))
            .and_then(trace::unquote)
            .with_context(|| format!("{} is not a fuzz seed", file.display()))?;
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let path = folder.join(format!("seed-{name}.trace"));
        std::fs::write(&path, bytes)?;
        seeds.push(path);
    }
    Ok(seeds)
}

/// Runs the programs that Go tests its tracer with; each writes a trace to its output.
fn fresh_traces(root: &Path, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut traces = Vec::new();
    for program in files(&root.join("src/internal/trace/testdata/testprog"))? {
        if program
            .extension()
            .is_none_or(|extension| extension != "go")
        {
            continue;
        }
        let name = program
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let path = folder.join(format!("testprog-{name}.trace"));
        let status = Command::new("go")
            .arg("run")
            .arg(&program)
            .env("GOTOOLCHAIN", "local")
            .stdout(std::fs::File::create(&path)?)
            .stderr(Stdio::null())
            .status()?;
        // A program that cannot be built here (cgo without a C compiler) says nothing about us.
        if status.success() {
            traces.push(path);
        } else {
            println!("left out: {name} does not run here");
        }
    }
    Ok(traces)
}

fn load_traces(folder: &Path, size: u64) -> anyhow::Result<Vec<PathBuf>> {
    let program = go_program::build("traceload")?;
    let mut traces = Vec::new();
    for (name, options) in [
        ("load-5", vec!["-size".to_owned(), (5 << 20).to_string()]),
        (
            "load-recorder",
            vec![
                "-recorder".to_owned(),
                "-size".to_owned(),
                (1 << 20).to_string(),
            ],
        ),
        (
            "load-large",
            vec!["-size".to_owned(), (size << 20).to_string()],
        ),
        (
            "load-allocations",
            vec!["-size".to_owned(), (5 << 20).to_string()],
        ),
    ] {
        let path = folder.join(format!("{name}.trace"));
        let experiment = if name == "load-allocations" {
            "traceallocfree=1"
        } else {
            ""
        };
        let status = Command::new(&program)
            .args(&options)
            .arg("-o")
            .arg(&path)
            .env("GODEBUG", experiment)
            .stderr(Stdio::null())
            .status()?;
        ensure!(status.success(), "traceload failed");
        traces.push(path);
    }
    Ok(traces)
}

/// Compares the text and the verdict with `go tool trace -d=parsed`.
fn compare_text(traces: &[PathBuf], report: &mut String, what: &str) -> anyhow::Result<()> {
    let mut tally = Tally::default();
    for path in traces {
        let theirs = Command::new("go")
            .args(["tool", "trace", "-d=parsed"])
            .arg(path)
            .env("TZ", "UTC")
            .output()?;
        let (ours, complete) = parsed_text(path)?;
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        tally.note(
            name,
            ours == theirs.stdout && complete == theirs.status.success(),
        );
    }
    tally.report(report, what);
    Ok(())
}

fn parsed_text(path: &Path) -> anyhow::Result<(Vec<u8>, bool)> {
    let mut text = Vec::new();
    let Ok(mut reader) = Reader::threaded(std::fs::File::open(path)?) else {
        return Ok((text, false));
    };
    loop {
        match reader.next_event() {
            Ok(Some(_)) => {}
            Ok(None) => return Ok((text, true)),
            Err(_) => return Ok((text, false)),
        }
        let length = text.len();
        if trace::write_event(&mut text, &reader, |_| 0).is_err() {
            text.truncate(length);
            return Ok((text, false));
        }
    }
}

/// The lines that `xtask/go/tracehash` prints for a trace.
fn hash_lines(
    path: &Path,
    threaded: bool,
    per_generation: bool,
    lines: &mut Vec<String>,
) -> anyhow::Result<()> {
    let name = path.display();
    let file = std::fs::File::open(path)?;
    let opened = if threaded {
        Reader::threaded(file)
    } else {
        Reader::new(file)
    };
    let mut reader = match opened {
        Ok(reader) => reader,
        Err(_) => {
            lines.push(format!("{name}: 0 events, refused"));
            return Ok(());
        }
    };
    let mut hash = EventHash::default();
    let mut events = 0;
    let verdict = loop {
        match reader.next_event() {
            Ok(Some(event)) => {
                if per_generation && event.kind == trace::wire::SYNC_POINT {
                    lines.push(format!(
                        "{name} generation: {events} events {:016x}",
                        hash.value()
                    ));
                }
            }
            Ok(None) => break "complete",
            Err(_) => break "refused",
        }
        if hash.add(&reader).is_err() {
            break "refused";
        }
        events += 1;
    };
    lines.push(format!(
        "{name}: {events} events {:016x}, {verdict}",
        hash.value()
    ));
    Ok(())
}

fn go_hash_lines(hasher: &Path, traces: &[PathBuf]) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    for chunk in traces.chunks(500) {
        let output = Command::new(hasher).args(chunk).output()?;
        ensure!(
            output.status.success(),
            "tracehash failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        lines.extend(String::from_utf8(output.stdout)?.lines().map(str::to_owned));
    }
    Ok(lines)
}

fn compare_hashes(
    hasher: &Path,
    traces: &[PathBuf],
    report: &mut String,
    what: &str,
) -> anyhow::Result<()> {
    let mut tally = Tally::default();
    for path in traces {
        let theirs = go_hash_lines(hasher, std::slice::from_ref(path))?;
        let mut ours = Vec::new();
        hash_lines(path, false, true, &mut ours)?;
        let mut threaded = Vec::new();
        hash_lines(path, true, true, &mut threaded)?;
        for (index, line) in theirs.iter().enumerate() {
            let equal = ours.get(index) == Some(line) && threaded.get(index) == Some(line);
            tally.note(line, equal);
        }
    }
    tally.report(report, what);
    Ok(())
}

/// The header and the first complete generation of a trace, as a small trace of the newest format.
fn cut_to_generation(path: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
    let bytes = std::fs::read(path)?;
    let mut reader = Reader::new(std::fs::File::open(path)?)
        .map_err(|failure| anyhow::anyhow!("{failure:?}"))?;
    let mut end = bytes.len();
    let mut syncs = 0;
    while let Ok(Some(event)) = reader.next_event() {
        if event.kind == trace::wire::SYNC_POINT {
            syncs += 1;
            if syncs == 2 {
                end = reader.good_bytes() as usize;
            }
        }
    }
    let target = folder.join("first-generation.trace");
    std::fs::write(&target, &bytes[..end.min(bytes.len())])?;
    Ok(target)
}

/// Cuts and changes small traces and compares verdicts and hashes.
fn compare_mutations(
    hasher: &Path,
    traces: &[PathBuf],
    mutations: usize,
    folder: &Path,
    report: &mut String,
) -> anyhow::Result<()> {
    let target = folder.join("mutated");
    let _ = std::fs::remove_dir_all(&target);
    std::fs::create_dir_all(&target)?;
    let mut random = 88_172_645_463_325_252u64;
    let mut next = |limit: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 11) as usize % limit.max(1)
    };
    let mut paths = Vec::new();
    for path in traces {
        let bytes = std::fs::read(path)?;
        if bytes.len() < 18 {
            continue;
        }
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        // A large trace takes longer to read, so it gets fewer copies.
        let copies = if bytes.len() > 50_000 {
            mutations / 8
        } else {
            mutations
        };
        for copy in 0..2 * copies {
            let mut changed = bytes.clone();
            let kind = if copy % 2 == 0 {
                changed.truncate(16 + next(bytes.len() - 16));
                "cut"
            } else {
                for _ in 0..1 + next(3) {
                    let place = 16 + next(bytes.len() - 16);
                    match next(4) {
                        0 => changed[place] ^= 1 << next(8),
                        1 => changed[place] = next(256) as u8,
                        2 => {
                            changed.remove(place);
                            changed.push(0);
                        }
                        _ => changed[place] = changed[place].wrapping_add(1),
                    }
                }
                "changed"
            };
            let path = target.join(format!("{name}-{kind}-{copy}.trace"));
            std::fs::write(&path, changed)?;
            paths.push(path);
        }
    }
    let theirs = go_hash_lines(hasher, &paths)?;
    let theirs: Vec<&String> = theirs
        .iter()
        .filter(|line| !line.contains(" generation: "))
        .collect();
    ensure!(
        theirs.len() == paths.len(),
        "tracehash printed {} verdicts for {} traces",
        theirs.len(),
        paths.len()
    );
    let mut tally = Tally::default();
    let mut ours = Vec::new();
    for (path, theirs) in paths.iter().zip(theirs) {
        ours.clear();
        hash_lines(path, false, false, &mut ours)?;
        hash_lines(path, true, false, &mut ours)?;
        let equal = ours.len() == 2 && ours.iter().all(|line| line == theirs);
        if !equal && tally.different.len() < 20 {
            println!(
                "ours:   {}\ntheirs: {theirs}",
                ours.last().map_or("", String::as_str)
            );
        }
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        tally.note(name, equal);
        if equal {
            let _ = std::fs::remove_file(path);
        }
    }
    tally.report(
        report,
        "cut and changed traces: same verdict after the same events",
    );
    Ok(())
}
