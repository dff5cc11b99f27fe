//! `goward check`: finds run-time hazards in Go source.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::ValueHint;
use goward_diagnostics::{Category, Diagnostic, Safety, neutralise, neutralise_lines};
use goward_rules::Selection;

use crate::analysis::{self, Outcome, Request, Statistics};
use crate::baseline::Baseline;
use crate::output::{Format, Report};
use crate::own_files::OwnFiles;
use crate::progress::Progress;
use crate::watch::Watch;
use crate::{files, repair};

/// Everything there is to set. Exit code 0: clean; 1: findings; 2: goward failed.
#[derive(clap::Args)]
#[command(after_help = "\
Exit codes: 0 no findings, 1 findings, 2 goward failed.

Examples:
  goward check                       the packages under this folder
  goward check ./cmd/... ./store     some of them
  goward check --fix                 apply the safe fixes
  goward check --output-format sarif --output-file goward.sarif
  goward check - --stdin-filename store/cache.go < store/cache.go")]
pub(crate) struct Arguments {
    /// Folders (with all below them), files, `./...` patterns or import paths; `-` for one file on
    /// standard input [default: ./...]
    #[arg(value_name = "PATHS", value_hint = ValueHint::AnyPath)]
    paths: Vec<String>,

    /// How to write the findings.
    #[arg(long, value_enum, default_value = "full", value_name = "FORMAT")]
    output_format: Format,
    /// Write the findings, or the patch of --diff, to a file instead of standard output.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output_file: Option<PathBuf>,
    /// Count the findings of each rule instead of showing them.
    #[arg(long)]
    statistics: bool,
    /// Print nothing but the findings.
    #[arg(short, long)]
    quiet: bool,
    /// Also say how much was looked at, what was known from earlier runs, and what was used in place
    /// of something else, such as the built-in standard library.
    #[arg(short, long, conflicts_with = "quiet")]
    verbose: bool,
    /// Exit with 0 even when there are findings.
    #[arg(long)]
    exit_zero: bool,
    /// Colours: on a terminal, always or never. NO_COLOR turns them off, too.
    #[arg(long, value_enum, default_value = "auto", value_name = "WHEN")]
    color: Color,

    /// Apply the fixes that are safe, in files of the modules that you work on.
    #[arg(long, help_heading = "Fixes")]
    fix: bool,
    /// Print what `--fix` would change as a patch, and change nothing.
    #[arg(long, help_heading = "Fixes", conflicts_with = "fix")]
    diff: bool,
    /// With `--fix` or `--diff`: also fixes that may change what the program does otherwise.
    #[arg(long, help_heading = "Fixes")]
    unsafe_fixes: bool,

    /// Rules, categories or groups to run instead of the default group; `all` for all.
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "NAMES",
        help_heading = "Rules"
    )]
    select: Vec<String>,
    /// Rules, categories or groups to run besides the default group.
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "NAMES",
        help_heading = "Rules"
    )]
    extend_select: Vec<String>,
    /// Rules, categories or groups not to run.
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "NAMES",
        help_heading = "Rules"
    )]
    ignore: Vec<String>,
    /// Do not report the findings that this file knows.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Rules")]
    baseline: Option<PathBuf>,
    /// Write the findings to the file of `--baseline`, and report none.
    #[arg(long, requires = "baseline", help_heading = "Rules")]
    write_baseline: bool,

    /// A configuration file, or a setting as KEY=VALUE that wins over all files.
    #[arg(long, value_name = "FILE|KEY=VALUE", help_heading = "Source")]
    config: Vec<String>,
    /// Operating system to check for, as GOOS [default: this machine's]
    #[arg(long, value_name = "GOOS", help_heading = "Source")]
    os: Option<String>,
    /// Architecture to check for, as GOARCH [default: this machine's]
    #[arg(long, value_name = "GOARCH", help_heading = "Source")]
    arch: Option<String>,
    /// Build tags to set.
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "TAGS",
        help_heading = "Source"
    )]
    tags: Vec<String>,
    /// Report findings in generated files, too.
    #[arg(long, help_heading = "Source")]
    generated: bool,
    /// The path under which to check what standard input holds.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Source")]
    stdin_filename: Option<PathBuf>,

    /// Neither read nor write results of earlier runs.
    #[arg(long)]
    no_cache: bool,
    /// Where to keep results for later runs [default: goward in your cache folder, or
    /// $GOWARD_CACHE_DIR]
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    cache_dir: Option<PathBuf>,
    /// Check again whenever a Go file changes.
    #[arg(long, conflicts_with_all = ["write_baseline", "stdin_filename"])]
    watch: bool,
}

