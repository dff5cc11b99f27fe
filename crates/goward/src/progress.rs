//! A progress bar for work that takes long enough to wonder about; only on a terminal.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use goward_diagnostics::neutralise;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work shorter than this shows nothing.
const PATIENCE: Duration = Duration::from_millis(400);

/// How far a check is. Shared between threads.
pub(crate) struct Progress {
    bar: ProgressBar,
    begun: Instant,
    visible: bool,
    shown: OnceLock<()>,
}

impl Progress {
    /// A bar on standard error if that is a terminal and `wanted`.
    pub(crate) fn new(wanted: bool) -> Progress {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {wide_msg}");
        bar.set_style(style.expect("the template is valid"));
        Progress {
            bar,
            begun: Instant::now(),
            visible: wanted,
            shown: OnceLock::new(),
        }
    }

    /// Begins a phase of `total` steps.
    pub(crate) fn start(&self, phase: &'static str, total: usize) {
        self.bar.set_prefix(phase);
        self.bar.set_length(total as u64);
        self.bar.set_position(0);
    }

    /// One more step is done; `name` is what it was about.
    pub(crate) fn step(&self, name: &str) {
        self.bar.inc(1);
        if self.visible && self.begun.elapsed() >= PATIENCE {
            // indicatif draws nothing when standard error is no terminal.
            self.shown
                .get_or_init(|| self.bar.set_draw_target(ProgressDrawTarget::stderr()));
            self.bar.set_message(neutralise(name).into_owned());
        }
    }

    /// Takes the bar away before findings are printed.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
