//! The page of a trace, looked at in a real browser, and the server of larger ones.
//!
//! Tests that need the browser say so and pass where chromedriver and Chromium (Debian packages
//! `chromium-driver` and `chromium`) are not installed.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests run the command on files that they write"
)]
#![expect(clippy::print_stderr, reason = "a skipped test says why")]

mod browser;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use browser::Browser;
use serde_json::Value;

const TRACE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../goward_trace/tests/traces/service-go126.trace"
);

fn goward(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goward"));
    command.args(arguments);
    command
}

/// Writes the page of a trace and returns its address.
fn page(folder: &Path, trace: &str) -> String {
    let path = folder.join("page.html");
    let output = goward(&["trace", trace, "--html", &path.display().to_string()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code().is_some_and(|code| code < 2), "{said}");
    format!("file://{}", path.display())
}

fn browser(dark: bool) -> Option<Browser> {
    let browser = Browser::start(1400, 900, dark);
    if browser.is_none() {
        eprintln!(
            "skipped: no browser to look with (Debian packages chromium and chromium-driver)"
        );
    }
    browser
}

/// Loads a page, waits until it has drawn, and fails if it says that it cannot.
fn open(browser: &mut Browser, address: &str) {
    browser.open(address);
    let state = browser.run(
        "for (let i = 0; i < 600; i++) {
           const seen = document.documentElement.dataset;
           if (seen.ready || seen.failed) return seen.failed ? document.getElementById('facts').textContent : 'ready';
           await new Promise(done => setTimeout(done, 50));
         }
         return 'nothing drawn';",
    );
    assert_eq!(state, "ready");
}

/// A figure that the timeline says of its last frame, once it has drawn.
fn figure(browser: &mut Browser, name: &str) -> f64 {
    let script = format!(
        "await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
         return Number(document.getElementById('chart').dataset.{name});"
    );
    browser.run(&script).as_f64().unwrap()
}

fn text(browser: &mut Browser, id: &str) -> String {
    let script = format!("return document.getElementById('{id}').innerText;");
    browser.run(&script).as_str().unwrap_or_default().to_owned()
}

fn length(browser: &mut Browser) -> f64 {
    figure(browser, "to") - figure(browser, "from")
}

/// The middle of the first lane whose title holds a text, in the timeline's own words: found by
/// pointing at the labels one after the other.
fn lane(browser: &mut Browser, title: &str) -> Option<(i64, i64)> {
    let bounds = browser.run(
        "const box = document.getElementById('chart').getBoundingClientRect();
         return [box.left, box.top, box.right, box.bottom];",
    );
    let bound = |index: usize| bounds[index].as_f64().unwrap() as i64;
    for y in (bound(1) + 30..bound(3)).step_by(9) {
        browser.point((bound(0) + 40, y));
        if text(browser, "tip").contains(title) {
            return Some(((bound(0) + 250 + bound(2)) / 2, y));
        }
    }
    None
}