#[derive(Copy, Clone, PartialEq, Eq, clap::ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

/// A half checked-out tree misses hundreds of packages for one reason.
const MOST_WARNINGS: usize = 10;

/// Standard input under the path it stands for.
struct Stdin {
    /// Absolute.
    path: PathBuf,
    text: Vec<u8>,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    let result = check(&arguments);
    if let Err(error) = &result
        && arguments.output_format.has_errors()
    {
        report_failure(&arguments, error);
    }
    result
}

/// Nothing could be checked: the report says so, and with it whoever reads only the report.
fn report_failure(arguments: &Arguments, error: &anyhow::Error) {
    let report = Report {
        diagnostics: &[],
        sources: &goward_diagnostics::Sources::default(),
        errors: &[format!("{error:#}")],
    };
    let mut text = Vec::new();
    let output = arguments.output_format.output(false, terminal_width());
    // The error itself goes to standard error in any case.
    _ = output.write(&report, &mut text);
    _ = match &arguments.output_file {
        Some(path) => files::write(path, &text),
        None if arguments.diff || (arguments.fix && arguments.stdin_filename.is_some()) => Ok(()),
        None => anstream::stdout().lock().write_all(&text),
    };
}

fn check(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    ensure!(
        !arguments.unsafe_fixes || arguments.fix || arguments.diff,
        "--unsafe-fixes says which fixes to apply; add --fix to apply them or --diff to see them"
    );
    let selection = selection(arguments)?;
    let directory = std::env::current_dir().context("cannot tell the current folder")?;
    let stdin = read_stdin(arguments, &directory)?;
    if !arguments.watch {
        return check_once(arguments, &directory, &selection, stdin.as_ref());
    }
    ensure!(stdin.is_none(), "standard input cannot be watched");
    let watch = Watch::new(&watched_folders(&arguments.paths, &directory))?;
    loop {
        if io::stdout().is_terminal() {
            anstream::print!("\x1b[2J\x1b[3J\x1b[H");
        }
        // A broken file in between must not end the watch.
        if let Err(error) = check_once(arguments, &directory, &selection, None) {
            crate::print_error(&error);
        }
        if !arguments.quiet {
            anstream::eprintln!("waiting for changes (Ctrl-C ends)");
        }
        watch.wait();
    }
}

/// What the command line says about rules; `None` when it says nothing.
fn selection(arguments: &Arguments) -> anyhow::Result<Option<Selection>> {
    let Arguments {
        select,
        extend_select,
        ignore,
        ..
    } = arguments;
    if select.is_empty() && extend_select.is_empty() && ignore.is_empty() {
        return Ok(None);
    }
    let selection = Selection::new(select, extend_select, ignore);
    Ok(Some(
        selection.context("--select, --extend-select or --ignore")?,
    ))
}

fn read_stdin(arguments: &Arguments, directory: &Path) -> anyhow::Result<Option<Stdin>> {
    let dash = arguments.paths.iter().any(|path| path == "-");
    let Some(name) = &arguments.stdin_filename else {
        ensure!(
            !dash,
            "`-` needs --stdin-filename: the path decides the package and the settings"
        );
        return Ok(None);
    };
    if arguments.paths.iter().any(|path| path != "-") {
        bail!("standard input is checked alone: leave out the other paths or --stdin-filename");
    }
    ensure!(
        name.extension().is_some_and(|extension| extension == "go"),
        "--stdin-filename {}: only Go files are checked (*.go)",
        name.display()
    );
    let mut text = Vec::new();
    let limit = u64::from(u32::MAX);
    let read = io::stdin().lock().take(limit).read_to_end(&mut text);
    read.context("cannot read standard input")?;
    ensure!(
        (text.len() as u64) < limit,
        "standard input is larger than 4 GiB"
    );
    Ok(Some(Stdin {
        path: directory.join(name),
        text,
    }))
}

