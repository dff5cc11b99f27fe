//! Test programs: several files in one text, parsed and checked against `ministd/`, the tiny standard
//! library of the project.
//!
//! Headers `-- path --` separate the files; a folder is a package of the module `example.com/app`
//! (or of what a `go.mod` among the files says) and can be imported by its folder alone, too.

use std::collections::BTreeMap;

use goward_diagnostics::{SourceFile, Sources, split_txtar};
use goward_syntax::{Mode, Tree, parse};
use goward_types::{
    Bodies, Checker, File, FileFacts, GoVersion, ImportedBodies, Importer, PackageId, Settings,
    Sizes, TypedFile, TypedPackage, World,
};
use rustc_hash::FxHashMap;

use crate::package::PackageFlow;

macro_rules! ministd {
    ($path:literal, $file:literal) => {
        ($path, include_str!(concat!("../../../ministd/", $file)))
    };
}

/// Import path and text of each package of the tiny standard library.
const MINISTD: &[(&str, &str)] = &[
    ministd!("bufio", "bufio/bufio.go"),
    ministd!("bytes", "bytes/bytes.go"),
    ministd!("cmp", "cmp/cmp.go"),
    ministd!("context", "context/context.go"),
    ministd!("database/sql", "database/sql/sql.go"),
    ministd!("encoding/json", "encoding/json/json.go"),
    ministd!("errors", "errors/errors.go"),
    ministd!("fmt", "fmt/fmt.go"),
    ministd!(
        "golang.org/x/sync/errgroup",
        "golang.org/x/sync/errgroup/errgroup.go"
    ),
    ministd!("io", "io/io.go"),
    ministd!("iter", "iter/iter.go"),
    ministd!("log", "log/log.go"),
    ministd!("maps", "maps/maps.go"),
    ministd!("math/rand", "math/rand/rand.go"),
    ministd!("net/http", "net/http/http.go"),
    ministd!("net/url", "net/url/url.go"),
    ministd!("os", "os/os.go"),
    ministd!("runtime", "runtime/runtime.go"),
    ministd!("slices", "slices/slices.go"),
    ministd!("sort", "sort/sort.go"),
    ministd!("strconv", "strconv/strconv.go"),
    ministd!("strings", "strings/strings.go"),
    ministd!("sync/atomic", "sync/atomic/atomic.go"),
    ministd!("sync", "sync/sync.go"),
    ministd!("testing", "testing/testing.go"),
    ministd!("time", "time/time.go"),
];

/// The files of a text with `-- path --` headers; a single file is called `a.go`.
pub fn sources(text: &str) -> Sources {
    split_txtar(text, "a.go")
        .into_iter()
        .map(|(name, text)| SourceFile::new(name, text))
        .collect()
}

/// One package before it is checked.
struct Parsed<'s> {
    /// Base name of the file, path to show, text, tree.
    files: Vec<(String, &'s str, &'s [u8], Tree)>,
    /// Whether facts are wanted: not of the standard library.
    own: bool,
}

/// What is known after checking.
struct Checked {
    id: PackageId,
    facts: Vec<FileFacts>,
}

