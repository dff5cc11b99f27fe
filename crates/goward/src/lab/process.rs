//! Runs a program with a time limit and bounded memory for what it prints.

#![expect(clippy::disallowed_methods, reason = "the lab starts programs")]

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// What is kept of each of the two outputs, in bytes; the rest is read and dropped.
const KEPT: usize = 1 << 20;

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The exit status, or `None` if the time limit was reached and the program killed.
    pub(crate) status: Option<ExitStatus>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    pub(crate) fn success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// Why it did not end well, in words.
    pub(crate) fn describe(&self) -> String {
        match self.status {
            None => "it reached the time limit".to_owned(),
            Some(status) => match status.code() {
                Some(code) => format!("it ended with exit code {code}"),
                None => format!("it was killed ({status})"),
            },
        }
    }
}

/// A program to start; a thin layer over [`Command`].
pub(crate) struct Program(Command);

impl Program {
    pub(crate) fn new(path: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(path);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self(command)
    }

    pub(crate) fn arguments<S: AsRef<OsStr>>(
        mut self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Self {
        self.0.args(arguments);
        self
    }

    pub(crate) fn folder(mut self, folder: &Path) -> Self {
        self.0.current_dir(folder);
        self
    }

    pub(crate) fn set(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    pub(crate) fn unset(mut self, name: &str) -> Self {
        self.0.env_remove(name);
        self
    }

    /// Sends the standard output into a file, where it is not cut.
    pub(crate) fn output_to(mut self, file: &Path) -> io::Result<Self> {
        self.0.stdout(std::fs::File::create(file)?);
        Ok(self)
    }

    /// Runs the program to its end, or kills it after `limit`.
    pub(crate) fn run(mut self, limit: Duration) -> io::Result<Finished> {
        let deadline = Instant::now() + limit;
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut self.0, 0);
        let mut child = self.0.spawn()?;
        let (sender, receiver) = mpsc::channel();
        let mut pending = 0;
        let outputs: [Option<Box<dyn Read + Send>>; 2] = [
            child
                .stdout
                .take()
                .map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
            child
                .stderr
                .take()
                .map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
        ];
        for (index, pipe) in outputs.into_iter().enumerate() {
            if let Some(pipe) = pipe {
                pending += 1;
                let sender = sender.clone();
                std::thread::spawn(move || {
                    // The receiver is gone after the time limit; nobody needs the output then.
                    _ = sender.send((index, drain(pipe)));
                });
            }
        }
        let mut texts = [String::new(), String::new()];
        let mut timed_out = false;
        while pending > 0 {
            match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok((index, text)) => {
                    texts[index] = text;
                    pending -= 1;
                }
                Err(_) if timed_out => break,
                Err(_) => {
                    timed_out = true;
                    kill(&mut child);
                    break;
                }
            }
        }
        // Its outputs are closed: it has ended, or is about to, unless it closed them itself.
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if Instant::now() >= deadline && !timed_out {
                timed_out = true;
                kill(&mut child);
            }
            std::thread::sleep(Duration::from_micros(200));
        };
        // After a kill the pipes close at once; what was printed until then is of use.
        while timed_out && pending > 0 {
            let Ok((index, text)) = receiver.recv_timeout(Duration::from_millis(500)) else {
                break;
            };
            texts[index] = text;
            pending -= 1;
        }
        let [stdout, stderr] = texts;
        Ok(Finished {
            status: (!timed_out).then_some(status),
            stdout,
            stderr,
        })
    }
}

/// Kills the program and what it started: `go build` leaves compilers behind otherwise.
fn kill(child: &mut std::process::Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw)
    {
        _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    _ = child.kill();
}

fn drain(mut pipe: impl Read) -> String {
    let mut kept = Vec::new();
    let mut buffer = [0; 16 << 10];
    loop {
        match pipe.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => kept.extend_from_slice(&buffer[..n.min(KEPT - kept.len())]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str, limit: u64) -> Finished {
        Program::new("sh")
            .arguments(["-c", script])
            .run(Duration::from_millis(limit))
            .unwrap()
    }

    #[test]
    fn output_and_status() {
        let finished = shell("echo out; echo err >&2; exit 3", 10_000);
        assert_eq!(
            (finished.stdout.as_str(), finished.stderr.as_str()),
            ("out\n", "err\n")
        );
        assert_eq!(finished.describe(), "it ended with exit code 3");
    }

    #[test]
    fn time_limit_kills_children_too() {
        let before = Instant::now();
        let finished = shell("echo begun; sleep 30 & sleep 30; echo never", 300);
        assert!(finished.status.is_none());
        assert_eq!(finished.stdout, "begun\n");
        assert!(before.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn closed_outputs_do_not_escape_the_time_limit() {
        let finished = shell("exec >/dev/null 2>&1; sleep 30", 300);
        assert!(finished.status.is_none());
    }

    #[test]
    fn large_output_is_cut() {
        let finished = shell("head -c 5000000 /dev/zero", 10_000);
        assert!(finished.success());
        assert_eq!(finished.stdout.len(), KEPT);
    }
}
