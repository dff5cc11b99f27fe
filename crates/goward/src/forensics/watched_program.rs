//! `goward crash --watch`: runs a program between the caller and its output.
//!
//! What the program writes is passed on as it comes, and its end is kept. A signal that reaches goward
//! is meant for the program: one that another process sent is passed on; one of the terminal (Ctrl-C,
//! Ctrl-\) has reached the program already, because both are in the terminal's foreground group. In
//! both cases goward only waits: what the program does about it, and its exit code, are its own.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};

use anyhow::Context;

/// How much of the end of each output is kept.
const KEPT: usize = 64 << 20;

/// A program that has ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// The end of what it wrote to standard error and to standard output.
    pub(crate) outputs: [Vec<u8>; 2],
}

/// What can happen while a program runs.
enum Event {
    /// It has ended, and can be waited for without waiting.
    #[cfg(unix)]
    Ended,
    /// Nothing can write to one of its outputs any more: which (as in `outputs`), and the end of
    /// what was written.
    Closed(usize, Vec<u8>),
    /// A signal reached goward; `passed_on` unless the terminal sent it to the program as well.
    #[cfg(unix)]
    Signal { number: i32, passed_on: bool },
}

/// Runs a program to its end.
#[expect(
    clippy::disallowed_methods,
    reason = "the command that the user asked to run"
)]
pub(crate) fn run(program: &str, arguments: &[String]) -> anyhow::Result<Ended> {
    let (sender, events) = channel();
    // Before the program starts: no signal may fall between.
    #[cfg(unix)]
    listen(sender.clone())?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    if let (Some(errors), Some(output)) = (child.stderr.take(), child.stdout.take()) {
        // The receiver is gone only when nobody wants what is sent any more.
        let to = sender.clone();
        std::thread::spawn(move || {
            _ = to.send(Event::Closed(0, pass_through(errors, std::io::stderr())));
        });
        let to = sender.clone();
        std::thread::spawn(move || {
            _ = to.send(Event::Closed(1, pass_through(output, std::io::stdout())));
        });
    }
    #[cfg(unix)]
    notice_end(&child, sender);
    wait(&mut child, &events).with_context(|| format!("cannot wait for {program}"))
}

/// Copies until the other side is closed, or nobody reads any more; then the program shall notice
/// that, too.
fn pass_through(mut from: impl Read, mut to: impl Write) -> Vec<u8> {
    let mut kept: Vec<u8> = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let got = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(got) => got,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        kept.extend_from_slice(&buffer[..got]);
        if kept.len() > 2 * KEPT {
            kept.drain(..kept.len() - KEPT);
        }
        if to
            .write_all(&buffer[..got])
            .and_then(|()| to.flush())
            .is_err()
        {
            break;
        }
    }
    kept
}

/// Until the program has ended and its output is closed, which processes that it leaves behind may
/// put off: then a signal ends the wait.
fn wait(child: &mut Child, events: &Receiver<Event>) -> std::io::Result<Ended> {
    let mut outputs = [Vec::new(), Vec::new()];
    let (mut closed, mut status) = (0, None);
    while closed < outputs.len() || (cfg!(unix) && status.is_none()) {
        let Ok(event) = events.recv() else {
            break;
        };
        match event {
            #[cfg(unix)]
            Event::Ended => status = Some(child.wait()?),
            Event::Closed(which, kept) => {
                outputs[which] = kept;
                closed += 1;
            }
            // The number of a process that was waited for may belong to another one already.
            #[cfg(unix)]
            Event::Signal { .. } if status.is_some() => break,
            #[cfg(unix)]
            Event::Signal { number, passed_on } => {
                if passed_on {
                    send(child, number);
                }
            }
        }
    }
    let status = match status {
        Some(status) => status,
        None => child.wait()?,
    };
    Ok(Ended { status, outputs })
}

/// Tells of the end of the program, and leaves it to be waited for: until then its number is its own.
#[cfg(unix)]
fn notice_end(child: &Child, sender: Sender<Event>) {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    let Some(id) = process(child) else {
        return;
    };
    std::thread::spawn(move || {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(
            waitid(WaitId::Pid(id), options),
            Err(rustix::io::Errno::INTR)
        ) {}
        _ = sender.send(Event::Ended);
    });
}

#[cfg(unix)]
fn send(child: &Child, number: i32) {
    if let (Some(id), Some(signal)) = (
        process(child),
        rustix::process::Signal::from_named_raw(number),
    ) {
        // It may just have ended.
        _ = rustix::process::kill_process(id, signal);
    }
}

#[cfg(unix)]
fn process(child: &Child) -> Option<rustix::process::Pid> {
    rustix::process::Pid::from_raw(i32::try_from(child.id()).ok()?)
}

/// Tells of the signals by which programs are asked for something.
#[cfg(unix)]
fn listen(sender: Sender<Event>) -> anyhow::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
    use signal_hook::iterator::SignalsInfo;
    use signal_hook::iterator::exfiltrator::raw::WithRawSiginfo;
    let numbers = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];
    let mut signals =
        SignalsInfo::<WithRawSiginfo>::new(numbers).context("cannot listen for signals")?;
    std::thread::spawn(move || {
        for signal in &mut signals {
            // Only a kernel gives these codes. Those of Linux are more than 0 (SI_FROMUSER in its
            // headers); elsewhere it gives none, or the SI_KERNEL of FreeBSD.
            let terminal = match signal.si_code {
                code if cfg!(target_os = "linux") => code > 0,
                code => code == 0 || code == 0x10006,
            };
            let event = Event::Signal {
                number: signal.si_signo,
                passed_on: !terminal,
            };
            if sender.send(event).is_err() {
                break;
            }
        }
    });
    Ok(())
}
