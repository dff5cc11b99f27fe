//! Builds and runs scenarios and puts together what they showed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};

use super::outcome::{self, Outcome};
use super::process::Program;
use super::results::{Detected, Goroutine, LeakProfile, Noticed, ScenarioResult, ToolchainResults};
use super::scenario::Scenario;
use super::statistics::Rate;
use super::toolchain::Toolchain;
use super::workspace::{Built, Variant, Workspace};

/// How to measure.
#[derive(Clone, Debug)]
pub(crate) struct Options<'a> {
    /// How often each variant of a concurrent scenario runs.
    pub(crate) times: u32,
    /// How long one run may take.
    pub(crate) limit: Duration,
    /// Whether the concurrent ones run under the race detector too.
    pub(crate) race: bool,
    /// Where the temporary folder is made.
    pub(crate) work_dir: Option<&'a Path>,
}

/// How many runs the goroutine leak profile gets.
const LEAK_RUNS: u32 = 10;

/// How often a run that depends on chance is tried again to see what a recover and the other stacks
/// look like.
const TRIES: u32 = 40;

/// Measures scenarios on one toolchain.
pub(crate) fn measure(
    toolchain: &Toolchain,
    scenarios: &[Scenario],
    options: &Options<'_>,
) -> anyhow::Result<ToolchainResults> {
    let workspace = Workspace::new(options.work_dir, toolchain)?;
    let bench = Bench {
        toolchain,
        options,
        workspace: &workspace,
    };
    let total = scenarios
        .iter()
        .map(|scenario| bench.runs_of(scenario))
        .sum();
    let progress = ProgressBar::new(total);
    progress.set_style(
        ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {elapsed} {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    progress.set_prefix(toolchain.facts.version.clone());
    let mut results = Vec::new();
    // In portions, so that the programs of all scenarios do not lie on the disk at once.
    for portion in scenarios.chunks(16) {
        progress.set_message("building");
        let built = bench.build(portion)?;
        for scenario in portion {
            progress.set_message(scenario.name);
            results.push(bench.measure(scenario, &built, &progress));
        }
        for path in built.values().filter_map(|built| built.as_ref().ok()) {
            // A program that cannot be removed now is removed with the folder.
            _ = std::fs::remove_file(path);
        }
    }
    progress.finish_and_clear();
    let failures = results
        .iter()
        .filter(|result| result.not_measured.is_some())
        .count();
    if failures == results.len()
        && let Some(reason) = results
            .first()
            .and_then(|result| result.not_measured.clone())
    {
        anyhow::bail!(
            "no scenario could be measured with {}: {reason}",
            toolchain.facts.version
        );
    }
    Ok(ToolchainResults {
        facts: toolchain.facts.clone(),
        scenarios: results,
    })
}

type Programs = BTreeMap<(Variant, &'static str), Built>;

struct Bench<'a> {
    toolchain: &'a Toolchain,
    options: &'a Options<'a>,
    workspace: &'a Workspace,
}

impl Bench<'_> {
    /// How many runs a scenario takes, about, for the progress bar.
    fn runs_of(&self, scenario: &Scenario) -> u64 {
        if !scenario.concurrent {
            return 1;
        }
        let builds = if self.race_of(scenario).is_ok() { 2 } else { 1 };
        u64::from(self.options.times) * builds * scenario.arguments.len().max(1) as u64
    }

    /// Whether the race detector is to be used, or why not.
    fn race_of(&self, scenario: &Scenario) -> Result<(), String> {
        if !scenario.concurrent {
            return Err("not concurrent".to_owned());
        }
        if !self.options.race {
            return Err("not asked for".to_owned());
        }
        self.toolchain.facts.no_race.clone().map_or(Ok(()), Err)
    }

    fn build(&self, scenarios: &[Scenario]) -> anyhow::Result<Programs> {
        let leak_profile = self.toolchain.facts.no_leak_profile.is_none();
        let mut programs = Programs::new();
        for variant in [
            Variant::Plain,
            Variant::Recover,
            Variant::Race,
            Variant::LeakProfile,
        ] {
            let wanted: Vec<&Scenario> = scenarios
                .iter()
                .filter(|scenario| match variant {
                    Variant::Plain => true,
                    Variant::Recover => !scenario.rejected && !scenario.leak_profile,
                    Variant::Race => self.race_of(scenario).is_ok(),
                    Variant::LeakProfile => scenario.leak_profile && leak_profile,
                })
                .collect();
            if wanted.is_empty() {
                continue;
            }
            let built = self.workspace.build(self.toolchain, variant, &wanted)?;
            programs.extend(
                built
                    .into_iter()
                    .map(|(name, built)| ((variant, name), built)),
            );
        }
        Ok(programs)
    }

    fn measure(
        &self,
        scenario: &Scenario,
        programs: &Programs,
        progress: &ProgressBar,
    ) -> ScenarioResult {
        let mut result = ScenarioResult {
            name: scenario.name.to_owned(),
            group: scenario.group.to_owned(),
            summary: scenario.summary.clone(),
            concurrent: scenario.concurrent,
            ..ScenarioResult::default()
        };
        let plain = match programs.get(&(Variant::Plain, scenario.name)) {
            Some(Ok(path)) => path,
            Some(Err(complaint)) if scenario.rejected => {
                result.detected = Some(Detected::Compile);
                result.messages = vec![without_position(complaint)];
                progress.inc(1);
                return result;
            }
            Some(Err(complaint)) => {
                result.not_measured = Some(format!("it does not build: {complaint}"));
                return result;
            }
            None => {
                result.not_measured = Some("it was not built".to_owned());
                return result;
            }
        };
        let recovering = programs
            .get(&(Variant::Recover, scenario.name))
            .and_then(|built| built.as_ref().ok());
        let measured = if scenario.concurrent {
            let race = programs.get(&(Variant::Race, scenario.name));
            self.concurrent(
                scenario,
                plain,
                recovering.map(AsRef::as_ref),
                race,
                &mut result,
                progress,
            )
        } else {
            let leaking = programs.get(&(Variant::LeakProfile, scenario.name));
            progress.inc(1);
            self.single(
                scenario,
                plain,
                recovering.map(AsRef::as_ref),
                leaking,
                &mut result,
            )
        };
        if let Err(error) = measured {
            result.not_measured = Some(format!("{error:#}"));
        }
        result
    }

    /// A scenario that does the same in each run.
    fn single(
        &self,
        scenario: &Scenario,
        plain: &Path,
        recovering: Option<&Path>,
        leaking: Option<&Built>,
        result: &mut ScenarioResult,
    ) -> anyhow::Result<()> {
        let outcome = self.run(plain, None, "single")?;
        anyhow::ensure!(
            outcome.exit_code.is_some(),
            "{}",
            outcome.ended.unwrap_or_default()
        );
        result.detected = outcome.detected();
        result.exit_code = outcome.exit_code;
        result.messages = outcome.messages.clone();
        result.output = outcome.output.clone();
        if outcome.died() {
            self.stacks(plain, None, &outcome, result)?;
            if let Some(recovering) = recovering {
                let tamed = self.run(recovering, None, "single")?;
                anyhow::ensure!(
                    tamed.exit_code.is_some(),
                    "with a recover: {}",
                    tamed.ended.unwrap_or_default()
                );
                result.recoverable = Some(tamed.exit_code == Some(0));
                result.recovered = tamed.recovered;
            }
        }
        if scenario.leak_profile {
            result.leak_profile = Some(self.leak_profile(leaking)?);
        }
        Ok(())
    }

    /// Fills in whose stacks were printed, and whose are with `GOTRACEBACK=all` only.
    fn stacks(
        &self,
        plain: &Path,
        argument: Option<&str>,
        outcome: &Outcome,
        result: &mut ScenarioResult,
    ) -> anyhow::Result<()> {
        result.stacks_printed = outcome.goroutines.clone();
        for _ in 0..TRIES {
            let all = self.run(plain, argument, "all")?;
            if all.died() {
                result.stacks_lost = Some(minus(all.goroutines, &outcome.goroutines));
                break;
            }
        }
        Ok(())
    }

    fn leak_profile(&self, program: Option<&Built>) -> anyhow::Result<LeakProfile> {
        let mut profile = LeakProfile {
            left: None,
            reported: None,
            complete: None,
            not_measured: None,
        };
        let program = match program {
            Some(Ok(program)) => program,
            Some(Err(complaint)) => {
                profile.not_measured = Some(complaint.clone());
                return Ok(profile);
            }
            None => {
                profile.not_measured = self.toolchain.facts.no_leak_profile.clone();
                return Ok(profile);
            }
        };
        let mut complete = 0;
        for _ in 0..LEAK_RUNS {
            let outcome = self.run(program, None, "single")?;
            let left = outcome::goroutines_left(&outcome.output);
            let Some(reported) = outcome::leaks_reported(&outcome.output) else {
                profile.not_measured = Some("the program printed no profile".to_owned());
                return Ok(profile);
            };
            profile.left = left;
            let (fewest, most) = profile.reported.unwrap_or((reported, reported));
            profile.reported = Some((fewest.min(reported), most.max(reported)));
            complete += u32::from(left == Some(reported));
        }
        profile.complete = Some(Rate::new(complete, LEAK_RUNS));
        Ok(profile)
    }

    /// A scenario whose outcome is up to chance.
    fn concurrent(
        &self,
        scenario: &Scenario,
        plain: &Path,
        recovering: Option<&Path>,
        race: Option<&Built>,
        result: &mut ScenarioResult,
        progress: &ProgressBar,
    ) -> anyhow::Result<()> {
        let arguments: Vec<Option<&str>> = if scenario.arguments.is_empty() {
            vec![None]
        } else {
            scenario
                .arguments
                .iter()
                .map(|argument| Some(*argument))
                .collect()
        };
        // The argument with which it died most often, to look closer at.
        let mut died: Option<(u32, Option<&str>, Outcome)> = None;
        for argument in arguments {
            let mut outcomes = BTreeMap::new();
            let mut noticed = 0;
            for _ in 0..self.options.times {
                let outcome = self.run(plain, argument, "single")?;
                progress.inc(1);
                if let Some(headline) = outcome.headline() {
                    noticed += 1;
                    *outcomes.entry(headline).or_insert(0) += 1;
                    if died.as_ref().is_none_or(|(most, ..)| noticed > *most) {
                        died = Some((noticed, argument, outcome));
                    }
                } else if let Some(ended) = outcome.ended {
                    *outcomes.entry(ended).or_insert(0) += 1;
                }
            }
            let (race, no_race) = match self.race_of(scenario).and_then(|()| match race {
                Some(Ok(program)) => Ok(program),
                Some(Err(complaint)) => Err(format!("it does not build with -race: {complaint}")),
                None => Err("it was not built".to_owned()),
            }) {
                Err(reason) => (None, Some(reason)),
                Ok(program) => {
                    let mut reported = 0;
                    for _ in 0..self.options.times {
                        let outcome = self.run(program, argument, "single")?;
                        progress.inc(1);
                        reported += u32::from(outcome.race || outcome.died());
                    }
                    (Some(Rate::new(reported, self.options.times)), None)
                }
            };
            result.rates.push(Noticed {
                operations: argument.map(str::to_owned),
                runtime: Rate::new(noticed, self.options.times),
                race,
                no_race,
                outcomes,
            });
        }
        let Some((_, argument, outcome)) = died else {
            return Ok(());
        };
        result.detected = outcome.detected();
        result.exit_code = outcome.exit_code;
        result.messages = outcome.messages.clone();
        self.stacks(plain, argument, &outcome, result)?;
        if let Some(recovering) = recovering {
            for _ in 0..TRIES {
                let tamed = self.run(recovering, argument, "single")?;
                if tamed.died() {
                    result.recoverable =
                        Some(tamed.recovered.is_some() && tamed.exit_code == Some(0));
                    break;
                }
            }
        }
        Ok(())
    }

    fn run(
        &self,
        program: &Path,
        argument: Option<&str>,
        traceback: &str,
    ) -> anyhow::Result<Outcome> {
        let program = Program::new(program)
            .arguments(argument)
            .folder(self.workspace.path())
            .set("GOTRACEBACK", traceback)
            // The race detector would wait a second at the end of each run.
            .set("GORACE", "atexit_sleep_ms=0")
            .unset("GODEBUG")
            .unset("GOMAXPROCS")
            .unset("GOGC")
            .unset("GOMEMLIMIT");
        let finished = program
            .run(self.options.limit)
            .context("it does not start")?;
        Ok(outcome::read(&finished))
    }
}

/// The goroutines of `all` that are not among `printed`, by the function they were started with.
fn minus(all: Vec<Goroutine>, printed: &[Goroutine]) -> Vec<Goroutine> {
    let mut left: Vec<&str> = printed
        .iter()
        .map(|goroutine| goroutine.entry.as_str())
        .collect();
    let mut lost = Vec::new();
    for goroutine in all {
        match left.iter().position(|entry| *entry == goroutine.entry) {
            Some(position) => {
                left.swap_remove(position);
            }
            None => lost.push(goroutine),
        }
    }
    lost.sort();
    lost
}

/// A compiler's complaint without file and line, which say nothing to the reader of a table.
fn without_position(complaint: &str) -> String {
    match complaint.splitn(4, ':').collect::<Vec<_>>()[..] {
        [file, line, column, message]
            if file.ends_with(".go")
                && line.parse::<u32>().is_ok()
                && column.parse::<u32>().is_ok() =>
        {
            message.trim().to_owned()
        }
        _ => complaint.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_dropped() {
        assert_eq!(
            without_position("plain/x/main.go:10:11: invalid map key type []int"),
            "invalid map key type []int"
        );
        assert_eq!(without_position("no space left"), "no space left");
    }

    #[test]
    fn lost_goroutines() {
        let goroutine = |entry: &str| Goroutine {
            entry: entry.to_owned(),
            state: "running".to_owned(),
        };
        let lost = minus(
            vec![
                goroutine("main.main"),
                goroutine("main.main.func1"),
                goroutine("main.main.func1"),
            ],
            &[goroutine("main.main.func1")],
        );
        assert_eq!(lost, [goroutine("main.main"), goroutine("main.main.func1")]);
    }
}
