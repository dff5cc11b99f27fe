//! For which machine and with which tags code is read: GOOS, GOARCH, cgo, release tags, tool tags,
//! and the rule that a file's name can say where it belongs.
//!
//! Matching follows `matchTag` and `goodOSArchFile` of go/build; the default experiments and the
//! architecture levels follow `internal/buildcfg`.

use std::path::Path;

use crate::environment::Environment;
use crate::filesystem::FileSystem;
use crate::version::GoVersion;

/// The operating systems that a file name may name (internal/syslist), past and present.
pub const KNOWN_SYSTEMS: &[&str] = &[
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "js",
    "linux",
    "nacl",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "wasip1",
    "windows",
    "zos",
];

/// The systems for which the tag `unix` is set.
const UNIX_SYSTEMS: &[&str] = &[
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "linux",
    "netbsd",
    "openbsd",
    "solaris",
];

/// The architectures that a file name may name (internal/syslist), past and present.
pub const KNOWN_ARCHITECTURES: &[&str] = &[
    "386",
    "amd64",
    "amd64p32",
    "arm",
    "arm64",
    "arm64be",
    "armbe",
    "loong64",
    "mips",
    "mips64",
    "mips64le",
    "mips64p32",
    "mips64p32le",
    "mipsle",
    "ppc",
    "ppc64",
    "ppc64le",
    "riscv",
    "riscv64",
    "s390",
    "s390x",
    "sparc",
    "sparc64",
    "wasm",
];

/// What decides which files belong to a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildContext {
    /// GOOS, such as `linux`.
    pub os: String,
    /// GOARCH, such as `amd64`.
    pub arch: String,
    /// Whether files that import "C" belong to the build.
    pub cgo: bool,
    /// The newest `go1.N` tag that is set.
    pub release: GoVersion,
    /// Tags from `-tags`.
    pub tags: Vec<String>,
    /// `goexperiment.*` and architecture levels such as `amd64.v1`.
    pub tool_tags: Vec<String>,
}

impl BuildContext {
    /// A context with the default experiments of Go 1.26 and the default architecture level, with
    /// cgo off.
    pub fn new(os: &str, arch: &str) -> Self {
        let mut context = Self {
            os: os.to_owned(),
            arch: arch.to_owned(),
            cgo: false,
            release: GoVersion::NEWEST,
            tags: Vec::new(),
            tool_tags: Vec::new(),
        };
        context.tool_tags = tool_tags(&context, BASELINE_1_26, "", &|_| None);
        context
    }

    /// The context that the go command would use in this environment, with the release and the
    /// experiments of the given GOROOT where there is one.
    pub fn from_environment(
        environment: &Environment,
        goroot: Option<(&Path, GoVersion)>,
        filesystem: &dyn FileSystem,
    ) -> Self {
        let (host_os, host_arch) = host();
        let os = environment.get("GOOS").unwrap_or(host_os).to_owned();
        let arch = environment.get("GOARCH").unwrap_or(host_arch).to_owned();
        let native = os == host_os && arch == host_arch;
        let cgo = match environment.get("CGO_ENABLED") {
            Some("1") => true,
            Some("0") => false,
            _ => native && environment.has_c_compiler(filesystem),
        };
        let mut context = Self {
            os,
            arch,
            cgo,
            release: goroot.map_or(GoVersion::NEWEST, |(_, version)| version),
            tags: environment.go_flags().tags.unwrap_or_default(),
            tool_tags: Vec::new(),
        };
        context.set_tool_tags(environment, goroot.map(|(path, _)| path), filesystem);
        context
    }