#[test]
fn the_page_does_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let address = page(folder.path(), TRACE);
    let Some(mut browser) = browser(false) else {
        return;
    };
    open(&mut browser, &address);
    let all = figure(&mut browser, "rows");
    assert!(all > 20.0, "{all} lanes");
    let whole = length(&mut browser);
    // The timeline is drawn: it has the colours of running, runnable and waiting.
    let colors = browser.run(
        "const chart = document.getElementById('chart'), found = new Set();
         const pixels = chart.getContext('2d').getImageData(0, 0, chart.width, chart.height).data;
         for (let i = 0; i < pixels.length; i += 4) found.add((pixels[i] << 16 | pixels[i + 1] << 8 | pixels[i + 2]).toString(16));
         return ['2e9e5b', 'e2a52b', 'b9c3d0'].filter(color => found.has(color)).length;",
    );
    assert_eq!(colors, 3);
    assert!(browser.picture().len() > 20_000, "the window is blank");
    assert!(text(&mut browser, "side").contains("Exceptions"));
    assert!(text(&mut browser, "details").contains("Click a lane"));

    // An exception: its path in the timeline, the way back in words.
    browser.press(&["e"]);
    assert!(figure(&mut browser, "path") > 0.0);
    assert!(length(&mut browser) < whole);
    let details = text(&mut browser, "details");
    assert!(details.contains("the way back"), "{details}");
    browser.press(&["\u{e00c}", "0"]);
    assert_eq!(figure(&mut browser, "path"), 0.0);
    assert_eq!(length(&mut browser), whole);

    // Zoom by key and by wheel, pan by key and by hand, and the minimap.
    browser.press(&["w", "w"]);
    let zoomed = length(&mut browser);
    assert!(zoomed < whole * 0.6, "{zoomed} of {whole}");
    let middle = (900, 500);
    browser.wheel(middle, -200);
    assert!(length(&mut browser) < zoomed);
    let before = figure(&mut browser, "from");
    browser.press(&["d"]);
    let after = figure(&mut browser, "from");
    assert!(after > before);
    browser.drag(middle, (middle.0 + 150, middle.1), None);
    assert!(figure(&mut browser, "from") < after);
    let mini = browser.run(
        "const box = document.getElementById('mini').getBoundingClientRect();
         return [box.left + 30, box.top + 20];",
    );
    let mini = (
        mini[0].as_f64().unwrap() as i64,
        mini[1].as_f64().unwrap() as i64,
    );
    browser.drag(mini, mini, None);
    assert!(figure(&mut browser, "from") < whole * 0.2);
    browser.press(&["0"]);

    // Search: fewer lanes, then the one that was meant.
    browser.press(&["/", "m", "a", "i", "n", ".", "m", "a", "i", "n"]);
    let few = figure(&mut browser, "rows");
    assert!(few > 0.0 && few < all, "{few} of {all}");
    browser.press(&["\u{e007}"]);
    assert_eq!(figure(&mut browser, "rows"), all);
    assert!(text(&mut browser, "details").contains("main.main"));
    browser.press(&["/", "n", "o", "n", "e", "!"]);
    assert_eq!(figure(&mut browser, "rows"), 0.0);
    browser.press(&["\u{e00c}", "0"]);
    assert_eq!(figure(&mut browser, "rows"), all);

    // Under the pointer, a click for stacks, and a selection's flame graph.
    browser.press(&["/", "g", " ", "1", " ", "m", "a", "i", "n"]);
    let at = lane(&mut browser, "G 1 main.main").expect("the lane of main.main");
    browser.point(at);
    let tip = text(&mut browser, "tip");
    assert!(tip.contains("at +"), "{tip}");
    browser.drag(at, at, None);
    let details = text(&mut browser, "details");
    assert!(details.contains("main.main"), "{details}");
    assert!(details.contains("stack"), "{details}");
    browser.drag((700, 500), (1200, 500), Some("\u{e008}"));
    let details = text(&mut browser, "details");
    assert!(details.contains("selected"), "{details}");
    assert_eq!(
        browser.run("return document.getElementById('flame').width > 100;"),
        true
    );
}

/// In the dark the ground is dark, and what is written on it is light.
#[test]
fn the_page_has_dark_colours() {
    let folder = tempfile::tempdir().unwrap();
    let address = page(folder.path(), TRACE);
    let Some(mut browser) = browser(true) else {
        return;
    };
    open(&mut browser, &address);
    let seen = browser.run(
        "const style = getComputedStyle(document.body);
         const chart = document.getElementById('chart').getContext('2d');
         const light = text => text.match(/\\d+/g).slice(0, 3).map(Number).reduce((a, b) => a + b) / 3;
         return [light(style.backgroundColor), light(style.color), ...chart.getImageData(2, 40, 1, 1).data.slice(0, 1)];",
    );
    let light = |index: usize| seen[index].as_f64().unwrap();
    assert!(
        light(0) < 60.0 && light(1) > 180.0 && light(2) < 60.0,
        "{seen}"
    );
}

/// Names are the program's: what looks like markup is shown as text, and does nothing.
#[test]
fn hostile_names_do_nothing_in_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let wire = goward(&["trace", "--wire", TRACE]).output().unwrap().stdout;
    let wire = String::from_utf8(wire).unwrap();
    // As long as the name that it takes the place of: the sizes of batches stay right.
    let hostile = "<img src>";
    let changed = wire.replace("data=\"main.pick", &format!("data=\"{hostile}"));
    assert_ne!(changed, wire);
    let trace = folder.path().join("<b>hostile<b>.trace");
    let bytes = goward_trace::trace::trace_of_text(&format!("Trace Go1.26\n{changed}")).unwrap();
    std::fs::write(&trace, bytes).unwrap();
    let address = page(folder.path(), &trace.display().to_string());
    let html = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(!html.contains("<b>hostile"));
    let Some(mut browser) = browser(false) else {
        return;
    };
    open(&mut browser, &address);
    browser.press(&["e"]);
    assert!(text(&mut browser, "side").contains(hostile));
    let seen = browser.run(
        "return [document.images.length, document.querySelectorAll('b').length, document.title];",
    );
    assert_eq!(seen[0], 0);
    assert!(
        seen[2]
            .as_str()
            .is_some_and(|title| title.contains("goward"))
    );
}

