//! `goward profile`: reads Go profiles.

use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use goward_trace::profile::top::{difference, folded, top};
use goward_trace::profile::{Kind, Profile, ValueType};

use crate::forensics::escape::one_line;
use crate::forensics::{bundle, profile_html, snapshots};

/// Read a Go profile: top functions, flame graph, difference of two.
///
/// Reads goroutine, heap, block, mutex, goroutineleak and CPU profiles, compressed or not, and the
/// text form of goroutine profiles (debug=1).
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The profile, or a bundle of blackbox; - for standard input.
    file: PathBuf,
    /// Show what grew since this profile.
    #[arg(long, value_name = "FILE")]
    base: Option<PathBuf>,
    /// The column to show, such as `inuse_space`; the profile's own default otherwise.
    #[arg(long, value_name = "NAME")]
    sample_type: Option<String>,
    /// How many functions to show.
    #[arg(long, value_name = "N", default_value_t = 30)]
    top: usize,
    /// How to print the result: html is a flame graph, folded the input of flame graph tools.
    #[arg(long, value_enum, default_value = "text")]
    output_format: OutputFormat,
    /// Read at most this many MiB, decompressed.
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    max_size: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum OutputFormat {
    Text,
    Json,
    Folded,
    Html,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (profile, column) = load(arguments, &arguments.file)?;
    let base = arguments
        .base
        .as_ref()
        .map(|base| load(arguments, base))
        .transpose()?;
    if let (Some((before, before_column)), Some(path)) = (&base, &arguments.base) {
        comparable(
            arguments,
            (&profile, column),
            (before, *before_column),
            path,
        )?;
    }
    let ValueType { name, unit } = &profile.types[column];
    let mut out = BufWriter::new(std::io::stdout().lock());
    if matches!(
        arguments.output_format,
        OutputFormat::Folded | OutputFormat::Html
    ) {
        anyhow::ensure!(
            base.is_none(),
            "a difference can be shown as text or json only"
        );
        let stacks = folded(&profile, column);
        if arguments.output_format == OutputFormat::Html {
            profile_html::write(
                &mut out,
                &if profile.kind().name() == name {
                    format!("{name} profile")
                } else {
                    format!("{} profile, {name}", profile.kind().name())
                },
                unit,
                &stacks,
            )?;
        } else {
            for (stack, value) in stacks {
                writeln!(out, "{} {value}", one_line(&stack))?;
            }
        }
        out.flush()?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows = match &base {
        Some((before, before_column)) => difference(before, *before_column, &profile, column),
        None => top(&profile, column),
    };
    let total = total(&profile, column);
    let shown = rows.iter().take(arguments.top);
    if arguments.output_format == OutputFormat::Json {
        let rows: Vec<_> = shown
            .map(|row| serde_json::json!({"function": row.function, "flat": row.flat, "cumulative": row.cumulative}))
            .collect();
        let columns: Vec<_> = profile.types.iter().map(|column| &column.name).collect();
        let result = serde_json::json!({
            "kind": profile.kind().name(),
            "sample_type": name,
            "unit": unit,
            "sample_types": columns,
            "samples": profile.samples.len(),
            "total": total,
            "difference": base.is_some(),
            "functions": rows,
        });
        writeln!(
            out,
            "{}",
            goward_diagnostics::neutralise_json(&serde_json::to_string_pretty(&result)?)
        )?;
    } else {
        write!(out, "{} profile, ", profile.kind().name())?;
        let before = base.as_ref().zip(arguments.base.as_ref());
        let before = before.map(|((before, column), path)| {
            let path = path.display().to_string();
            (one_line(&path).into_owned(), self::total(before, *column))
        });
        if let Some((path, _)) = &before {
            write!(out, "difference to {path}, ")?;
        }
        write!(
            out,
            "{} ({}), {} samples, total {total}",
            one_line(name),
            one_line(unit),
            profile.samples.len()
        )?;
        match before {
            Some((path, before)) => writeln!(out, " ({before} in {path})")?,
            None => writeln!(out)?,
        }
        writeln!(
            out,
            "{:>16} {:>7} {:>16} {:>7}  function",
            "flat", "", "cumulative", ""
        )?;
        for row in shown {
            let share = |value: i64| 100.0 * value as f64 / total.max(1) as f64;
            writeln!(
                out,
                "{:>16} {:>6.2}% {:>16} {:>6.2}%  {}",
                row.flat,
                share(row.flat),
                row.cumulative,
                share(row.cumulative),
                one_line(&row.function)
            )?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn total(profile: &Profile, column: usize) -> i64 {
    let values = profile.by_stack(column);
    let values = values.iter().map(|(_, value)| *value);
    values.fold(0, i64::saturating_add)
}

/// Values of different meanings have no difference.
fn comparable(
    arguments: &Arguments,
    (profile, column): (&Profile, usize),
    (before, before_column): (&Profile, usize),
    path: &std::path::Path,
) -> anyhow::Result<()> {
    let (kind, before_kind) = (profile.kind(), before.kind());
    let alike = |kind| matches!(kind, Kind::Block | Kind::Mutex | Kind::BlockOrMutex);
    let unknown = kind == Kind::BlockOrMutex || before_kind == Kind::BlockOrMutex;
    anyhow::ensure!(
        kind == before_kind || (unknown && alike(kind) && alike(before_kind)),
        "{} is a {} profile and {} a {} profile: they cannot be compared",
        arguments.file.display(),
        kind.name(),
        path.display(),
        before_kind.name()
    );
    let (after, before) = (&profile.types[column], &before.types[before_column]);
    anyhow::ensure!(
        after == before,
        "the columns {} ({}) of {} and {} ({}) of {} cannot be compared; choose one that both have \
         with --sample-type",
        after.name,
        after.unit,
        arguments.file.display(),
        before.name,
        before.unit,
        path.display()
    );
    Ok(())
}

fn load(arguments: &Arguments, file: &std::path::Path) -> anyhow::Result<(Profile, usize)> {
    let path = bundle::member(file, bundle::GOROUTINES);
    let bytes = snapshots::bytes(&path, arguments.max_size.saturating_mul(1 << 20))?;
    let name = file.display();
    let profile = match snapshots::profile(&bytes) {
        Some(profile) => profile.with_context(|| format!("cannot read {name}"))?,
        None => match crate::forensics::input::wrong_format(&bytes) {
            Some(what) => anyhow::bail!("{name} is {what}"),
            None => anyhow::bail!("{name} is no profile"),
        },
    };
    let column = profile
        .column(arguments.sample_type.as_deref())
        .with_context(|| {
            let names: Vec<&str> = profile
                .types
                .iter()
                .map(|column| column.name.as_str())
                .collect();
            format!(
                "{name} has no column of that name; it has {}",
                names.join(", ")
            )
        })?;
    Ok((profile, column))
}
