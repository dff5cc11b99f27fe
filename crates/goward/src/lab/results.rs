//! The record of a measurement: what `--output-format json` prints and `scenarios/RESULTS.json` keeps.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::statistics::Rate;
use super::toolchain::Facts;

/// Changes when a field changes its meaning.
pub(crate) const SCHEMA: u32 = 1;

/// A whole measurement.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Measurement {
    pub(crate) schema: u32,
    /// How often each concurrent scenario was run.
    pub(crate) times: u32,
    /// One a Go toolchain.
    pub(crate) toolchains: Vec<ToolchainResults>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ToolchainResults {
    #[serde(flatten)]
    pub(crate) facts: Facts,
    pub(crate) scenarios: Vec<ScenarioResult>,
}

/// What one scenario did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScenarioResult {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) summary: String,
    pub(crate) concurrent: bool,
    /// Why there is no result; the fields below are empty then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) not_measured: Option<String>,
    /// When Go noticed the hazard; null if it did not.
    pub(crate) detected: Option<Detected>,
    /// The compiler's words, or the lines from `panic:` or `fatal error:` on; several when panics are
    /// nested. For a concurrent scenario see `rates`.
    pub(crate) messages: Vec<String>,
    /// The exit code of the plain program; null if it was killed, does not compile, or is concurrent
    /// and nothing was noticed in any run.
    pub(crate) exit_code: Option<i32>,
    /// Whether a recover in the goroutine of `main` stopped it; null if there was nothing to stop.
    pub(crate) recoverable: Option<bool>,
    /// Type and text of the value that the recover got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) recovered: Option<String>,
    /// What the program printed itself.
    pub(crate) output: Vec<String>,
    /// The goroutines whose stacks Go prints by default when the program dies.
    pub(crate) stacks_printed: Vec<Goroutine>,
    /// The goroutines that it prints only with `GOTRACEBACK=all`; null if no run with that setting died.
    pub(crate) stacks_lost: Option<Vec<Goroutine>>,
    /// How often each variant of a concurrent scenario was noticed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) rates: Vec<Noticed>,
    /// What the goroutine leak profile says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) leak_profile: Option<LeakProfile>,
}

/// When a hazard shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Detected {
    /// The compiler refuses the program.
    Compile,
    /// At the `defer` statement.
    Registration,
    /// While the body runs.
    Run,
    /// In a deferred call, when the function ends.
    Exit,
}

impl Detected {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Compile => "compile",
            Self::Registration => "registration",
            Self::Run => "run",
            Self::Exit => "exit",
        }
    }
}

/// A goroutine in a stack trace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Goroutine {
    /// The function that it was started with.
    pub(crate) entry: String,
    /// Such as `running` or `chan receive`.
    pub(crate) state: String,
}

/// How often a concurrent scenario with certain arguments was noticed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Noticed {
    /// The argument of the program: how often each goroutine uses the map. Null if it takes none.
    pub(crate) operations: Option<String>,
    /// Runs that died of a fatal error or panic.
    pub(crate) runtime: Rate,
    /// Runs of the race build that reported a race or died.
    pub(crate) race: Option<Rate>,
    /// Why there is no rate of the race detector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) no_race: Option<String>,
    /// What the plain runs died of, and how often.
    pub(crate) outcomes: BTreeMap<String, u32>,
}

/// What the goroutine leak profile of Go 1.26 says of a program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LeakProfile {
    /// How many goroutines are blocked for ever; null if the program did not say.
    pub(crate) left: Option<u32>,
    /// How many the profile reported, the fewest and the most of several runs.
    pub(crate) reported: Option<(u32, u32)>,
    /// In how many runs of how many it reported all that were left.
    pub(crate) complete: Option<Rate>,
    /// Why it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) not_measured: Option<String>,
}

/// A difference between two measurements of one scenario.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Difference {
    pub(crate) scenario: String,
    /// The field that differs, such as `exit_code`.
    pub(crate) what: String,
    pub(crate) expected: String,
    pub(crate) measured: String,
}

