//! What the page of a trace takes in a browser: the time to its first paint, and the frames while the
//! timeline moves. Part of `cargo xtask bench trace`.

use std::fmt::Write as _;
use std::path::Path;

use crate::browser::Browser;

/// Moves the timeline at each frame, zoomed in and out, and gives the times between frames and what
/// drawing one took, in milliseconds.
const MOVE: &str = "
const times = [], chart = document.getElementById('chart');
const press = key => dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
for (let i = 0; i < 12; i++) press('w');
let last = performance.now();
for (let i = 0; i < 240; i++) {
  press(i < 120 ? 'd' : i < 200 ? 's' : 'ArrowDown');
  const now = await new Promise(requestAnimationFrame);
  times.push(now - last);
  last = now;
}
times.sort((a, b) => a - b);
return [times[120], times[228], times[239], Number(document.documentElement.dataset.frame)];";

/// Writes the figures of a page.
pub(crate) fn report(page: &Path, report: &mut String) {
    let Some(mut browser) = Browser::start(1600, 1000, false) else {
        let _ = writeln!(report, "  (no browser on this machine to show the page in)");
        return;
    };
    let mut least = f64::MAX;
    for _ in 0..5 {
        browser.open(&format!("file://{}", page.display()));
        let ready = browser.run(
            "while (!document.documentElement.dataset.ready) await new Promise(done => setTimeout(done, 20));
             return Number(document.documentElement.dataset.ready);",
        );
        least = least.min(ready.as_f64().unwrap_or(f64::MAX));
    }
    let _ = writeln!(
        report,
        "  the page in Chromium: first paint of the timeline {least:.0} ms after the address was opened (wall)"
    );
    let frames = browser.run(MOVE);
    let figure = |index: usize| frames[index].as_f64().unwrap_or(f64::NAN);
    let _ = writeln!(
        report,
        "  the page in Chromium: 240 moves, half of the frames within {:.1} ms, 95 % within {:.1} ms, the longest {:.1} ms; drawing one takes {:.2} ms (wall)",
        figure(0),
        figure(1),
        figure(2),
        figure(3)
    );
}
