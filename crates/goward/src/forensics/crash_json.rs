//! The result of `goward crash` as JSON.
//!
//! `{dumps: [{kind, panics: [{text, recovered, repanicked, raised_by, during}], original, fatal,
//! goroutines, clusters, …}]}`: the names are a contract, see `docs/crash.md`. What a dump cannot
//! tell is null. The dumps are written one goroutine at a time, so that memory does not grow with
//! the output.

use std::io::Write;

use goward_trace::dump::cluster::{Cluster, clusters};
use goward_trace::dump::wait::{Wait, Waits};
use goward_trace::dump::{Call, Dump, FrameId, Goroutine, Panic, Report, access, under_way};
use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};

use super::crash_text::Shown;
use super::escape::HarmlessJson;
use super::finding_view::FindingView;

/// Writes all dumps of all files.
pub(crate) fn write(out: impl Write, shown: &[Shown<'_>]) -> anyhow::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(out, HarmlessJson);
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry("dumps", &Dumps(shown))?;
    SerializeMap::end(map)?;
    serializer.into_inner().write_all(b"\n")?;
    Ok(())
}

struct Dumps<'s>(&'s [Shown<'s>]);

impl Serialize for Dumps<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for shown in self.0 {
            for dump in &shown.report.dumps {
                list.serialize_element(&One { shown, dump })?;
            }
        }
        list.end()
    }
}

struct One<'s> {
    shown: &'s Shown<'s>,
    dump: &'s Dump<'s>,
}

impl Serialize for One<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (shown, dump) = (self.shown, self.dump);
        let report = shown.report;
        let waits = Waits::find(report, dump, 0..dump.goroutines.len());
        let clusters = clusters(report, dump);
        let place = |id| Place { shown, id };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", dump.kind.name())?;
        map.serialize_entry("file", shown.name)?;
        map.serialize_entry("line", &dump.at_line)?;
        let panics: Vec<_> = dump
            .panics
            .iter()
            .map(|panic| PanicView { shown, panic })
            .collect();
        map.serialize_entry("panics", &panics)?;
        map.serialize_entry("original", &dump.original)?;
        let fatal = dump.fatal.as_ref().map(|fatal| FatalView {
            text: fatal.text,
            raised_by: fatal.raised_by.map(place),
            during: fatal.during.map(place),
        });
        map.serialize_entry("fatal", &fatal)?;
        map.serialize_entry("signal", &dump.signal)?;
        let crashed = dump.crashed.map(|index| dump.goroutines[index].id);
        map.serialize_entry("crashed_goroutine", &crashed)?;
        let own = dump
            .crashed
            .and_then(|index| report.own_frame(report.stack(&dump.goroutines[index])));
        map.serialize_entry("first_own_frame", &own.map(place))?;
        map.serialize_entry("explanation", &super::crash_text::explain(shown, dump))?;
        map.serialize_entry("doubts", &dump.doubts)?;
        map.serialize_entry("notes", &dump.notes)?;
        let others: Vec<_> = access::other_sides(report, dump, &|frame| shown.sources.line(frame))
            .iter()
            .map(|candidate| OtherSide {
                goroutine: dump.goroutines[candidate.goroutine].id,
                at: place(candidate.at),
                reason: candidate.reason.describe(),
            })
            .collect();
        map.serialize_entry("other_side", &others)?;
        map.serialize_entry("map_uses", &super::crash_text::map_uses(shown, dump))?;
        let accesses: Vec<_> = dump
            .accesses
            .iter()
            .map(|access| AccessView {
                operation: access.operation.to_lowercase(),
                previous: access.previous,
                address: access.address,
                goroutine: dump.goroutines[access.goroutine].id,
                at: report
                    .stack(&dump.goroutines[access.goroutine])
                    .iter()
                    .map(|call| call.frame)
                    .find(|&id| !report.frame(id).runtime)
                    .map(place),
            })
            .collect();
        map.serialize_entry("accesses", &accesses)?;
        let findings = super::crash_text::findings(shown, dump);
        let findings: Vec<_> = findings
            .iter()
            .map(|explained| FindingView::new(shown.hazards, explained))
            .collect();
        map.serialize_entry("findings", &findings)?;
        map.serialize_entry(
            "goroutines",
            &Goroutines {
                shown,
                dump,
                waits: &waits,
            },
        )?;
        map.serialize_entry(
            "clusters",
            &Clusters {
                shown,
                dump,
                waits: &waits,
                clusters: &clusters,
            },
        )?;
        map.end()
    }
}