/// Where results are kept; none where none shall be.
fn cache_folder(arguments: &Arguments, directory: &Path) -> Option<PathBuf> {
    if arguments.no_cache {
        return None;
    }
    match &arguments.cache_dir {
        Some(folder) => Some(directory.join(folder)),
        None => crate::cache::default_folder(),
    }
}

/// The folders that patterns begin with; import paths belong to the module of the current folder.
fn watched_folders(patterns: &[String], directory: &Path) -> Vec<PathBuf> {
    let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
    for pattern in patterns {
        let path = directory.join(pattern.split("...").next().unwrap_or_default());
        let folder = if path.is_file() {
            path.parent().map(Path::to_owned)
        } else {
            Some(path)
        };
        folders.insert(
            folder
                .filter(|folder| folder.is_dir())
                .unwrap_or(directory.to_owned()),
        );
    }
    if folders.is_empty() {
        folders.insert(directory.to_owned());
    }
    folders.into_iter().collect()
}

fn check_once(
    arguments: &Arguments,
    directory: &Path,
    selection: &Option<Selection>,
    stdin: Option<&Stdin>,
) -> anyhow::Result<ExitCode> {
    let progress = Progress::new(!arguments.quiet);
    let mut patterns = arguments.paths.clone();
    let mut overlay = BTreeMap::new();
    if let Some(stdin) = stdin {
        patterns = vec![stdin.path.to_string_lossy().into_owned()];
        overlay.insert(stdin.path.clone(), stdin.text.clone());
    } else if patterns.is_empty() {
        patterns.push("./...".to_owned());
    }
    let mut request = Request {
        directory: directory.to_owned(),
        patterns,
        overlay,
        only: stdin.map(|stdin| stdin.path.clone()),
        selection: selection.clone(),
        configuration: arguments.config.clone(),
        os: arguments.os.clone(),
        arch: arguments.arch.clone(),
        tags: arguments.tags.clone(),
        cache: cache_folder(arguments, directory),
        rules: goward_rules::check_package,
        generated: arguments.generated,
        progress: &progress,
    };
    let baseline = match &arguments.baseline {
        Some(path) if !arguments.write_baseline => Some(Baseline::read(path)?),
        _ => None,
    };
    let known = std::cell::Cell::new((0, 0));
    let check = |request: &Request<'_>| {
        let mut outcome = analysis::check(request)?;
        if let Some(baseline) = &baseline {
            known.set(baseline.apply(&mut outcome.diagnostics));
        }
        anyhow::Ok(outcome)
    };
    let (mut applied, mut left_alone) = (0, 0);
    let outcome = if arguments.fix || arguments.diff {
        let least = if arguments.unsafe_fixes {
            Safety::Unsafe
        } else {
            Safety::Safe
        };
        let repaired = repair::repair(&mut request, least, check)?;
        progress.finish();
        if arguments.diff {
            return print_diff(arguments, &repaired);
        }
        if let Some(stdin) = stdin {
            let change = repaired.changes.get(&stdin.path);
            let text = change.map_or(&stdin.text, |change| &change.after);
            io::stdout().lock().write_all(text)?;
        } else {
            repair::write(&repaired.changes)?;
        }
        (applied, left_alone) = (repaired.applied, repaired.left_alone);
        repaired.outcome
    } else {
        check(&request)?
    };
    progress.finish();
    if let Some(path) = arguments
        .baseline
        .as_ref()
        .filter(|_| arguments.write_baseline)
    {
        Baseline::write(path, &outcome.diagnostics)?;
        if !arguments.quiet {
            let count = counted(outcome.diagnostics.len(), "finding");
            anstream::eprintln!("wrote {count} to {}", neutralise(&path.to_string_lossy()));
        }
        return Ok(exit_code(arguments, &outcome, 0));
    }
    // With --fix, standard output carries the fixed text of standard input.
    let fixed_text_on_stdout = stdin.is_some() && arguments.fix;
    let mut text = Vec::new();
    let to_terminal = arguments.output_file.is_none() && !fixed_text_on_stdout;
    let choice = anstream::AutoStream::choice(&io::stdout());
    let color = to_terminal && choice != anstream::ColorChoice::Never;
    if arguments.statistics {
        write_statistics(&outcome.diagnostics, arguments.output_format, &mut text)?;
    } else {
        let report = Report {
            diagnostics: &outcome.diagnostics,
            sources: &outcome.sources,
            errors: &outcome.errors,
        };
        let output = arguments.output_format.output(color, terminal_width());
        output.write(&report, &mut text)?;
    }
    let written = match &arguments.output_file {
        Some(path) => files::write(path, &text)
            .with_context(|| format!("cannot write {}", neutralise(&path.to_string_lossy()))),
        None if fixed_text_on_stdout => Ok(io::stderr().lock().write_all(&text)?),
        None => Ok(anstream::stdout().lock().write_all(&text)?),
    };
    let code = exit_code(arguments, &outcome, outcome.diagnostics.len());
    if let Err(error) = written {
        // `goward check | head` is no failure.
        let cause = error.downcast_ref::<io::Error>().map(io::Error::kind);
        return if cause == Some(io::ErrorKind::BrokenPipe) {
            Ok(code)
        } else {
            Err(error)
        };
    }
    if arguments.verbose {
        for note in &outcome.notes {
            anstream::eprintln!("goward: note: {}", neutralise_lines(note));
        }
    }
    if !arguments.quiet {
        for warning in outcome.warnings.iter().take(MOST_WARNINGS) {
            anstream::eprintln!("goward: warning: {}", neutralise_lines(warning));
        }
        let more = outcome.warnings.len().saturating_sub(MOST_WARNINGS);
        if more > 0 {
            anstream::eprintln!("goward: {} more like these", counted(more, "warning"));
        }
    }
    for error in &outcome.errors {
        anstream::eprintln!("goward: {}", neutralise_lines(error));
    }
    if arguments.verbose {
        anstream::eprintln!("goward: {}", work(&outcome));
    }
    if !arguments.quiet && (arguments.output_format.is_for_people() || arguments.fix) {
        let summary = summary(&outcome, applied, known.get(), arguments, &request);
        anstream::eprintln!("{summary}");
        say_left_alone(left_alone);
    }
    Ok(code)
}