/// A `goward trace --serve` that ends with the value.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(arguments: &[&str]) -> Server {
        let mut child = goward(&["trace", TRACE])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut address)
            .unwrap();
        Server {
            child,
            address: address.trim().to_owned(),
        }
    }

    /// The status line and the body of the answer to a request with this host.
    fn ask(&self, target: &str, host: &str) -> (String, String) {
        let authority = self.address.trim_start_matches("http://");
        let authority = authority.split('/').next().unwrap();
        let mut stream = TcpStream::connect(authority).unwrap();
        write!(stream, "GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.lines().next().unwrap_or_default().to_owned();
        (status, body.to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_server_answers_this_machine_only_with_details_on_demand() {
    let server = Server::start(&["--serve", "--lanes", "3"]);
    assert!(server.address.starts_with("http://127.0.0.1:"));
    let (status, body) = server.ask("/", "localhost");
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(body.starts_with("<!doctype html>"));
    for (target, host, expected) in [
        ("/", "evil.example", "403 Forbidden"),
        ("/lane?index=0", "evil.example", "403 Forbidden"),
        ("/lane?index=99999999", "localhost", "404 Not Found"),
        ("/goroutine?id=-7", "localhost", "404 Not Found"),
        ("/../etc/passwd", "localhost", "404 Not Found"),
    ] {
        let (status, _) = server.ask(target, host);
        assert_eq!(status, format!("HTTP/1.1 {expected}"), "{target}");
    }
    // A part of a lane: spans that touch the window, and nothing else.
    let lane = |from: i64, to: i64| -> Vec<(i64, i64)> {
        let (status, body) =
            server.ask(&format!("/goroutine?id=1&from={from}&to={to}"), "127.0.0.1");
        assert_eq!(status, "HTTP/1.1 200 OK");
        let tile: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(tile["exact"], true);
        let numbers: Vec<i64> = tile["spans"]
            .as_array()
            .unwrap()
            .iter()
            .map(|number| number.as_i64().unwrap())
            .collect();
        let mut at = 0;
        numbers
            .chunks(7)
            .map(|span| {
                let begin = at + span[0];
                at = begin + span[1];
                (begin, at)
            })
            .collect()
    };
    let all = lane(0, i64::MAX);
    assert!(all.len() > 5);
    let middle = all[all.len() / 2];
    let part = lane(middle.0 + 1, middle.1 - 1);
    assert_eq!(part, [middle]);
}

#[test]
fn another_address_needs_the_token() {
    let server = Server::start(&["--serve=0.0.0.0:0"]);
    let (_, token) = server.address.split_once("?token=").unwrap();
    assert_eq!(token.len(), 32);
    let port = server.address.rsplit(':').next().unwrap();
    let port = port.split('/').next().unwrap();
    let local = Server {
        address: format!("http://127.0.0.1:{port}/"),
        child: Command::new("true").spawn().unwrap(),
    };
    assert_eq!(local.ask("/", "localhost").0, "HTTP/1.1 403 Forbidden");
    let wrong = format!("/?token={}", "0".repeat(32));
    assert_eq!(local.ask(&wrong, "localhost").0, "HTTP/1.1 403 Forbidden");
    let right = format!("/?token={token}");
    assert_eq!(local.ask(&right, "10.0.0.7").0, "HTTP/1.1 200 OK");
    let lane = format!("/lane?index=0&token={token}");
    assert_eq!(local.ask(&lane, "10.0.0.7").0, "HTTP/1.1 200 OK");
}

#[test]
fn a_goroutine_that_is_not_in_the_page_comes_from_the_server() {
    let server = Server::start(&["--serve", "--lanes", "3"]);
    let Some(mut browser) = browser(false) else {
        return;
    };
    open(&mut browser, &server.address);
    let before = figure(&mut browser, "rows");
    browser.press(&["/", "1", "\u{e007}"]);
    let after = browser.run(
        "const filter = document.getElementById('filter');
         for (let i = 0; i < 200 && filter.value; i++) await new Promise(done => setTimeout(done, 50));
         await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
         return Number(document.getElementById('chart').dataset.rows);",
    );
    assert_eq!(after.as_f64(), Some(before + 1.0));
}
