//! The JSON format of Chrome's trace viewer, which Perfetto and speedscope read, too.

use std::io::{self, Write};

use super::{Lane, Sink, Text};

/// Groups of lanes, as the processes that the format knows.
const PROCESSORS: u32 = 1;
const GOROUTINES: u32 = 2;
const TASKS: u32 = 3;
const REGIONS: u32 = 4;

pub(super) struct Chrome<W> {
    out: W,
    start: i64,
    line: Vec<u8>,
    first: bool,
}

impl<W: Write> Chrome<W> {
    pub(super) fn new(start: i64, mut out: W) -> io::Result<Self> {
        out.write_all(b"{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n")?;
        let mut chrome = Chrome {
            out,
            start,
            line: Vec::new(),
            first: true,
        };
        for (process, name) in [
            (PROCESSORS, "Processors"),
            (GOROUTINES, "Goroutines"),
            (TASKS, "Tasks"),
            (REGIONS, "Regions"),
        ] {
            chrome.event(
                "M",
                (process, 0),
                None,
                "process_name",
                &[("args", &format!("{{\"name\":{}}}", json(name)))],
            )?;
        }
        Ok(chrome)
    }

    /// Writes one event. The extra values must be JSON.
    fn event(
        &mut self,
        phase: &str,
        (process, thread): (u32, u64),
        time: Option<i64>,
        name: &str,
        extra: &[(&str, &str)],
    ) -> io::Result<()> {
        self.line.clear();
        if !std::mem::take(&mut self.first) {
            self.line.extend(b",\n");
        }
        write!(
            self.line,
            "{{\"ph\":\"{phase}\",\"pid\":{process},\"tid\":{thread},\"name\":{}",
            json(name)
        )?;
        if let Some(time) = time {
            self.line.extend(b",\"ts\":");
            microseconds(&mut self.line, time - self.start);
        }
        for (name, value) in extra {
            write!(self.line, ",\"{name}\":{value}")?;
        }
        self.line.push(b'}');
        self.out.write_all(&self.line)
    }
}

fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            // Angle brackets too, so that the text is harmless where it ends up in a page.
            '<' | '>' | '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            character => out.push(character),
        }
    }
    out.push('"');
    out
}

/// Microseconds with three decimals, without a detour over floating point.
fn microseconds(out: &mut Vec<u8>, nanoseconds: i64) {
    let nanoseconds = nanoseconds.max(0);
    out.extend(format!("{}.{:03}", nanoseconds / 1000, nanoseconds % 1000).as_bytes());
}

fn place(lane: Lane) -> (u32, u64) {
    match lane {
        Lane::Processor(processor) => (PROCESSORS, u64::from(processor)),
        Lane::Collector => (PROCESSORS, 1 << 20),
        Lane::Stops => (PROCESSORS, (1 << 20) + 1),
        Lane::Goroutine(index) => (GOROUTINES, u64::from(index)),
        Lane::Regions(index) => (REGIONS, u64::from(index)),
        Lane::Task(index) => (TASKS, u64::from(index)),
    }
}

impl<W: Write> Sink for Chrome<W> {
    fn lane(&mut self, lane: Lane, name: &str) -> io::Result<()> {
        let value = format!("{{\"name\":{}}}", json(name));
        self.event("M", place(lane), None, "thread_name", &[("args", &value)])
    }

    fn slice(
        &mut self,
        lane: Lane,
        begin: i64,
        end: i64,
        name: Text<'_>,
        detail: Text<'_>,
    ) -> io::Result<()> {
        let (name, detail) = (name.text, detail.text);
        let mut duration = Vec::new();
        microseconds(&mut duration, end - begin);
        let duration = String::from_utf8_lossy(&duration);
        if detail.is_empty() {
            return self.event("X", place(lane), Some(begin), name, &[("dur", &duration)]);
        }
        let arguments = format!("{{\"at\":{}}}", json(detail));
        self.event(
            "X",
            place(lane),
            Some(begin),
            name,
            &[("dur", &duration), ("args", &arguments)],
        )
    }

    fn instant(
        &mut self,
        lane: Lane,
        time: i64,
        name: Text<'_>,
        detail: Text<'_>,
    ) -> io::Result<()> {
        let (name, detail) = (name.text, detail.text);
        let arguments = format!("{{\"message\":{}}}", json(detail));
        self.event(
            "i",
            place(lane),
            Some(time),
            name,
            &[("s", "\"t\""), ("args", &arguments)],
        )
    }

    fn counter(&mut self, name: &str, time: i64, value: u64) -> io::Result<()> {
        let arguments = format!("{{\"value\":{value}}}");
        self.event(
            "C",
            (PROCESSORS, 0),
            Some(time),
            name,
            &[("args", &arguments)],
        )
    }

    fn arrow(&mut self, number: u64, from: (Lane, i64), to: (Lane, i64)) -> io::Result<()> {
        let id = number.to_string();
        let category = "\"wake\"";
        self.event(
            "s",
            place(from.0),
            Some(from.1),
            "wake",
            &[("cat", category), ("id", &id)],
        )?;
        self.event(
            "f",
            place(to.0),
            Some(to.1),
            "wake",
            &[("cat", category), ("id", &id), ("bp", "\"e\"")],
        )
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.write_all(b"\n]}\n")?;
        self.out.flush()
    }
}