    /// Works the tool tags out again, after `os` or `arch` were changed.
    pub fn set_tool_tags(
        &mut self,
        environment: &Environment,
        goroot: Option<&Path>,
        filesystem: &dyn FileSystem,
    ) {
        let baseline = goroot.and_then(|goroot| {
            let path = goroot.join("src/internal/buildcfg/exp.go");
            let contents = filesystem.read_file(&path, 1 << 20).ok()?;
            baseline_of(std::str::from_utf8(&contents).ok()?)
        });
        let baseline: Vec<(&str, &str)> = match &baseline {
            Some(found) => found
                .iter()
                .map(|(a, b)| (a.as_str(), b.as_str()))
                .collect(),
            None => BASELINE_1_26.to_vec(),
        };
        let experiments = environment.get("GOEXPERIMENT").unwrap_or_default();
        self.tool_tags = tool_tags(self, &baseline, experiments, &|name| environment.get(name));
    }

    /// Whether a tag is set (go/build `matchTag`).
    pub fn has_tag(&self, tag: &str) -> bool {
        if tag == "cgo" && self.cgo || tag == self.os || tag == self.arch || tag == "gc" {
            return true;
        }
        match (self.os.as_str(), tag) {
            ("android", "linux") | ("illumos", "solaris") | ("ios", "darwin") => return true,
            (os, "unix") if UNIX_SYSTEMS.contains(&os) => return true,
            _ => {}
        }
        let tag = if tag == "boringcrypto" {
            "goexperiment.boringcrypto"
        } else {
            tag
        };
        if let Some(minor) = tag.strip_prefix("go1.")
            && !minor.starts_with(['0', '+'])
            && let Ok(minor) = minor.parse::<u16>()
        {
            return minor <= self.release.0 || self.tags.iter().any(|set| set == tag);
        }
        self.tags.iter().any(|set| set == tag) || self.tool_tags.iter().any(|set| set == tag)
    }

    /// Whether the name alone lets a file into the build (go/build `goodOSArchFile`): after the
    /// first underscore and before the first dot it may end in `_GOOS`, `_GOARCH` or
    /// `_GOOS_GOARCH`, with `_test` behind.
    pub fn matches_file_name(&self, name: &str) -> bool {
        let stem = name.split('.').next().unwrap_or(name);
        let Some(first_underscore) = stem.find('_') else {
            return true;
        };
        let mut parts = stem[first_underscore..].rsplit('_');
        let mut last = parts.next().unwrap_or_default();
        if last == "test" {
            last = parts.next().unwrap_or_default();
        }
        let before = parts.next();
        let is_arch = KNOWN_ARCHITECTURES.contains(&last);
        if let Some(before) = before
            && is_arch
            && KNOWN_SYSTEMS.contains(&before)
        {
            return self.has_tag(last) && self.has_tag(before);
        }
        if is_arch || KNOWN_SYSTEMS.contains(&last) {
            return self.has_tag(last);
        }
        true
    }
}

/// GOOS and GOARCH of the machine that goward runs on.
pub fn host() -> (&'static str, &'static str) {
    let os = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let arch = match std::env::consts::ARCH {
        "x86" => "386",
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "loongarch64" => "loong64",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
        "powerpc64" => "ppc64",
        "mips" if cfg!(target_endian = "little") => "mipsle",
        "mips64" if cfg!(target_endian = "little") => "mips64le",
        "wasm32" => "wasm",
        other => other,
    };
    (os, arch)
}

/// Experiments that Go 1.26 switches on by default, with the condition for each, in the notation of
/// internal/buildcfg.
const BASELINE_1_26: &[(&str, &str)] = &[
    ("regabiwrappers", "regabiSupported"),
    ("regabiargs", "regabiSupported"),
    ("dwarf5", "dwarf5Supported"),
    ("greenteagc", "true"),
    ("randomizedheapbase64", "true"),
];

