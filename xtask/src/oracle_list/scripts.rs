//! The trees inside the go command's own test scripts (cmd/go/testdata/script), with the modules of
//! its test proxy in a module cache. The scripts are not run: each module in them is listed as it
//! stands.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Comparison, Subject, go_list, ours};

/// The scripts about finding code.
const PREFIXES: &[&str] = &[
    "mod_", "work_", "vendor_", "list_", "build_", "test_", "import_", "gopath_",
];

pub(super) fn run(most: usize) -> anyhow::Result<String> {
    let (goroot, _) = crate::go_program::installation()?;
    let data = goroot.join("src/cmd/go/testdata");
    let folder = super::subjects::folder("scripts")?;
    let cache = folder.join("cache");
    fill_cache(&data.join("mod"), &cache)?;
    let mut names: Vec<PathBuf> = std::fs::read_dir(data.join("script"))
        .with_context(|| format!("no scripts in {}", data.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.ends_with(".txt") && PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        })
        .collect();
    names.sort();
    let (mut modules, mut refused, mut beside, mut broken, mut same) = (0, 0, 0, 0, 0);
    let (mut equal, mut total) = (0, 0);
    let mut differences = String::new();
    for path in &names {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let work = folder.join(&*name);
        for module in extract(&String::from_utf8_lossy(&std::fs::read(path)?), &work)? {
            modules += 1;
            let mut subject = Subject::new(&module, &["./..."]);
            let has_vendor = module
                .ancestors()
                .take_while(|folder| *folder != work)
                .any(|folder| folder.join("vendor").is_dir());
            let in_workspace = module
                .ancestors()
                .any(|folder| folder.join("go.work").is_file());
            let flags = if has_vendor || in_workspace {
                ""
            } else {
                "-mod=mod"
            };
            for (variable, value) in [
                ("GOFLAGS", flags),
                ("GOPROXY", "off"),
                ("GOSUMDB", "off"),
                ("GOMODCACHE", &cache.to_string_lossy()),
                ("CGO_ENABLED", "0"),
                ("GOTOOLCHAIN", "local"),
            ] {
                subject
                    .variables
                    .push((variable.to_owned(), value.to_owned()));
            }
            // Ours comes second: with -mod=mod the go command completes go.mod first.
            let theirs = go_list(&subject)?;
            let Ok(theirs) = theirs else {
                // Nothing to compare, but it must come through.
                ours(&subject, &BTreeSet::new());
                refused += 1;
                continue;
            };
            let Some(ours) = ours(&subject, &theirs.broken) else {
                beside += 1;
                continue;
            };
            broken += theirs.broken.len();
            let comparison = Comparison::new(&ours, &theirs.facts);
            equal += comparison.equal;
            total += comparison.total;
            if comparison.equal == comparison.total {
                same += 1;
            } else {
                let relative = module.strip_prefix(&folder).unwrap_or(&module);
                differences +=
                    &format!("  {}\n{}", relative.display(), comparison.differences(most));
            }
        }
    }
    let folder_name = folder.display().to_string();
    Ok(format!(
        "scripts: {equal} / {total} facts equal in {modules} modules of {} scripts; {same} modules \
         alike, {} not; not compared: {refused} modules that go refuses as a whole, {beside} that \
         lie beside a workspace, {broken} packages that go calls broken\n{}",
        names.len(),
        modules - refused - beside - same,
        differences.replace(&folder_name, "…")
    ))
}

/// The files of a txtar text.
fn files(text: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    for line in text.split_inclusive('\n') {
        let header = line
            .trim_end()
            .strip_prefix("-- ")
            .and_then(|rest| rest.strip_suffix(" --"));
        match (header, files.last_mut()) {
            (Some(name), _) => files.push((name.trim().to_owned(), String::new())),
            (None, Some((_, contents))) => contents.push_str(line),
            (None, None) => {}
        }
    }
    files
}

/// Writes a script's files; gives the folders with a go.mod.
fn extract(text: &str, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut modules = Vec::new();
    for (name, contents) in files(text) {
        let name = name.replace("$WORK/", "").replace("$GOPATH/", "gopath/");
        if name.contains('$') || name.contains("..") || Path::new(&name).is_absolute() {
            continue;
        }
        let path = folder.join(&name);
        let parent = path.parent().unwrap_or(folder).to_path_buf();
        std::fs::create_dir_all(&parent)?;
        std::fs::write(&path, contents)?;
        if path.file_name().is_some_and(|name| name == "go.mod") {
            modules.push(parent);
        }
    }
    Ok(modules)
}

/// Lays the modules of the test proxy out as the module cache would hold them.
fn fill_cache(proxy: &Path, cache: &Path) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(proxy)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let Some((module, version)) = name
            .strip_suffix(".txt")
            .and_then(|name| name.rsplit_once("_v"))
        else {
            continue;
        };
        // File names are escaped as the cache is, with an underscore for each slash.
        let module = module.replace('_', "/");
        let version = format!("v{version}");
        let folder = cache.join(format!("{module}@{version}"));
        let download = cache.join("cache/download").join(&module).join("@v");
        std::fs::create_dir_all(&download)?;
        std::fs::create_dir_all(&folder)?;
        for (name, contents) in files(&String::from_utf8_lossy(&std::fs::read(&path)?)) {
            match name.as_str() {
                ".mod" => std::fs::write(download.join(format!("{version}.mod")), contents)?,
                ".info" => std::fs::write(download.join(format!("{version}.info")), contents)?,
                name if name.starts_with('.') || name.contains("..") => {}
                name => {
                    let path = folder.join(name);
                    std::fs::create_dir_all(path.parent().unwrap_or(&folder))?;
                    std::fs::write(path, contents)?;
                }
            }
        }
        // What tells the go command that the module was downloaded and checked.
        let hash = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        std::fs::write(download.join(format!("{version}.ziphash")), hash)?;
    }
    Ok(())
}
