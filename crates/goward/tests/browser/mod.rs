//! A browser to look at pages with: chromedriver, spoken to over the WebDriver protocol.
//!
//! Just what the tests and benchmarks of pages need: load a page, run a script in it, take a picture.
#![expect(
    clippy::disallowed_methods,
    reason = "the browser is a program to start"
)]
#![expect(
    clippy::print_stderr,
    reason = "what the browser refuses is for whoever runs it"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// A running browser; it ends with the value.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

impl Browser {
    /// Starts a browser without a window, with this size and with dark colours if wanted. Nothing if
    /// the machine has none.
    pub(crate) fn start(width: u32, height: u32, dark: bool) -> Option<Browser> {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut lines = BufReader::new(driver.stdout.take()?);
        let mut port = None;
        while port.is_none() {
            let mut line = String::new();
            if lines.read_line(&mut line).ok()? == 0 {
                break;
            }
            port = line
                .split_once("successfully on port ")
                .and_then(|(_, rest)| rest.trim().trim_end_matches('.').parse().ok());
        }
        // Whatever it says later must not fill the pipe.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        let mut browser = Browser {
            driver,
            port: port?,
            session: String::new(),
        };
        let mut arguments = vec![
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--hide-scrollbars".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            format!("--window-size={width},{height}"),
        ];
        if dark {
            arguments.push("--blink-settings=preferredColorScheme=0".to_owned());
        }
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": arguments},
        }}});
        let answer = browser.ask("POST", "/session", &wanted)?;
        answer["sessionId"]
            .as_str()?
            .clone_into(&mut browser.session);
        let patient = json!({"script": 120_000, "pageLoad": 120_000});
        browser.command("timeouts", &patient)?;
        Some(browser)
    }

    /// Loads an address.
    pub(crate) fn open(&mut self, address: &str) {
        self.command("url", &json!({"url": address}))
            .unwrap_or_else(|| panic!("the browser does not open {address}"));
    }

    /// Runs the body of a function in the page and returns its value; it may await.
    pub(crate) fn run(&mut self, script: &str) -> Value {
        let body = format!(
            "const done = arguments[arguments.length - 1]; \
             (async () => {{ {script} }})().then(done, e => done('failed: ' + e));"
        );
        self.command("execute/async", &json!({"script": body, "args": []}))
            .unwrap_or_else(|| panic!("the browser does not answer to {script}"))
    }

    /// Presses keys, one after the other.
    pub(crate) fn press(&mut self, keys: &[&str]) {
        let strokes: Vec<Value> = keys
            .iter()
            .flat_map(|key| {
                [
                    json!({"type": "keyDown", "value": key}),
                    json!({"type": "keyUp", "value": key}),
                ]
            })
            .collect();
        self.act(&json!([{"type": "key", "id": "keys", "actions": strokes}]));
    }

    /// Moves the pointer to a point of the window.
    pub(crate) fn point(&mut self, (x, y): (i64, i64)) {
        self.act(&json!([{"type": "pointer", "id": "mouse", "actions": [
            {"type": "pointerMove", "duration": 0, "x": x, "y": y},
        ]}]));
    }

    /// Presses the pointer at one point and releases it at another, perhaps with a key held down.
    pub(crate) fn drag(&mut self, from: (i64, i64), to: (i64, i64), key: Option<&str>) {
        let pause = json!({"type": "pause", "duration": 0});
        let mut held = vec![pause.clone(); 4];
        if let Some(key) = key {
            held.insert(0, json!({"type": "keyDown", "value": key}));
            held.push(json!({"type": "keyUp", "value": key}));
        } else {
            held.insert(0, pause.clone());
        }
        self.act(&json!([
            {"type": "key", "id": "keys", "actions": held},
            {"type": "pointer", "id": "mouse", "actions": [
                pause,
                {"type": "pointerMove", "duration": 0, "x": from.0, "y": from.1},
                {"type": "pointerDown", "button": 0},
                {"type": "pointerMove", "duration": 30, "x": to.0, "y": to.1},
                {"type": "pointerUp", "button": 0},
            ]},
        ]));
    }

    /// Turns the wheel at a point.
    pub(crate) fn wheel(&mut self, (x, y): (i64, i64), by: i64) {
        self.act(&json!([{"type": "wheel", "id": "wheel", "actions": [
            {"type": "scroll", "duration": 0, "x": x, "y": y, "deltaX": 0, "deltaY": by},
        ]}]));
    }

    fn act(&mut self, actions: &Value) {
        self.command("actions", &json!({"actions": actions}))
            .unwrap_or_else(|| panic!("the browser refuses {actions}"));
    }

    /// A picture of the window, as a PNG in base64.
    pub(crate) fn picture(&mut self) -> String {
        let path = format!("/session/{}/screenshot", self.session);
        self.ask("GET", &path, &Value::Null)
            .and_then(|picture| Some(picture.as_str()?.to_owned()))
            .unwrap_or_default()
    }

    fn command(&mut self, name: &str, body: &Value) -> Option<Value> {
        let path = format!("/session/{}/{name}", self.session);
        self.ask("POST", &path, body)
    }

    /// One request; its value, or nothing if the driver refuses.
    fn ask(&mut self, method: &str, path: &str, body: &Value) -> Option<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream
            .set_read_timeout(Some(Duration::from_secs(150)))
            .ok()?;
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost:{}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.port,
            body.len()
        )
        .ok()?;
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let good = line.contains(" 200 ");
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line).ok()? == 0 || line.trim_end().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok()?;
            }
        }
        let mut answer = Vec::new();
        reader.take(length).read_to_end(&mut answer).ok()?;
        let answer: Value = serde_json::from_slice(&answer).ok()?;
        if good {
            return Some(answer["value"].clone());
        }
        eprintln!("the browser says {answer}");
        None
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let path = format!("/session/{}", self.session);
            let _ = self.ask("DELETE", &path, &Value::Null);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