/// `findings` is how many were reported.
fn exit_code(arguments: &Arguments, outcome: &Outcome, findings: usize) -> ExitCode {
    let internal = |diagnostic: &Diagnostic| diagnostic.category == Category::Internal;
    if !outcome.errors.is_empty() || outcome.diagnostics.iter().any(internal) {
        ExitCode::from(2)
    } else if findings > 0 && !arguments.exit_zero {
        ExitCode::from(1)
    } else {
        ExitCode::SUCCESS
    }
}

fn print_diff(arguments: &Arguments, repaired: &repair::Repaired) -> anyhow::Result<ExitCode> {
    let patch = repair::diff(&repaired.changes);
    let mut out = io::stdout().lock();
    // A patch must be exact for `git apply`, and harmless for a terminal.
    match &arguments.output_file {
        Some(path) => files::write(path, patch.as_bytes())
            .with_context(|| format!("cannot write {}", neutralise(&path.to_string_lossy())))?,
        None if out.is_terminal() => out.write_all(neutralise_lines(&patch).as_bytes())?,
        None => out.write_all(patch.as_bytes())?,
    }
    for error in &repaired.outcome.errors {
        anstream::eprintln!("goward: {}", neutralise_lines(error));
    }
    if !arguments.quiet {
        let files = counted(repaired.changes.len(), "file");
        anstream::eprintln!(
            "would apply {} to {files}",
            counted(repaired.applied, "fix")
        );
        say_left_alone(repaired.left_alone);
    }
    Ok(exit_code(
        arguments,
        &repaired.outcome,
        repaired.changes.len(),
    ))
}

fn say_left_alone(fixes: usize) {
    if fixes > 0 {
        anstream::eprintln!(
            "{} in files that are not yours left alone (vendor folders, the module cache, Go \
             itself, other modules)",
            counted(fixes, "fix")
        );
    }
}