/// A frame with its source line.
#[derive(Clone, Copy)]
struct Place<'s> {
    shown: &'s Shown<'s>,
    id: FrameId,
}

impl Serialize for Place<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let frame = self.shown.report.frame(self.id);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("function", frame.function)?;
        map.serialize_entry("file", &(!frame.file.is_empty()).then_some(frame.file))?;
        map.serialize_entry("line", &(frame.line != 0).then_some(frame.line))?;
        if let Some(text) = self.shown.sources.line(frame) {
            map.serialize_entry("source", &text)?;
        }
        map.end()
    }
}

struct PanicView<'s> {
    shown: &'s Shown<'s>,
    panic: &'s Panic<'s>,
}

impl Serialize for PanicView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let panic = self.panic;
        let place = |id| Place {
            shown: self.shown,
            id,
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("text", &panic.text)?;
        map.serialize_entry("recovered", &panic.recovered)?;
        map.serialize_entry("repanicked", &panic.repanicked)?;
        map.serialize_entry("raised_by", &panic.raised_by.map(place))?;
        map.serialize_entry("during", &panic.during.map(place))?;
        if let Some(again) = panic.raised_again_by {
            map.serialize_entry("raised_again_by", &place(again))?;
        }
        if let (None, Some(why)) = (panic.raised_by, panic.unknown) {
            map.serialize_entry("unknown", why)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct FatalView<'s> {
    text: &'s str,
    raised_by: Option<Place<'s>>,
    during: Option<Place<'s>>,
}

#[derive(Serialize)]
struct OtherSide<'s> {
    goroutine: u64,
    at: Place<'s>,
    reason: &'static str,
}

#[derive(Serialize)]
struct AccessView<'s> {
    operation: String,
    previous: bool,
    address: &'s str,
    goroutine: u64,
    at: Option<Place<'s>>,
}

struct Goroutines<'s> {
    shown: &'s Shown<'s>,
    dump: &'s Dump<'s>,
    waits: &'s Waits,
}

impl Serialize for Goroutines<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.dump.goroutines.len()))?;
        for (index, goroutine) in self.dump.goroutines.iter().enumerate() {
            list.serialize_element(&GoroutineView {
                shown: self.shown,
                dump: self.dump,
                goroutine,
                wait: self.waits.wait(index),
                wakers: self.waits.wakers(index),
            })?;
        }
        list.end()
    }
}

struct GoroutineView<'s> {
    shown: &'s Shown<'s>,
    dump: &'s Dump<'s>,
    goroutine: &'s Goroutine<'s>,
    wait: Option<&'s Wait>,
    wakers: &'s [u32],
}

