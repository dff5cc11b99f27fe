//! Which modules a build consists of, and where each lies: go.mod, go.work, vendoring,
//! replacements, the module cache.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::diagnostics::{ProjectDiagnostic, Severity};
use crate::environment::{Environment, GoFlags};
use crate::filesystem::{EntryKind, FileSystem, ReadError, normalized};
use crate::minimal_versions::{self, Main, Requirements};
use crate::modfile::{self, ModFile, ModFileKind, ModuleVersion, Replace};
use crate::vendor::{self, VendorList};
use crate::version::{GoRelease, GoVersion};

/// go.mod, go.work and modules.txt files above this many bytes are refused, as in the go command.
const MOD_FILE_LIMIT: u64 = 16 << 20;

/// A module that is worked on.
#[derive(Clone, Debug)]
pub(crate) struct MainModule {
    pub(crate) path: String,
    pub(crate) directory: PathBuf,
    pub(crate) file: ModFile,
}

/// A module that packages can come from.
#[derive(Debug)]
pub(crate) struct ModuleEntry {
    pub(crate) path: String,
    /// `None` for main modules.
    pub(crate) version: Option<String>,
    pub(crate) directory: PathBuf,
    pub(crate) main: bool,
    /// Its tree may hold other modules: main modules and replacements by a folder.
    pub(crate) local: bool,
    pub(crate) replaced_by: Option<String>,
    /// Its go.mod in the module cache, which is there even where the module itself has none.
    downloaded: Option<PathBuf>,
    /// Known from go.mod of a main module or from modules.txt; otherwise read on first use.
    go: OnceLock<GoVersion>,
}

impl ModuleEntry {
    /// The language version of the module's files.
    pub(crate) fn go_version(&self, filesystem: &dyn FileSystem) -> GoVersion {
        *self.go.get_or_init(|| {
            let own = self.directory.join("go.mod");
            let contents = self
                .downloaded
                .iter()
                .chain([&own])
                .find_map(|path| filesystem.read_file(path, MOD_FILE_LIMIT).ok());
            contents.map_or(GoVersion::UNSTATED_IN_MODULE, |contents| {
                let text = String::from_utf8_lossy(&contents);
                modfile::parse(&text, ModFileKind::Dependency).0.language()
            })
        })
    }
}

/// Modules by path.
pub(crate) type ModuleTable = FxHashMap<String, Arc<ModuleEntry>>;

/// The vendor folder in use.
#[derive(Debug)]
pub(crate) struct Vendor {
    pub(crate) directory: PathBuf,
    pub(crate) list: VendorList,
    /// One entry for each module in `list`.
    pub(crate) entries: Vec<Arc<ModuleEntry>>,
    /// From Go 1.23 on a package must be listed to be imported.
    pub(crate) must_be_listed: bool,
}

/// The modules of a build.
pub(crate) struct ModuleSet {
    pub(crate) mains: Vec<MainModule>,
    pub(crate) vendor: Option<Vendor>,
    /// Main modules and what they require directly; enough for nearly all imports.
    pub(crate) table: ModuleTable,
    /// The whole build list, made when an import is not found in `table`.
    full: OnceLock<ModuleTable>,
    /// Whether `table` is the whole list already.
    complete: bool,
    replaces: Vec<(PathBuf, Replace)>,
    excludes: FxHashSet<ModuleVersion>,
    cache: Option<PathBuf>,
}

/// What belongs to a folder: the nearest go.mod and the go.work that applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Roots {
    pub(crate) go_mod: Option<PathBuf>,
    pub(crate) go_work: Option<PathBuf>,
}

impl Roots {
    /// Walks up from a folder.
    pub(crate) fn find(
        directory: &Path,
        environment: &Environment,
        filesystem: &dyn FileSystem,
    ) -> Self {
        let upwards = |name: &str| {
            directory
                .ancestors()
                .map(|folder| folder.join(name))
                .find(|path| matches!(filesystem.kind(path), Ok(EntryKind::File)))
        };
        let go_work = match environment.get("GOWORK") {
            Some("off") => None,
            Some(path) => Some(PathBuf::from(path)),
            None => upwards("go.work"),
        };
        Self {
            go_mod: upwards("go.mod"),
            go_work,
        }
    }
}