/// Findings of each rule, most first.
fn write_statistics(
    diagnostics: &[Diagnostic],
    format: Format,
    out: &mut Vec<u8>,
) -> anyhow::Result<()> {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for diagnostic in diagnostics {
        let (count, fixable) = counts.entry(&diagnostic.rule).or_default();
        *count += 1;
        *fixable += usize::from(is_fixable(diagnostic, Safety::Unsafe));
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|&(rule, (count, _))| (std::cmp::Reverse(count), rule));
    if format.is_for_people() {
        let width = counts
            .first()
            .map_or(0, |(_, (count, _))| count.to_string().len());
        for (rule, (count, fixable)) in counts {
            let fixable = if fixable > 0 {
                format!("  ({fixable} fixable)")
            } else {
                String::new()
            };
            writeln!(out, "{count:width$}  {}{fixable}", neutralise(rule))?;
        }
        return Ok(());
    }
    ensure!(
        matches!(format, Format::Json | Format::JsonLines),
        "--statistics can be written as full, concise, json and json-lines"
    );
    let objects = counts.into_iter().map(|(rule, (count, fixable))| {
        serde_json::json!({ "rule": rule, "count": count, "fixable": fixable })
    });
    if format == Format::Json {
        let objects: Vec<_> = objects.collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&objects)?)?;
    } else {
        for object in objects {
            writeln!(out, "{object}")?;
        }
    }
    Ok(())
}

/// How much there was to do, and how much of it was done.
fn work(outcome: &Outcome) -> String {
    let Statistics {
        packages,
        files,
        lines,
        ..
    } = outcome.statistics;
    let mut text = format!(
        "looked at {}, {}, {}",
        counted(packages, "package"),
        counted(files, "file"),
        counted(lines, "line")
    );
    if outcome.known > 0 {
        let known = counted(outcome.known, "package");
        text.push_str(&format!("; {known} known from earlier runs"));
    }
    text
}

fn is_fixable(diagnostic: &Diagnostic, least: Safety) -> bool {
    diagnostic
        .fix
        .as_ref()
        .is_some_and(|fix| fix.safety >= least)
}

/// What a person wants to know after the findings.
fn summary(
    outcome: &Outcome,
    applied: usize,
    (known, gone): (usize, usize),
    arguments: &Arguments,
    request: &Request<'_>,
) -> String {
    let findings = outcome.diagnostics.len();
    let packages = counted(outcome.statistics.packages, "package");
    let mut text = match (applied, findings) {
        (0, 0) if outcome.statistics.packages == 0 => "nothing was checked".to_owned(),
        (0, 0) => format!("no findings in {packages}"),
        (0, _) => format!("{} in {packages}", counted(findings, "finding")),
        (_, 0) => format!("applied {}; no findings are left", counted(applied, "fix")),
        _ => format!(
            "applied {}; {} left",
            counted(applied, "fix"),
            counted(findings, "finding")
        ),
    };
    let mut aside = Vec::new();
    if outcome.statistics.suppressed > 0 {
        aside.push(format!(
            "{} suppressed in the source",
            outcome.statistics.suppressed
        ));
    }
    if known > 0 {
        aside.push(format!("{known} known to the baseline"));
    }
    if !aside.is_empty() {
        text.push_str(&format!(" ({})", aside.join(", ")));
    }
    let own = OwnFiles::new(request);
    let count = |least| {
        let diagnostics = outcome.diagnostics.iter();
        diagnostics
            .filter(|diagnostic| is_fixable(diagnostic, least))
            .filter(|diagnostic| diagnostic.fix.as_ref().is_some_and(|fix| own.all(fix)))
            .count()
    };
    let (safe, all) = (count(Safety::Safe), count(Safety::Unsafe));
    if !arguments.fix && safe > 0 {
        text.push_str(&format!("; --fix repairs {safe}"));
    }
    if !arguments.unsafe_fixes && all > safe {
        text.push_str(&format!("; --fix --unsafe-fixes repairs {all}"));
    }
    if gone > 0 {
        let are = if gone == 1 { "is" } else { "are" };
        let gone = counted(gone, "finding");
        text.push_str(&format!(
            "; {gone} of the baseline {are} gone (--write-baseline)"
        ));
    }
    text
}

fn counted(count: usize, thing: &str) -> String {
    match (count, thing) {
        (1, _) => format!("1 {thing}"),
        (_, "fix") => format!("{count} fixes"),
        _ => format!("{count} {thing}s"),
    }
}

/// Columns to draw in; wide when nobody watches.
fn terminal_width() -> usize {
    match terminal_size::terminal_size() {
        Some((terminal_size::Width(width), _)) if io::stdout().is_terminal() => {
            usize::from(width).max(60)
        }
        _ => 140,
    }
}