impl Serialize for GoroutineView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let goroutine = self.goroutine;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &goroutine.id)?;
        map.serialize_entry("state", goroutine.state)?;
        map.serialize_entry("wait_minutes", &goroutine.wait_minutes)?;
        map.serialize_entry("line", &goroutine.at_line)?;
        if goroutine.id == 0 {
            map.serialize_entry("system_stack", &true)?;
        }
        for (name, set) in [
            ("locked_to_thread", goroutine.locked_to_thread),
            ("leaked", goroutine.leaked),
            ("stack_unavailable", goroutine.unavailable),
        ] {
            if set {
                map.serialize_entry(name, &true)?;
            }
        }
        if let Some(labels) = goroutine.labels {
            map.serialize_entry("labels", labels)?;
        }
        if let Some(bubble) = goroutine.bubble {
            map.serialize_entry("bubble", &bubble)?;
        }
        if let Some(elided) = goroutine.elided {
            map.serialize_entry("frames_elided", &elided)?;
        }
        map.serialize_entry(
            "created_by",
            &goroutine.created_by.map(|id| Place {
                shown: self.shown,
                id,
            }),
        )?;
        map.serialize_entry("parent", &goroutine.parent)?;
        map.serialize_entry(
            "waits_for",
            &self.wait.map(|wait| WaitView {
                shown: self.shown,
                wait,
            }),
        )?;
        let ids: Vec<u64> = self
            .wakers
            .iter()
            .map(|&index| self.dump.goroutines[index as usize].id)
            .collect();
        map.serialize_entry("could_be_woken_by", &ids)?;
        let crashed = self
            .dump
            .crashed
            .is_some_and(|index| std::ptr::eq(&self.dump.goroutines[index], goroutine));
        let panics = if crashed {
            Vec::new()
        } else {
            under_way(self.shown.report, goroutine)
        };
        if !panics.is_empty() {
            let panics: Vec<_> = panics
                .iter()
                .map(|panic| PanicView {
                    shown: self.shown,
                    panic,
                })
                .collect();
            map.serialize_entry("panics", &panics)?;
        }
        map.serialize_entry(
            "frames",
            &Stack {
                shown: self.shown,
                calls: self.shown.report.stack(goroutine),
            },
        )?;
        map.end()
    }
}

struct WaitView<'s> {
    shown: &'s Shown<'s>,
    wait: &'s Wait,
}

impl Serialize for WaitView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("operation", self.wait.operation.name())?;
        map.serialize_entry(
            "object",
            &self.wait.object.map(|address| format!("{address:#x}")),
        )?;
        map.serialize_entry(
            "at",
            &self.wait.at.map(|id| Place {
                shown: self.shown,
                id,
            }),
        )?;
        map.serialize_entry("woken_by", &self.wait.operation.woken_by())?;
        map.serialize_entry("never_ends", &self.wait.operation.never_ends())?;
        map.end()
    }
}

struct Stack<'s> {
    shown: &'s Shown<'s>,
    calls: &'s [Call<'s>],
}

impl Serialize for Stack<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.calls.iter().map(|call| Place {
            shown: self.shown,
            id: call.frame,
        }))
    }
}

struct Clusters<'s> {
    shown: &'s Shown<'s>,
    dump: &'s Dump<'s>,
    waits: &'s Waits,
    clusters: &'s [Cluster],
}

impl Serialize for Clusters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(
            self.clusters
                .iter()
                .map(|cluster| ClusterView { of: self, cluster }),
        )
    }
}

struct ClusterView<'s> {
    of: &'s Clusters<'s>,
    cluster: &'s Cluster,
}

impl Serialize for ClusterView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (shown, dump) = (self.of.shown, self.of.dump);
        let first = self.cluster.members[0] as usize;
        let goroutine = &dump.goroutines[first];
        let report: &Report<'_> = shown.report;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("count", &self.cluster.members.len())?;
        map.serialize_entry("state", goroutine.state)?;
        let wait_minutes = self.cluster.wait_minutes.map(|(least, most)| [least, most]);
        map.serialize_entry("wait_minutes", &wait_minutes)?;
        map.serialize_entry(
            "created_by",
            &goroutine.created_by.map(|id| Place { shown, id }),
        )?;
        map.serialize_entry(
            "waits_for",
            &self
                .of
                .waits
                .wait(first)
                .map(|wait| WaitView { shown, wait }),
        )?;
        map.serialize_entry(
            "frames",
            &Stack {
                shown,
                calls: report.stack(goroutine),
            },
        )?;
        let ids: Vec<u64> = self
            .cluster
            .members
            .iter()
            .map(|&index| dump.goroutines[index as usize].id)
            .collect();
        map.serialize_entry("goroutines", &ids)?;
        map.end()
    }
}