/// Reads the `baseline := goexperiment.Flags{…}` of a toolchain's own internal/buildcfg, so that
/// other releases than 1.26 get their own defaults.
fn baseline_of(source: &str) -> Option<Vec<(String, String)>> {
    let (_, rest) = source.split_once("baseline := goexperiment.Flags{")?;
    let (body, _) = rest.split_once('}')?;
    let mut fields = Vec::new();
    for line in body.lines() {
        let line = line.split("//").next().unwrap_or_default().trim();
        if let Some((name, value)) = line.trim_end_matches(',').split_once(':') {
            fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    Some(fields)
}

/// The `goexperiment.*` tags and architecture levels (internal/buildcfg exp.go, cfg.go).
fn tool_tags<'a>(
    context: &BuildContext,
    baseline: &[(&str, &str)],
    experiments: &str,
    variable: &dyn Fn(&str) -> Option<&'a str>,
) -> Vec<String> {
    let (os, arch) = (context.os.as_str(), context.arch.as_str());
    let regabi_always = matches!(
        arch,
        "amd64" | "arm64" | "loong64" | "ppc64le" | "ppc64" | "riscv64"
    );
    let regabi_supported = regabi_always || arch == "s390x";
    let mut enabled: Vec<String> = Vec::new();
    for (name, condition) in baseline {
        let on = match *condition {
            "regabiSupported" => regabi_supported,
            "dwarf5Supported" => !matches!(os, "darwin" | "ios" | "aix"),
            // Go 1.24's condition for the spin-bit mutex.
            "haveXchg8" => {
                matches!(
                    arch,
                    "386" | "amd64" | "arm" | "arm64" | "ppc64" | "ppc64le"
                )
            }
            other => other == "true",
        };
        if on {
            enabled.push((*name).to_owned());
        }
    }
    for flag in experiments.split(',').filter(|flag| !flag.is_empty()) {
        if flag == "none" {
            enabled.clear();
            continue;
        }
        let (name, on) = match flag.strip_prefix("no") {
            Some(name) => (name, false),
            None => (flag, true),
        };
        let names: &[&str] = if name == "regabi" {
            &["regabiwrappers", "regabiargs"]
        } else {
            &[name]
        };
        for name in names {
            enabled.retain(|set| set != name);
            if on {
                enabled.push((*name).to_owned());
            }
        }
    }
    for name in ["regabiwrappers", "regabiargs"] {
        if regabi_always && !enabled.iter().any(|set| set == name) {
            enabled.push(name.to_owned());
        } else if !regabi_supported {
            enabled.retain(|set| set != name);
        }
    }
    let mut tags: Vec<String> = enabled
        .into_iter()
        .map(|name| format!("goexperiment.{name}"))
        .collect();
    tags.extend(architecture_levels(arch, variable));
    tags
}

/// The level tags of an architecture: every level up to the chosen one.
fn architecture_levels<'a>(arch: &str, variable: &dyn Fn(&str) -> Option<&'a str>) -> Vec<String> {
    let digit = |text: &str, default: u8| {
        text.trim_start_matches(|c: char| !c.is_ascii_digit())
            .split(|c: char| !c.is_ascii_digit())
            .next()
            .and_then(|digits| digits.parse::<u8>().ok())
            .unwrap_or(default)
    };
    match arch {
        "386" => vec![format!("386.{}", variable("GO386").unwrap_or("sse2"))],
        "amd64" => (1..=digit(variable("GOAMD64").unwrap_or("v1"), 1).min(4))
            .map(|level| format!("amd64.v{level}"))
            .collect(),
        "arm" => (5..=digit(variable("GOARM").unwrap_or("7"), 7).min(7))
            .map(|level| format!("arm.{level}"))
            .collect(),
        "arm64" => {
            let level = variable("GOARM64").unwrap_or("v8.0");
            let level = level.split(',').next().unwrap_or(level);
            let (major, minor) = level.split_once('.').unwrap_or((level, "0"));
            let (major, minor) = (digit(major, 8), digit(minor, 0).min(9));
            let mut tags: Vec<String> = (0..=minor)
                .map(|minor| format!("arm64.v{major}.{minor}"))
                .collect();
            if major == 9 {
                tags.extend((0..=(minor + 5).min(9)).map(|minor| format!("arm64.v8.{minor}")));
            }
            tags
        }
        "mips" | "mipsle" => {
            vec![format!(
                "{arch}.{}",
                variable("GOMIPS").unwrap_or("hardfloat")
            )]
        }
        "mips64" | "mips64le" => {
            vec![format!(
                "{arch}.{}",
                variable("GOMIPS64").unwrap_or("hardfloat")
            )]
        }
        "ppc64" | "ppc64le" => (8..=digit(variable("GOPPC64").unwrap_or("power8"), 8).min(10))
            .map(|level| format!("{arch}.power{level}"))
            .collect(),
        "riscv64" => {
            let profile = digit(
                variable("GORISCV64")
                    .unwrap_or("rva20u64")
                    .trim_start_matches("rva"),
                20,
            );
            [20, 22, 23]
                .into_iter()
                .filter(|level| *level <= profile)
                .map(|level| format!("riscv64.rva{level}u64"))
                .collect()
        }
        "wasm" => vec!["wasm.satconv".to_owned(), "wasm.signext".to_owned()],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(context: &BuildContext, name: &str, expected: bool) {
        assert_eq!(
            context.matches_file_name(name),
            expected,
            "{name} on {}",
            context.os
        );
    }

    #[test]
    fn file_names_select_as_in_go_build() {
        let linux = BuildContext::new("linux", "amd64");
        for (name, expected) in [
            ("a.go", true),
            ("linux.go", true),
            ("windows.go", true),
            ("a_windows.go", false),
            ("a_linux.go", true),
            ("a_linux_amd64.go", true),
            ("a_linux_arm64.go", false),
            ("a_amd64.go", true),
            ("a_amd64_linux.go", true),
            ("a_arm_linux.go", true),
            ("a_linux_test.go", true),
            ("a_windows_test.go", false),
            ("a_unix.go", true),
            ("_windows.go", false),
            ("a_windows.pb.go", false),
            ("a.windows_arm.go", true),
            ("windows_amd64.go", true),
            ("windows_arm.go", false),
            ("a_test.go", true),
            ("a__windows.go", false),
        ] {
            check(&linux, name, expected);
        }
        check(&BuildContext::new("android", "arm64"), "a_linux.go", true);
        check(&BuildContext::new("ios", "arm64"), "a_darwin.go", true);
        check(&BuildContext::new("illumos", "amd64"), "a_solaris.go", true);
    }

    #[test]
    fn tags_follow_system_release_and_experiments() {
        let mut context = BuildContext::new("linux", "amd64");
        for (tag, expected) in [
            ("unix", true),
            ("gc", true),
            ("gccgo", false),
            ("cgo", false),
            ("go1.1", true),
            ("go1.26", true),
            ("go1.27", false),
            ("go1.021", false),
            ("goexperiment.greenteagc", true),
            ("goexperiment.synctest", false),
            ("boringcrypto", false),
            ("amd64.v1", true),
            ("amd64.v2", false),
            ("ignore", false),
        ] {
            assert_eq!(context.has_tag(tag), expected, "{tag}");
        }
        context.cgo = true;
        assert!(context.has_tag("cgo"));
        assert!(!BuildContext::new("windows", "386").has_tag("unix"));
        assert!(BuildContext::new("windows", "386").has_tag("386.sse2"));
    }

    #[test]
    fn experiments_are_switched_by_name() {
        let context = BuildContext::new("linux", "amd64");
        let tags = tool_tags(&context, BASELINE_1_26, "nogreenteagc,jsonv2", &|_| None);
        assert!(tags.contains(&"goexperiment.jsonv2".to_owned()));
        assert!(!tags.contains(&"goexperiment.greenteagc".to_owned()));
        let tags = tool_tags(&context, BASELINE_1_26, "none", &|_| None);
        assert_eq!(
            tags,
            [
                "goexperiment.regabiwrappers",
                "goexperiment.regabiargs",
                "amd64.v1"
            ]
        );
    }
}