/// Reads a go.mod or go.work file and reports what is wrong in it.
fn read_mod_file(
    path: &Path,
    kind: ModFileKind,
    filesystem: &dyn FileSystem,
    diagnostics: &mut Vec<ProjectDiagnostic>,
) -> Option<ModFile> {
    let contents = match filesystem.read_file(path, MOD_FILE_LIMIT) {
        Ok(contents) => contents,
        Err(error) => {
            diagnostics.push(
                ProjectDiagnostic::new(
                    Severity::Error,
                    "go-mod-unreadable",
                    format!("cannot read it: {error}"),
                )
                .at(path),
            );
            return None;
        }
    };
    let text = match std::str::from_utf8(&contents) {
        Ok(text) => std::borrow::Cow::Borrowed(text),
        Err(error) => {
            let before = &contents[..error.valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            diagnostics.push(
                ProjectDiagnostic::new(Severity::Error, "go-mod-syntax", "the text is not UTF-8")
                    .at_line(path, u32::try_from(line).unwrap_or(u32::MAX), 0),
            );
            String::from_utf8_lossy(&contents)
        }
    };
    let (file, errors) = modfile::parse(&text, kind);
    for error in errors {
        let mut diagnostic = ProjectDiagnostic::new(
            Severity::Error,
            "go-mod-syntax",
            error.message,
        )
        .at_line(path, error.line, error.column);
        diagnostic.help = error.help;
        diagnostics.push(diagnostic);
    }
    Some(file)
}

impl ModuleSet {
    /// Reads the modules of a build. `None` where there is no module at all.
    pub(crate) fn read(
        roots: &Roots,
        environment: &Environment,
        filesystem: &dyn FileSystem,
        diagnostics: &mut Vec<ProjectDiagnostic>,
    ) -> Option<Self> {
        let flags = environment.go_flags();
        let mut set = Self {
            mains: Vec::new(),
            vendor: None,
            table: ModuleTable::default(),
            full: OnceLock::new(),
            complete: false,
            replaces: Vec::new(),
            excludes: FxHashSet::default(),
            cache: environment.module_cache(),
        };
        let mut work = None;
        if let Some(path) = &roots.go_work {
            work = set.read_work(path, roots, filesystem, diagnostics);
        }
        if work.is_none() {
            let go_mod = roots.go_mod.as_ref()?;
            let directory = go_mod.parent().unwrap_or(go_mod).to_path_buf();
            let read_from = match &flags.module_file {
                Some(file) => directory.join(file),
                None => go_mod.clone(),
            };
            set.add_main(directory, &read_from, filesystem, diagnostics);
        }
        if set.mains.is_empty() {
            return None;
        }
        set.collect_replacements(work.as_ref());
        set.vendor = set.find_vendor(work.as_ref(), &flags, filesystem, diagnostics);
        for main in &set.mains {
            let entry = ModuleEntry {
                path: main.path.clone(),
                version: None,
                directory: main.directory.clone(),
                main: true,
                local: true,
                replaced_by: None,
                downloaded: None,
                go: OnceLock::from(main.file.language()),
            };
            set.table.insert(main.path.clone(), Arc::new(entry));
        }
        if set.vendor.is_none() {
            // One main module at Go 1.17 or later lists all it needs.
            let listed = set.mains.len() == 1 && set.mains[0].file.language() >= GoVersion(17);
            if listed {
                let required: Vec<ModuleVersion> = set.mains[0]
                    .file
                    .require
                    .iter()
                    .map(|require| require.module.clone())
                    .collect();
                for module in required {
                    if !set.excludes.contains(&module) {
                        set.add_required(&module);
                    }
                }
            } else {
                set.complete = true;
                for (path, version) in set.select(filesystem) {
                    set.add_required(&ModuleVersion { path, version });
                }
            }
        }
        Some(set)
    }

    fn read_work(
        &mut self,
        path: &Path,
        roots: &Roots,
        filesystem: &dyn FileSystem,
        diagnostics: &mut Vec<ProjectDiagnostic>,
    ) -> Option<(PathBuf, ModFile)> {
        let file = read_mod_file(path, ModFileKind::Work, filesystem, diagnostics)?;
        let directory = path.parent().unwrap_or(path).to_path_buf();
        let uses: Vec<(PathBuf, u32)> = file
            .uses
            .iter()
            .map(|used| (normalized(&directory.join(&used.path)), used.line))
            .collect();
        if let Some(go_mod) = &roots.go_mod
            && !uses
                .iter()
                .any(|(folder, _)| Some(folder.as_path()) == go_mod.parent())
            && go_mod
                .parent()
                .is_some_and(|folder| folder.starts_with(&directory))
        {
            diagnostics.push(
                ProjectDiagnostic::new(
                    Severity::Warning,
                    "module-not-in-workspace",
                    "this module is not among those that go.work uses, so it is read by itself",
                )
                .at(go_mod)
                .help(format!(
                    "run 'go work use {}', or set GOWORK=off",
                    go_mod.parent().unwrap_or(go_mod).display()
                )),
            );
            return None;
        }
        for (folder, line) in uses {
            let go_mod = folder.join("go.mod");
            if filesystem.kind(&go_mod).is_err() {
                diagnostics.push(
                    ProjectDiagnostic::new(
                        Severity::Error,
                        "workspace-module-missing",
                        format!("no go.mod in {}", folder.display()),
                    )
                    .at_line(path, line, 0)
                    .help("correct the folder, or remove it from 'use'"),
                );
                continue;
            }
            self.add_main(folder, &go_mod, filesystem, diagnostics);
        }
        Some((directory, file))
    }

    fn add_main(
        &mut self,
        directory: PathBuf,
        go_mod: &Path,
        filesystem: &dyn FileSystem,
        diagnostics: &mut Vec<ProjectDiagnostic>,
    ) {
        let Some(file) = read_mod_file(go_mod, ModFileKind::Main, filesystem, diagnostics) else {
            return;
        };
        let path = file.module.clone().unwrap_or_else(|| {
            // A go.mod without a module line was reported; the folder's name keeps the rest usable.
            directory.file_name().map_or_else(
                || "main".to_owned(),
                |name| name.to_string_lossy().into_owned(),
            )
        });
        if let Some(other) = self.mains.iter().find(|main| main.path == path) {
            diagnostics.push(
                ProjectDiagnostic::new(
                    Severity::Error,
                    "workspace-module-twice",
                    format!("module {path} is also in {}", other.directory.display()),
                )
                .at(go_mod),
            );
            return;
        }
        self.mains.push(MainModule {
            path,
            directory,
            file,
        });
    }

    /// A module that go.work replaces is not replaced by the modules' own lines.
    fn collect_replacements(&mut self, work: Option<&(PathBuf, ModFile)>) {
        let mut replaced: FxHashSet<&str> = FxHashSet::default();
        if let Some((directory, file)) = work {
            for replace in &file.replace {
                replaced.insert(&replace.old_path);
                self.replaces.push((directory.clone(), replace.clone()));
            }
        }
        for main in &self.mains {
            for replace in &main.file.replace {
                if !replaced.contains(replace.old_path.as_str()) {
                    self.replaces
                        .push((main.directory.clone(), replace.clone()));
                }
            }
            self.excludes.extend(main.file.exclude.iter().cloned());
        }
    }

    /// Vendoring is on when asked for, or by itself when there is a vendor folder of the right kind
    /// (cmd/go/internal/modload `setDefaultBuildMod`).
    fn find_vendor(
        &self,
        work: Option<&(PathBuf, ModFile)>,
        flags: &GoFlags,
        filesystem: &dyn FileSystem,
        diagnostics: &mut Vec<ProjectDiagnostic>,
    ) -> Option<Vendor> {
        let (directory, go) = match work {
            Some((directory, file)) => (directory.join("vendor"), file.go),
            None => (
                self.mains[0].directory.join("vendor"),
                self.mains[0].file.go,
            ),
        };
        let asked = match flags.module_mode.as_deref() {
            Some("vendor") => true,
            Some(_) => return None,
            None => false,
        };
        let is_folder = matches!(filesystem.kind(&directory), Ok(EntryKind::Directory));
        let by_itself = is_folder && go.is_some_and(|go| go.language() >= GoVersion(14));
        if !asked && !by_itself {
            return None;
        }
        let modules_txt = directory.join("modules.txt");
        let list = match filesystem.read_file(&modules_txt, MOD_FILE_LIMIT) {
            Ok(contents) => vendor::parse(&String::from_utf8_lossy(&contents)),
            Err(ReadError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                VendorList::default()
            }
            Err(error) => {
                diagnostics.push(
                    ProjectDiagnostic::new(
                        Severity::Error,
                        "vendor-list-unreadable",
                        format!("cannot read it: {error}"),
                    )
                    .at(&modules_txt),
                );
                VendorList::default()
            }
        };
        if !asked && list.workspace != work.is_some() {
            return None;
        }
        for line in &list.unknown_lines {
            diagnostics.push(
                ProjectDiagnostic::new(
                    Severity::Warning,
                    "vendor-list-line",
                    "neither a module, an annotation nor a package",
                )
                .at_line(&modules_txt, *line, 0)
                .help("run 'go mod vendor' to write the file anew"),
            );
        }
        self.check_vendor(&list, &modules_txt, diagnostics);
        let entries = list
            .modules
            .iter()
            .map(|vendored| {
                Arc::new(ModuleEntry {
                    path: vendored.module.path.clone(),
                    version: Some(vendored.module.version.clone()),
                    directory: directory.clone(),
                    main: false,
                    local: false,
                    replaced_by: vendored.replacement.as_ref().map(describe),
                    downloaded: None,
                    go: OnceLock::from(vendored.go.unwrap_or(GoVersion::UNSTATED_IN_MODULE)),
                })
            })
            .collect();
        Some(Vendor {
            directory,
            list,
            entries,
            must_be_listed: go.is_some_and(|go| go.language() >= GoVersion(23)),
        })
    }

    /// Says where go.mod and modules.txt disagree: what is vendored is then not what is required.
    fn check_vendor(
        &self,
        list: &VendorList,
        modules_txt: &Path,
        diagnostics: &mut Vec<ProjectDiagnostic>,
    ) {
        for main in &self.mains {
            if main.file.language() < GoVersion(14) {
                continue;
            }
            for require in &main.file.require {
                let vendored = list
                    .modules
                    .iter()
                    .any(|vendored| vendored.explicit && vendored.module == require.module);
                if !vendored {
                    diagnostics.push(
                        ProjectDiagnostic::new(
                            Severity::Warning,
                            "vendor-inconsistent",
                            format!(
                                "{} is required, but not marked as explicit in {}",
                                describe(&require.module),
                                modules_txt.display()
                            ),
                        )
                        .at_line(&main.directory.join("go.mod"), require.line, 0)
                        .help("run 'go mod vendor'"),
                    );
                }
            }
        }
    }

    fn replacement(&self, module: &ModuleVersion) -> Option<&(PathBuf, Replace)> {
        let matching = |exact: bool| {
            self.replaces.iter().find(|(_, replace)| {
                replace.old_path == module.path
                    && if exact {
                        replace.old_version.as_deref() == Some(&module.version)
                    } else {
                        replace.old_version.is_none()
                    }
            })
        };
        matching(true).or_else(|| matching(false))
    }

    /// Where a required module lies, and what replaced it.
    fn entry(&self, module: &ModuleVersion) -> Option<ModuleEntry> {
        let mut entry = ModuleEntry {
            path: module.path.clone(),
            version: Some(module.version.clone()),
            directory: PathBuf::new(),
            main: false,
            local: false,
            replaced_by: None,
            downloaded: None,
            go: OnceLock::new(),
        };
        match self.replacement(module) {
            Some((base, replace)) => match &replace.new_version {
                None => {
                    entry.directory = normalized(&base.join(&replace.new_path));
                    entry.local = true;
                    entry.replaced_by = Some(replace.new_path.clone());
                }
                Some(version) => {
                    entry.directory = self.cached(&replace.new_path, version)?;
                    entry.downloaded = self.downloaded(&replace.new_path, version);
                    entry.replaced_by = Some(format!("{}@{version}", replace.new_path));
                }
            },
            None => {
                entry.directory = self.cached(&module.path, &module.version)?;
                entry.downloaded = self.downloaded(&module.path, &module.version);
            }
        }
        Some(entry)
    }

    /// A module's folder in the module cache.
    fn cached(&self, path: &str, version: &str) -> Option<PathBuf> {
        let (path, version) = (modfile::escape(path)?, modfile::escape(version)?);
        Some(self.cache.as_ref()?.join(format!("{path}@{version}")))
    }

    /// Where the go command keeps the go.mod of a module version, downloaded or not.
    fn downloaded(&self, path: &str, version: &str) -> Option<PathBuf> {
        let (path, version) = (modfile::escape(path)?, modfile::escape(version)?);
        let folder = self.cache.as_ref()?.join("cache/download").join(path);
        Some(folder.join("@v").join(format!("{version}.mod")))
    }

    fn add_required(&mut self, module: &ModuleVersion) {
        if self.table.contains_key(&module.path) {
            return;
        }
        if let Some(entry) = self.entry(module) {
            self.table.insert(module.path.clone(), Arc::new(entry));
        }
    }

    /// Minimal version selection over everything reachable.
    fn select(&self, filesystem: &dyn FileSystem) -> std::collections::BTreeMap<String, String> {
        let mains: Vec<Main> = self
            .mains
            .iter()
            .map(|main| Main {
                path: main.path.clone(),
                requirements: self.requirements(&main.file),
            })
            .collect();
        minimal_versions::select(&mains, |module| {
            let file = self.read_dependency(module, filesystem)?;
            Some(self.requirements(&file))
        })
    }

    fn requirements(&self, file: &ModFile) -> Requirements {
        Requirements {
            go: file.go.map(GoRelease::language),
            require: file
                .require
                .iter()
                .map(|require| require.module.clone())
                .filter(|module| !self.excludes.contains(module))
                .collect(),
        }
    }

    fn read_dependency(
        &self,
        module: &ModuleVersion,
        filesystem: &dyn FileSystem,
    ) -> Option<ModFile> {
        let read = |path: PathBuf| {
            let contents = filesystem.read_file(&path, MOD_FILE_LIMIT).ok()?;
            let text = String::from_utf8_lossy(&contents);
            Some(modfile::parse(&text, ModFileKind::Dependency).0)
        };
        let (path, version) = match self.replacement(module) {
            Some((base, replace)) => match &replace.new_version {
                None => return read(normalized(&base.join(&replace.new_path)).join("go.mod")),
                Some(version) => (&replace.new_path, version),
            },
            None => (&module.path, &module.version),
        };
        let download = self.downloaded(path, version)?;
        read(download).or_else(|| read(self.cached(path, version)?.join("go.mod")))
    }

    /// The whole build list, for imports that `table` does not answer.
    pub(crate) fn full_table(&self, filesystem: &dyn FileSystem) -> Option<&ModuleTable> {
        if self.complete || self.vendor.is_some() {
            return None;
        }
        Some(self.full.get_or_init(|| {
            let mut table = self.table.clone();
            for (path, version) in self.select(filesystem) {
                if !table.contains_key(&path)
                    && let Some(entry) = self.entry(&ModuleVersion {
                        path: path.clone(),
                        version,
                    })
                {
                    table.insert(path, Arc::new(entry));
                }
            }
            table
        }))
    }

    /// The language version that the main modules ask for, the highest where there are several.
    /// The go.mod that asks for the newest Go.
    pub(crate) fn wanted_by(&self) -> Option<PathBuf> {
        let asking = self.mains.iter().filter(|main| main.file.go.is_some());
        let newest = asking
            .rev()
            .max_by_key(|main| main.file.go.map(GoRelease::language))?;
        Some(newest.directory.join("go.mod"))
    }

    pub(crate) fn wanted_go(&self) -> Option<GoVersion> {
        self.mains
            .iter()
            .filter_map(|main| main.file.go.map(GoRelease::language))
            .max()
    }
}

fn describe(module: &ModuleVersion) -> String {
    if module.version.is_empty() {
        module.path.clone()
    } else {
        format!("{}@{}", module.path, module.version)
    }
}
