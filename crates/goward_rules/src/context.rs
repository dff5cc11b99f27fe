//! What a rule is given, and running all of them on a package.

use std::cell::OnceCell;

use goward_diagnostics::{Diagnostic, FilePath, Span};
use goward_flow::{PackageFlow, UnitId};
use goward_syntax::{NodeId, Specification};
use goward_types::{Bodies, TypedFile, TypedPackage, World};

use crate::channel_mutexes::ChannelMutexes;
use crate::closed_channels::{Misuse, misuses};
use crate::field_vote::FieldUses;
use crate::origins::Origins;
use crate::rules::RULES;
use crate::sharing::Sharing;
use crate::{Rule, Selection};

/// One package, checked and analysed.
pub struct Context<'a> {
    pub package: &'a TypedPackage<'a>,
    pub flow: &'a PackageFlow<'a>,
    /// Made when the first rule asks for it.
    sharing: OnceCell<Sharing>,
    origins: OnceCell<Origins>,
    field_uses: OnceCell<FieldUses>,
    channel_misuses: OnceCell<Vec<Misuse>>,
    channel_mutexes: OnceCell<ChannelMutexes>,
}

impl<'a> Context<'a> {
    /// Whether the package is a command: its process ends with its function `main`.
    pub(crate) fn is_command(&self) -> bool {
        let package = self.world().package(self.package.package);
        package.name().as_str() == "main"
    }

    /// Whether a file belongs to a test: it is one, it imports what only tests run with, or its package is
    /// called after tests.
    pub(crate) fn is_for_tests(&self, file: usize) -> bool {
        const FRAMEWORKS: &[&str] = &[
            "testing",
            "github.com/stretchr/testify",
            "github.com/onsi/ginkgo",
            "github.com/onsi/gomega",
        ];
        let file = self.file(file);
        let path = self.world().package(self.package.package).path.as_str();
        let named = || {
            let last = path.rsplit('/').next().unwrap_or_default();
            last.ends_with("test")
                || path.split('/').any(|part| {
                    matches!(part, "test" | "tests" | "testing" | "e2e")
                        || part.starts_with("testutil")
                })
        };
        let imports = || {
            file.tree.imports().iter().any(|&import| {
                let Specification::Import { path, .. } = file.tree.specification(import) else {
                    return false;
                };
                let text = String::from_utf8_lossy(&file.source[file.tree.span(path).range()]);
                let imported = text.trim_matches(['"', '`']);
                FRAMEWORKS.iter().any(|&framework| {
                    let below = imported.strip_prefix(framework);
                    below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                })
            })
        };
        file.test || imports() || named()
    }

    /// All types and objects.
    pub fn world(&self) -> &'a World {
        self.package.world
    }

    /// Which maps several goroutines reach.
    pub(crate) fn sharing(&self) -> &Sharing {
        self.sharing.get_or_init(|| Sharing::new(self))
    }

    /// From where functions are run.
    pub(crate) fn origins(&self) -> &Origins {
        self.origins.get_or_init(|| Origins::new(self))
    }

    /// The uses of map fields with the locks held then.
    pub(crate) fn field_uses(&self) -> &FieldUses {
        self.field_uses.get_or_init(|| FieldUses::new(self))
    }

    /// Channels that are closed twice or sent on after their close.
    pub(crate) fn channel_misuses(&self) -> &[Misuse] {
        self.channel_misuses.get_or_init(|| misuses(self))
    }

    /// Channels that are used as mutexes.
    pub(crate) fn channel_mutexes(&self) -> &ChannelMutexes {
        self.channel_mutexes
            .get_or_init(|| ChannelMutexes::new(self))
    }

    /// Of each file, whether a text stands anywhere in it.
    pub(crate) fn files_that_mention(&self, text: &str) -> Vec<bool> {
        let files = self.package.files.iter();
        files.map(|file| file.mentions(text)).collect()
    }

    /// A file by its index.
    pub fn file(&self, file: usize) -> &TypedFile<'a> {
        &self.package.files[file]
    }

    /// The path of a file in diagnostics.
    pub fn path(&self, file: usize) -> FilePath {
        FilePath::from(self.package.files[file].name)
    }

    /// The range of a node.
    pub fn span(&self, file: usize, node: NodeId) -> Span {
        self.package.files[file].tree.span(node)
    }

    /// The source text of a node on one line.
    pub fn text(&self, file: usize, node: NodeId) -> String {
        let file = &self.package.files[file];
        let text = String::from_utf8_lossy(&file.source[file.tree.span(node).range()]);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The comment that stands right before a declaration.
    pub fn documentation(&self, file: usize, node: NodeId) -> String {
        let file = &self.package.files[file];
        let mut start = file.tree.span(node).start as usize;
        let mut lines = Vec::new();
        for comment in file.tree.comments().iter().rev() {
            let span = comment.span.range();
            if span.end > start {
                continue;
            }
            let between = &file.source[span.end..start];
            let adjacent = between.iter().all(u8::is_ascii_whitespace)
                && between.iter().filter(|&&byte| byte == b'\n').count() <= 1;
            if !adjacent {
                break;
            }
            start = span.start;
            lines.push(String::from_utf8_lossy(&file.source[span]).into_owned());
        }
        lines.reverse();
        lines.join("\n")
    }

    /// The name of a function: `F`, `T.M` or `F.func1`.
    pub fn function(&self, unit: UnitId) -> &str {
        &self.flow.units.get(unit).name
    }
}

/// What the rules found out about a package.
#[derive(Debug, Default)]
pub struct Checked {
    /// What the selected rules found, in no particular order.
    pub findings: Vec<Diagnostic>,
    /// What the functions of the package do for callers in other packages.
    pub bodies: Bodies,
}

/// What the selected rules find in a package.
pub fn check_package(package: &TypedPackage<'_>, selection: &Selection) -> Checked {
    let rules: Vec<&Rule> = RULES
        .iter()
        .filter(|rule| rule.check.is_some() && selection.enables(rule))
        .collect();
    let mut findings = Vec::new();
    if rules.is_empty() || package.files.is_empty() {
        return Checked::default();
    }
    let flow = PackageFlow::new(package);
    let context = Context {
        package,
        flow: &flow,
        sharing: OnceCell::new(),
        origins: OnceCell::new(),
        field_uses: OnceCell::new(),
        channel_misuses: OnceCell::new(),
        channel_mutexes: OnceCell::new(),
    };
    for rule in rules {
        if let Some(check) = rule.check {
            check(&context, &mut findings);
        }
    }
    Checked {
        bodies: flow.bodies(),
        findings,
    }
}
