//! What a `go test` command line asks for, as far as running tests one by one needs it.

use anyhow::{Context, bail};

/// Flags of `go test` and `go build` that take no value; all others take one, behind `=` or as the
/// next word.
const SWITCHES: [&str; 20] = [
    "a",
    "artifacts",
    "asan",
    "benchmem",
    "buildvcs",
    "c",
    "cover",
    "failfast",
    "fullpath",
    "json",
    "linkshared",
    "modcacherw",
    "msan",
    "n",
    "race",
    "short",
    "trimpath",
    "v",
    "work",
    "x",
];

/// Those that each test binary gets, too.
const FOR_TESTS: [&str; 8] = [
    "count", "cpu", "parallel", "run", "short", "shuffle", "skip", "timeout",
];

/// Those that matter only to what `go test` prints, or that write files which the tests of a package
/// would overwrite one after the other.
const WITHOUT_EFFECT: [&str; 20] = [
    "artifacts",
    "bench",
    "benchmem",
    "benchtime",
    "blockprofile",
    "blockprofilerate",
    "coverprofile",
    "cpuprofile",
    "failfast",
    "fullpath",
    "json",
    "list",
    "memprofile",
    "memprofilerate",
    "mutexprofile",
    "mutexprofilefraction",
    "outputdir",
    "trace",
    "v",
    "vet",
];

/// Those that decide which files belong to a package.
const FOR_LIST: [&str; 8] = [
    "asan",
    "compiler",
    "mod",
    "modcacherw",
    "modfile",
    "msan",
    "race",
    "tags",
];

/// A command taken apart. Flags are in the form `-name=value` or `-name`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct GoTestCommand {
    /// For `go test -c`.
    pub(crate) build: Vec<String>,
    /// For `go list`.
    pub(crate) list: Vec<String>,
    /// For the test binary, in its own form (`-test.short`), without `run`.
    pub(crate) tests: Vec<String>,
    /// The pattern of `-run`.
    pub(crate) run: Option<String>,
    /// Whether the command has a time limit.
    pub(crate) timeout: bool,
    /// What follows `-args`.
    pub(crate) arguments: Vec<String>,
    /// Never empty.
    pub(crate) packages: Vec<String>,
}

impl GoTestCommand {
    /// Reads a command line that starts with `go test`.
    pub(crate) fn parse(command: &[String]) -> anyhow::Result<GoTestCommand> {
        let mut words = command.iter().map(String::as_str);
        if (words.next(), words.next()) != (Some("go"), Some("test")) {
            bail!("give a `go test` command behind --");
        }
        let mut parsed = GoTestCommand::default();
        while let Some(word) = words.next() {
            if word == "-args" || word == "--args" {
                parsed.arguments = words.by_ref().map(str::to_owned).collect();
                break;
            }
            let Some(flag) = word.strip_prefix('-').filter(|flag| !flag.is_empty()) else {
                parsed.packages.push(word.to_owned());
                continue;
            };
            let flag = flag.strip_prefix('-').unwrap_or(flag);
            let flag = flag.strip_prefix("test.").unwrap_or(flag);
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None if SWITCHES.contains(&flag) => (flag, None),
                None => {
                    let value = words.next();
                    (
                        flag,
                        Some(value.with_context(|| format!("{word} needs a value"))?),
                    )
                }
            };
            parsed.add(name, value)?;
        }
        if parsed.packages.is_empty() {
            parsed.packages.push(".".to_owned());
        }
        Ok(parsed)
    }

    fn add(&mut self, name: &str, value: Option<&str>) -> anyhow::Result<()> {
        if ["c", "C", "exec", "fuzz", "n", "o", "overlay"].contains(&name) {
            bail!("`goward leaks test` builds and runs the tests itself: leave out -{name}");
        }
        let written = |prefix: &str| match value {
            Some(value) => format!("-{prefix}{name}={value}"),
            None => format!("-{prefix}{name}"),
        };
        if name == "run" {
            self.run = value.map(str::to_owned);
        } else if FOR_TESTS.contains(&name) {
            self.timeout |= name == "timeout";
            self.tests.push(written("test."));
        } else if !WITHOUT_EFFECT.contains(&name) {
            if FOR_LIST.contains(&name) {
                self.list.push(written(""));
            }
            self.build.push(written(""));
        }
        Ok(())
    }

    /// The pattern of the tests, and of what they run within them.
    pub(crate) fn pattern(&self) -> (&str, Option<&str>) {
        let run = self.run.as_deref().unwrap_or(".");
        match run.split_once('/') {
            Some((tests, within)) => (tests, Some(within)),
            None => (run, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(command: &str) -> anyhow::Result<GoTestCommand> {
        let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
        GoTestCommand::parse(&words)
    }

    #[test]
    fn values_may_stand_apart() {
        let together = parse("go test -run=TestOK -count=1 -race -tags=a,b -timeout=5s ./x ./y");
        let apart = parse("go test -run TestOK -count 1 -race -tags a,b --timeout 5s ./x ./y");
        let together = together.unwrap();
        assert_eq!(together, apart.unwrap());
        assert_eq!(together.build, ["-race", "-tags=a,b"]);
        assert_eq!(together.list, ["-race", "-tags=a,b"]);
        assert_eq!(together.tests, ["-test.count=1", "-test.timeout=5s"]);
        assert_eq!(together.packages, ["./x", "./y"]);
        assert_eq!(together.pattern(), ("TestOK", None));
    }

    #[test]
    fn what_changes_only_the_output_is_left_out() {
        let parsed = parse("go test -v -json -bench . -coverprofile c.out -short").unwrap();
        assert!(parsed.build.is_empty() && parsed.list.is_empty());
        assert_eq!(parsed.tests, ["-test.short"]);
        assert_eq!(parsed.packages, ["."]);
        let parsed = parse("go test -run TestA/sub . -args -x y").unwrap();
        assert_eq!(parsed.pattern(), ("TestA", Some("sub")));
        assert_eq!(parsed.arguments, ["-x", "y"]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (command, message) in [
            ("make test", "give a `go test` command behind --"),
            ("go test -run", "-run needs a value"),
            ("go test -c", "leave out -c"),
            ("go test -o x", "leave out -o"),
        ] {
            let error = parse(command).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
