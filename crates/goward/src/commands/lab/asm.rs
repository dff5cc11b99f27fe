//! `goward lab asm`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde::Serialize;

use crate::lab::assembly::matching::{self, Compiled};
use crate::lab::assembly::{report, survey};
use crate::lab::toolchain::{self, Toolchain};
use crate::lab::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A package (a folder or an import path, `./...` for several) or one Go file.
    #[arg(value_name = "PACKAGE|FILE", default_value = ".")]
    package: String,

    /// The go command (or GOROOT) to use. Default: the one on PATH.
    #[arg(long, value_name = "PATH")]
    go: Option<PathBuf>,

    /// Architectures to compile for. Default: that of the Go command.
    #[arg(long, value_name = "ARCH", value_delimiter = ',', value_parser = ["amd64", "arm64"])]
    arch: Vec<String>,

    /// How to print.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    output_format: OutputFormat,

    /// Where to build; default: the system's folder for temporary files.
    #[arg(long, value_name = "FOLDER")]
    work_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum OutputFormat {
    /// Source lines with the instructions below.
    Text,
    /// One JSON object.
    Json,
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    go: &'a str,
    architectures: &'a [Compiled],
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let named: Vec<PathBuf> = arguments.go.iter().cloned().collect();
    let toolchain = toolchain::find(&named)?
        .into_iter()
        .next()
        .context("no Go toolchain")?;
    let workspace = Workspace::new(arguments.work_dir.as_deref(), &toolchain)?;
    let here = std::env::current_dir().context("cannot tell the current folder")?;
    let architectures = if arguments.arch.is_empty() {
        vec![toolchain.facts.arch.clone()]
    } else {
        arguments.arch.clone()
    };
    let mut all = Vec::new();
    for architecture in &architectures {
        let compiled = compile(
            &toolchain,
            &workspace,
            &here,
            &arguments.package,
            architecture,
        )?;
        all.push(compiled);
    }
    let mut out = anstream::stdout().lock();
    let printed = match arguments.output_format {
        OutputFormat::Text => all
            .iter()
            .try_for_each(|compiled| report::text(&mut out, compiled, &here)),
        OutputFormat::Json => {
            let document = Document {
                schema: 1,
                go: &toolchain.facts.version,
                architectures: &all,
            };
            serde_json::to_writer_pretty(&mut out, &document)
                .map_err(Into::into)
                .and_then(|()| writeln!(out))
        }
    };
    super::unless_closed(printed)?;
    Ok(ExitCode::SUCCESS)
}

/// Compiles a package, or the package of a file; of the latter only that file's operations are kept.
fn compile(
    toolchain: &Toolchain,
    workspace: &Workspace,
    here: &Path,
    package: &str,
    architecture: &str,
) -> anyhow::Result<Compiled> {
    let foreign = (architecture != toolchain.facts.arch).then_some(architecture);
    let path = here.join(package);
    if package.ends_with(".go") {
        anyhow::ensure!(path.is_file(), "there is no file {package}");
        let folder = path.parent().unwrap_or(here);
        let file = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
        let whole = survey(toolchain, workspace, folder, &[".".to_owned()], foreign)
            .map(|survey| matching::join(survey, architecture));
        if let Ok(mut compiled) = whole {
            let same = |name: &str| {
                Path::new(name) == file
                    || Path::new(name).canonicalize().ok() == file.canonicalize().ok()
            };
            compiled
                .operations
                .retain(|operation| same(&operation.file));
            compiled.other_calls.retain(|call| same(&call.file));
            if !compiled.operations.is_empty() {
                return Ok(compiled);
            }
        }
        // A file on its own, outside of a module or excluded from its package by a constraint.
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let survey = survey(toolchain, workspace, folder, &[name], foreign)?;
        return Ok(matching::join(survey, architecture));
    }
    // A folder may lie in another module than the current one.
    let (folder, pattern) = if path.is_dir() {
        (path.as_path(), ".")
    } else {
        (here, package)
    };
    let survey = survey(toolchain, workspace, folder, &[pattern.to_owned()], foreign)?;
    Ok(matching::join(survey, architecture))
}
