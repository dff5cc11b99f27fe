//! Versions as Go orders them: module versions (`v1.2.3-pre+meta`), Go releases (`1.26rc1`,
//! `go1.26.8`) and language versions.
//!
//! Module versions follow golang.org/x/mod/semver: a leading `v`, missing minor and patch numbers
//! read as zero, build metadata does not count. Go releases follow `internal/gover`.

use std::cmp::Ordering;
use std::fmt;

/// The language version of a file or module: the `N` of Go 1.N.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoVersion(pub u16);

impl GoVersion {
    /// What a module without a `go` line means.
    pub const UNSTATED_IN_MODULE: Self = Self(16);
    /// The newest version whose rules goward knows.
    pub const NEWEST: Self = Self(26);

    /// Reads the language version out of `1.21`, `1.21.3`, `1.22rc1`, `go1.26.8`.
    pub fn parse(text: &str) -> Option<Self> {
        let release = GoRelease::parse(text)?;
        (release.major == 1).then_some(Self(release.minor))
    }
}

impl fmt::Display for GoVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "1.{}", self.0)
    }
}

/// A Go release or the version on a `go` line, ordered as the go command orders them:
/// `1.21 < 1.21rc1 < 1.21.0 < 1.21.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GoRelease {
    /// Always 1 so far.
    pub major: u16,
    /// The language version.
    pub minor: u16,
    /// `None` for the bare language version of Go 1.21 and later, and for pre-releases.
    pub patch: Option<u16>,
    /// Rank (1 alpha, 2 beta, 3 release candidate) and number of a pre-release.
    pub pre_release: Option<(u8, u16)>,
}

impl GoRelease {
    /// Reads `1.26`, `1.26.8`, `1.26rc2`, each with or without a leading `go`; a suffix after a
    /// dash or space, as vendors of toolchains add, is ignored.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix("go").unwrap_or(text);
        let text = text.split(['-', ' ', '+']).next()?;
        let (major, rest) = split_number(text)?;
        if rest.is_empty() {
            return Some(Self {
                major,
                minor: 0,
                patch: Some(0),
                pre_release: None,
            });
        }
        let (minor, rest) = split_number(rest.strip_prefix('.')?)?;
        if rest.is_empty() {
            // Before Go 1.21 the first release of a line was called 1.N, afterwards 1.N.0.
            let patch = (major == 1 && minor < 21).then_some(0);
            return Some(Self {
                major,
                minor,
                patch,
                pre_release: None,
            });
        }
        if let Some(rest) = rest.strip_prefix('.') {
            let (patch, rest) = split_number(rest)?;
            return rest.is_empty().then_some(Self {
                major,
                minor,
                patch: Some(patch),
                pre_release: None,
            });
        }
        let digits = rest.find(|c: char| c.is_ascii_digit())?;
        let rank = match &rest[..digits] {
            "alpha" => 1,
            "beta" => 2,
            "rc" => 3,
            _ => return None,
        };
        let (number, rest) = split_number(&rest[digits..])?;
        rest.is_empty().then_some(Self {
            major,
            minor,
            patch: None,
            pre_release: Some((rank, number)),
        })
    }

    /// The language this release speaks.
    pub fn language(self) -> GoVersion {
        GoVersion(self.minor)
    }
}

impl Ord for GoRelease {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch, self.pre_release).cmp(&(
            other.major,
            other.minor,
            other.patch,
            other.pre_release,
        ))
    }
}

impl PartialOrd for GoRelease {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for GoRelease {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)?;
        if let Some(patch) = self.patch
            && (patch > 0 || self.minor >= 21)
        {
            write!(formatter, ".{patch}")?;
        }
        if let Some((rank, number)) = self.pre_release {
            let name = ["", "alpha", "beta", "rc"][usize::from(rank).min(3)];
            write!(formatter, "{name}{number}")?;
        }
        Ok(())
    }
}

fn split_number(text: &str) -> Option<(u16, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    if end == 0 || (end > 1 && text.starts_with('0')) {
        return None;
    }
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// A module version taken apart; the numbers stay text because they have no upper bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Parsed<'a> {
    numbers: [&'a str; 3],
    pre_release: &'a str,
    build: &'a str,
}

fn parse_module_version(version: &str) -> Option<Parsed<'_>> {
    let mut rest = version.strip_prefix('v')?;
    let mut numbers = ["0"; 3];
    for (index, number) in numbers.iter_mut().enumerate() {
        if index > 0 {
            if rest.is_empty() {
                // `v1` and `v1.2` are shorthands, but only without a suffix.
                return Some(Parsed {
                    numbers,
                    pre_release: "",
                    build: "",
                });
            }
            rest = rest.strip_prefix('.')?;
        }
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        if end == 0 || (end > 1 && rest.starts_with('0')) {
            return None;
        }
        *number = &rest[..end];
        rest = &rest[end..];
    }
    let mut pre_release = "";
    if let Some(after) = rest.strip_prefix('-') {
        let end = after.find('+').unwrap_or(after.len());
        pre_release = &after[..end];
        let valid = pre_release.split('.').all(|part| {
            is_identifier(part) && !(is_number(part) && part.len() > 1 && part.starts_with('0'))
        });
        if !valid {
            return None;
        }
        rest = &after[end..];
    }
    let mut build = "";
    if let Some(after) = rest.strip_prefix('+') {
        if !after.split('.').all(is_identifier) {
            return None;
        }
        build = after;
        rest = "";
    }
    rest.is_empty().then_some(Parsed {
        numbers,
        pre_release,
        build,
    })
}