/// The differences of `measured` from `expected`, over the scenarios that both measured. On machines
/// with the same processors rates differ when their 99.9 % intervals are disjoint; on others only when
/// one is near 100 % and the other near 0 %.
pub(crate) fn differences(
    expected: &ToolchainResults,
    measured: &ToolchainResults,
) -> Vec<Difference> {
    let differs = match expected.facts.same_processors(&measured.facts) {
        true => Rate::differs,
        false => Rate::contradicts,
    };
    let mut found = Vec::new();
    for new in &measured.scenarios {
        let Some(old) = expected.scenarios.iter().find(|old| old.name == new.name) else {
            continue;
        };
        if old.not_measured.is_some() || new.not_measured.is_some() {
            continue;
        }
        let mut differ = |what: &str, expected: String, measured: String| {
            if expected != measured {
                found.push(Difference {
                    scenario: new.name.clone(),
                    what: what.to_owned(),
                    expected,
                    measured,
                });
            }
        };
        if new.concurrent {
            // Which of the fatal errors comes, and whether any does, is up to chance.
            if old.recoverable.is_some() && new.recoverable.is_some() {
                differ(
                    "recoverable",
                    yes_no(old.recoverable),
                    yes_no(new.recoverable),
                );
            }
            compare_rates(old, new, differs, &mut differ);
            continue;
        }
        differ("detected", stage(old.detected), stage(new.detected));
        differ(
            "messages",
            old.messages.join(" / "),
            new.messages.join(" / "),
        );
        differ("exit_code", code(old.exit_code), code(new.exit_code));
        differ(
            "recoverable",
            yes_no(old.recoverable),
            yes_no(new.recoverable),
        );
        differ(
            "recovered",
            old.recovered.clone().unwrap_or_default(),
            new.recovered.clone().unwrap_or_default(),
        );
        differ("output", old.output.join(" / "), new.output.join(" / "));
        differ(
            "stacks_printed",
            entries(&old.stacks_printed),
            entries(&new.stacks_printed),
        );
        if let (Some(old), Some(new)) = (&old.stacks_lost, &new.stacks_lost) {
            differ("stacks_lost", entries(old), entries(new));
        }
        compare_leak_profiles(old, new, &mut differ);
    }
    found
}

fn compare_rates(
    old: &ScenarioResult,
    new: &ScenarioResult,
    differs: fn(&Rate, &Rate) -> bool,
    differ: &mut impl FnMut(&str, String, String),
) {
    for rate in &new.rates {
        let Some(before) = old
            .rates
            .iter()
            .find(|before| before.operations == rate.operations)
        else {
            continue;
        };
        let operations = rate
            .operations
            .as_ref()
            .map(|n| format!(" with {n} operations"))
            .unwrap_or_default();
        if differs(&before.runtime, &rate.runtime) {
            differ(
                &format!("runtime{operations}"),
                before.runtime.percent(),
                rate.runtime.percent(),
            );
        }
        if let (Some(before), Some(after)) = (&before.race, &rate.race)
            && differs(before, after)
        {
            differ(
                &format!("race{operations}"),
                before.percent(),
                after.percent(),
            );
        }
    }
}

fn compare_leak_profiles(
    old: &ScenarioResult,
    new: &ScenarioResult,
    differ: &mut impl FnMut(&str, String, String),
) {
    if let (Some(old), Some(new)) = (&old.leak_profile, &new.leak_profile) {
        differ(
            "goroutines left",
            format!("{:?}", old.left),
            format!("{:?}", new.left),
        );
        if let (Some(before), Some(after)) = (&old.complete, &new.complete)
            && before.differs(after)
        {
            differ("leak profile complete", before.percent(), after.percent());
        }
    }
}

fn stage(detected: Option<Detected>) -> String {
    detected.map_or("never", Detected::name).to_owned()
}

fn code(code: Option<i32>) -> String {
    code.map_or_else(|| "none".to_owned(), |code| code.to_string())
}

pub(crate) fn yes_no(answer: Option<bool>) -> String {
    match answer {
        None => "–",
        Some(true) => "yes",
        Some(false) => "no",
    }
    .to_owned()
}

/// What each goroutine was doing at that moment is up to chance, which ones there were is not.
fn entries(goroutines: &[Goroutine]) -> String {
    goroutines
        .iter()
        .map(|goroutine| goroutine.entry.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}