/// Checks all packages of `sources` and calls `visit` with each of them, imported ones first. The
/// standard library is `ministd/`; what is not there is unknown.
pub fn with_packages(sources: &Sources, mut visit: impl FnMut(&TypedPackage<'_>)) {
    let mut module = "example.com/app".to_owned();
    let mut module_version = GoVersion(26);
    let mut packages: BTreeMap<String, Parsed<'_>> = BTreeMap::new();
    for file in sources.iter() {
        let path = file.path().as_str();
        if path == "go.mod" {
            let text = String::from_utf8_lossy(file.bytes());
            let named = text.lines().find_map(|line| line.strip_prefix("module "));
            module = named.map_or(module, |name| name.trim().to_owned());
            let version = text.lines().find_map(|line| line.strip_prefix("go 1."));
            let minor = version.and_then(|text| text.split('.').next()?.trim().parse().ok());
            module_version = minor.map_or(module_version, GoVersion);
        }
    }
    for file in sources.iter() {
        let path = file.path().as_str();
        let Some(stem) = path.strip_suffix(".go") else {
            continue;
        };
        let tree = parse(file.bytes(), Mode::Full);
        let (folder, base) = path.rsplit_once('/').unwrap_or(("", path));
        let name = tree
            .package_name()
            .map_or("", |name| tree.symbol(name).as_str());
        let mut import_path = match folder {
            "" => module.clone(),
            _ => format!("{module}/{folder}"),
        };
        if stem.ends_with("_test") && name.ends_with("_test") {
            import_path += "_test";
        }
        let package = packages.entry(import_path).or_insert_with(|| Parsed {
            files: Vec::new(),
            own: true,
        });
        package
            .files
            .push((base.to_owned(), path, file.bytes(), tree));
    }
    for &(path, text) in MINISTD {
        packages.insert(
            path.to_owned(),
            Parsed {
                files: vec![(
                    "a.go".to_owned(),
                    path,
                    text.as_bytes(),
                    parse(text.as_bytes(), Mode::Full),
                )],
                own: false,
            },
        );
    }
    let world = World::new(Sizes::for_architecture("amd64"));
    let mut checked = FxHashMap::default();
    let mut bodies = KnownBodies::default();
    let mut order = Vec::new();
    let own: Vec<&String> = packages
        .iter()
        .filter(|(_, package)| package.own)
        .map(|(path, _)| path)
        .collect();
    let several = own.len() > 1;
    for path in own {
        sort(path, &module, &packages, &mut order, &mut Vec::new());
    }
    for path in order {
        let package = &packages[&path];
        let names = package.files.iter().map(|file| file.0.clone()).collect();
        let id = world.new_package(&path, names, false);
        let files = package
            .files
            .iter()
            .map(|(_, _, source, tree)| File {
                tree,
                source,
                version: GoVersion(26),
            })
            .collect();
        let facts = {
            let importer = Known {
                module: &module,
                checked: &checked,
            };
            // The importer lives shorter than the world, so the world is lent for as long only.
            check(&world, id, files, &importer, package.own)
        };
        checked.insert(path.clone(), Checked { id, facts });
        if package.own {
            let files = package.files.iter().zip(&checked[&path].facts);
            let package = TypedPackage {
                world: &world,
                package: id,
                module_version: Some(module_version),
                imported: Some(&bodies),
                files: files
                    .map(|((base, name, source, tree), facts)| TypedFile {
                        name,
                        tree,
                        source,
                        facts,
                        generated: false,
                        test: base.ends_with("_test.go"),
                    })
                    .collect(),
            };
            visit(&package);
            let of_package = (several).then(|| PackageFlow::new(&package).bodies());
            bodies.0.extend(of_package.map(|bodies| (id, bodies)));
        }
    }
}

/// The bodies of the packages that were visited.
#[derive(Default)]
struct KnownBodies(FxHashMap<PackageId, Bodies>);

impl ImportedBodies for KnownBodies {
    fn of(&self, package: PackageId) -> Option<&Bodies> {
        self.0.get(&package)
    }
}

fn check<'w>(
    world: &'w World,
    id: PackageId,
    files: Vec<File<'w>>,
    importer: &'w dyn Importer,
    own: bool,
) -> Vec<FileFacts> {
    let settings = Settings {
        ignore_function_bodies: !own,
        no_facts: !own,
    };
    Checker::check(world, id, files, importer, settings).facts
}

/// The package that an import of `path` means.
fn resolve<'p>(
    path: &str,
    module: &str,
    known: impl Fn(&str) -> bool,
) -> Option<std::borrow::Cow<'p, str>> {
    let inside = format!("{module}/{path}");
    [path, inside.as_str()]
        .into_iter()
        .find(|path| known(path))
        .map(|path| path.to_owned().into())
}

/// Adds the packages that `path` imports, then itself.
fn sort(
    path: &str,
    module: &str,
    packages: &BTreeMap<String, Parsed<'_>>,
    order: &mut Vec<String>,
    open: &mut Vec<String>,
) {
    if order.iter().any(|done| done == path) || open.iter().any(|open| open == path) {
        return;
    }
    open.push(path.to_owned());
    for (_, _, source, tree) in &packages[path].files {
        for &import in tree.imports() {
            let goward_syntax::Specification::Import { path, .. } = tree.specification(import)
            else {
                continue;
            };
            let text = String::from_utf8_lossy(&source[tree.span(path).range()]).into_owned();
            let text = text.trim_matches(['"', '`']);
            if let Some(path) = resolve(text, module, |path| packages.contains_key(path)) {
                sort(&path, module, packages, order, open);
            }
        }
    }
    open.pop();
    order.push(path.to_owned());
}

struct Known<'c> {
    module: &'c str,
    checked: &'c FxHashMap<String, Checked>,
}

impl Importer for Known<'_> {
    fn import(&self, path: &str) -> Option<PackageId> {
        if path == "unsafe" {
            return Some(PackageId::UNSAFE);
        }
        let path = resolve(path, self.module, |path| self.checked.contains_key(path))?;
        Some(self.checked[path.as_ref()].id)
    }
}