fn is_identifier(part: &str) -> bool {
    !part.is_empty()
        && part
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the text is a module version as Go reads it.
pub fn is_module_version(version: &str) -> bool {
    parse_module_version(version).is_some()
}

/// Orders two module versions; one that is no version sorts below all that are.
pub fn compare_module_versions(left: &str, right: &str) -> Ordering {
    let (left, right) = match (parse_module_version(left), parse_module_version(right)) {
        (None, None) => return Ordering::Equal,
        (None, Some(_)) => return Ordering::Less,
        (Some(_), None) => return Ordering::Greater,
        (Some(left), Some(right)) => (left, right),
    };
    for (left, right) in left.numbers.iter().zip(right.numbers) {
        let order = compare_numbers(left, right);
        if order != Ordering::Equal {
            return order;
        }
    }
    match (left.pre_release.is_empty(), right.pre_release.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let mut left_parts = left.pre_release.split('.');
    let mut right_parts = right.pre_release.split('.');
    loop {
        let (left, right) = match (left_parts.next(), right_parts.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(left), Some(right)) => (left, right),
        };
        let order = match (is_number(left), is_number(right)) {
            (true, true) => compare_numbers(left, right),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => left.cmp(right),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Compares decimal numbers without leading zeros, of any length.
fn compare_numbers(left: &str, right: &str) -> Ordering {
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

/// Major version of a module version as its number (`2` for `v2.3.4`), when it is one.
pub(crate) fn module_version_major(version: &str) -> Option<&str> {
    parse_module_version(version).map(|parsed| parsed.numbers[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn module_versions_sort_as_in_x_mod_semver() {
        // The list is in ascending order; every pair is checked.
        let ascending = [
            "bad",
            "v1.0.0-alpha",
            "v1.0.0-alpha.1",
            "v1.0.0-alpha.beta",
            "v1.0.0-beta.2",
            "v1.0.0-beta.11",
            "v1.0.0-rc.1",
            "v1",
            "v1.2.0-0.20200101000000-abcdefabcdef",
            "v1.2",
            "v1.2.3",
            "v1.10.0",
            "v2.0.0+incompatible",
            "v18446744073709551616.0.0",
        ];
        for (i, left) in ascending.iter().enumerate() {
            for (j, right) in ascending.iter().enumerate() {
                assert_eq!(
                    compare_module_versions(left, right),
                    i.cmp(&j),
                    "{left} against {right}"
                );
            }
        }
        assert_eq!(
            compare_module_versions("v2.0.0+incompatible", "v2.0.0"),
            Ordering::Equal
        );
    }

    #[test]
    fn malformed_module_versions_are_refused() {
        for bad in [
            "",
            "1.2.3",
            "v",
            "v1.",
            "v01.2.3",
            "v1.2.3-",
            "v1.2.3-01",
            "v1.2.3+",
            "v1.2-pre",
            "v1.2.3.4",
            "v1.2.3-a..b",
            "v1.2.3 ",
        ] {
            assert!(!is_module_version(bad), "{bad:?}");
        }
        assert!(is_module_version("v1.2.3-0a.1+meta-x.y"));
    }

    #[test]
    fn go_releases_sort_as_the_go_command_sorts_them() {
        let ascending = [
            "1.13",
            "1.20rc1",
            "1.20",
            "1.20.1",
            "1.21",
            "1.21beta1",
            "1.21rc1",
            "1.21rc2",
            "1.21.0",
            "go1.21.1",
            "1.26.8",
            "1.100",
        ];
        for (i, left) in ascending.iter().enumerate() {
            for (j, right) in ascending.iter().enumerate() {
                let (left_release, right_release) = (
                    GoRelease::parse(left).unwrap(),
                    GoRelease::parse(right).unwrap(),
                );
                assert_eq!(
                    left_release.cmp(&right_release),
                    i.cmp(&j),
                    "{left} {right}"
                );
            }
        }
        assert_eq!(
            GoVersion::parse("go1.26.8-X:nogreenteagc"),
            Some(GoVersion(26))
        );
        for bad in ["", "go", "1.x", "1.2.3.4", "1.021", "1.21zz1", "1.99999999"] {
            assert_eq!(GoRelease::parse(bad), None, "{bad:?}");
        }
    }
}
