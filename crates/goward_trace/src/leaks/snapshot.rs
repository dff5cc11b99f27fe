//! Makes snapshots of profiles and dumps.

use rustc_hash::FxHashMap;

use super::{Group, Seen, Site, Snapshot};
use crate::dump::wait::{Operation, wait};
use crate::dump::{Dump, FrameId, Report};
use crate::profile::{Kind, Profile};

/// The goroutines of a goroutine or goroutineleak profile; `None` if it is of another kind.
pub fn from_profile(profile: &Profile, name: &str) -> Option<Snapshot> {
    let only_leaked = match profile.kind() {
        Kind::Goroutine => false,
        Kind::GoroutineLeak => true,
        _ => return None,
    };
    let mut seen: Vec<Seen> = Vec::new();
    let mut index: FxHashMap<Group, usize> = FxHashMap::default();
    for (stack, count) in profile.by_stack(0) {
        let names: Vec<&str> = profile
            .stack(stack)
            .iter()
            .map(|&line| profile.function(line).name.as_str())
            .collect();
        let operation = operation(&names);
        let frames: Vec<Site> = profile
            .stack(stack)
            .iter()
            .map(|&line| {
                let function = profile.function(line);
                Site {
                    function: function.name.clone(),
                    file: function.file.clone(),
                    line: line.line,
                }
            })
            .filter(|site| !is_runtime(site))
            .collect();
        // A stack of the runtime alone is one of its own workers.
        if frames.is_empty() {
            continue;
        }
        let count = u64::try_from(count).unwrap_or(0);
        let group = Group {
            operation: operation.map(plain),
            frames,
        };
        let at = *index.entry(group.clone()).or_insert_with(|| {
            seen.push(Seen {
                group,
                count: 0,
                wait_minutes: None,
                never_ends: operation.is_some_and(Operation::never_ends),
                found_leaked: 0,
                created_by: None,
                ids: Vec::new(),
            });
            seen.len() - 1
        });
        seen[at].count += count;
        if only_leaked {
            seen[at].found_leaked += count;
        }
    }
    Some(Snapshot {
        name: name.to_owned(),
        instance: name.to_owned(),
        seconds: (profile.time_nanos > 0).then(|| profile.time_nanos as f64 / 1e9),
        seen,
        only_leaked,
    })
}

/// The goroutines of a listing or crash dump.
pub fn from_report(report: &Report<'_>, dump: &Dump<'_>, name: &str) -> Snapshot {
    let mut seen: Vec<Seen> = Vec::new();
    let mut index: FxHashMap<(Option<Operation>, Vec<FrameId>), usize> = FxHashMap::default();
    let site = |id: FrameId| {
        let frame = report.frame(id);
        Site {
            function: frame.function.to_owned(),
            file: frame.file.to_owned(),
            line: frame.line,
        }
    };
    for goroutine in &dump.goroutines {
        let waiting = wait(report, goroutine);
        let operation = waiting.map(|wait| wait.operation);
        if goroutine.id == 0 || operation == Some(Operation::Runtime) {
            continue;
        }
        let frames: Vec<FrameId> = report
            .stack(goroutine)
            .iter()
            .map(|call| call.frame)
            .filter(|&id| !report.frame(id).runtime)
            .collect();
        let at = *index
            .entry((operation, frames))
            .or_insert_with_key(|(_, frames)| {
                seen.push(Seen {
                    group: Group {
                        operation: operation.map(plain),
                        frames: frames.iter().map(|&id| site(id)).collect(),
                    },
                    count: 0,
                    wait_minutes: None,
                    never_ends: operation.is_some_and(Operation::never_ends),
                    found_leaked: 0,
                    created_by: goroutine.created_by.map(site),
                    ids: Vec::new(),
                });
                seen.len() - 1
            });
        seen[at].count += 1;
        seen[at].ids.push(goroutine.id);
        seen[at].found_leaked += u64::from(goroutine.leaked);
        seen[at].wait_minutes = seen[at].wait_minutes.max(goroutine.wait_minutes);
    }
    Snapshot {
        name: name.to_owned(),
        instance: name.to_owned(),
        seconds: None,
        seen,
        only_leaked: false,
    }
}

/// Profiles do not tell nil channels from others, so groups do not either; that is kept beside.
fn plain(operation: Operation) -> Operation {
    match operation {
        Operation::NilChannelSend => Operation::ChannelSend,
        Operation::NilChannelReceive => Operation::ChannelReceive,
        other => other,
    }
}

fn is_runtime(site: &Site) -> bool {
    site.function.starts_with("runtime.")
        || site.function.starts_with("internal/runtime/")
        || site
            .file
            .rsplit_once('/')
            .is_some_and(|(folder, _)| folder == "runtime" || folder.ends_with("/src/runtime"))
}

/// What a stack waits in, from the runtime's functions at its top.
fn operation(names: &[&str]) -> Option<Operation> {
    let has = |name: &str| names.contains(&name);
    if names.first() != Some(&"runtime.gopark") {
        let in_system_call = names.iter().take(6).any(|name| {
            matches!(
                *name,
                "runtime.cgocall"
                    | "syscall.Syscall"
                    | "syscall.Syscall6"
                    | "internal/runtime/syscall.Syscall6"
                    | "internal/runtime/syscall/linux.Syscall6"
            )
        });
        return in_system_call.then_some(Operation::SystemCall);
    }
    let found = names.iter().find_map(|name| {
        Some(match *name {
            "runtime.chansend" | "runtime.chansend1" => Operation::ChannelSend,
            "runtime.chanrecv" | "runtime.chanrecv1" | "runtime.chanrecv2" => {
                Operation::ChannelReceive
            }
            "runtime.selectgo" => Operation::Select,
            "runtime.block" => Operation::SelectNoCases,
            "runtime.netpollblock" => Operation::Io,
            "time.Sleep" | "runtime.timeSleep" => Operation::Sleep,
            "sync.(*Cond).Wait" | "sync.runtime_notifyListWait" => Operation::Condition,
            "sync.(*RWMutex).Lock" => Operation::ReadWriteMutexLock,
            "sync.(*RWMutex).RLock" | "sync.runtime_SemacquireRWMutexR" => {
                Operation::ReadWriteMutexReadLock
            }
            "sync.(*WaitGroup).Wait" | "sync.runtime_SemacquireWaitGroup" => Operation::WaitGroup,
            "runtime.bgsweep"
            | "runtime.bgscavenge"
            | "runtime.forcegchelper"
            | "runtime.runfinq"
            | "runtime.runFinalizers"
            | "runtime.gcBgMarkWorker"
            | "runtime.runCleanups" => Operation::Runtime,
            _ => return None,
        })
    });
    found.or_else(|| {
        let mutex = has("sync.(*Mutex).Lock")
            || has("sync.(*Mutex).lockSlow")
            || has("internal/sync.(*Mutex).lockSlow");
        let rest = if mutex {
            Operation::MutexLock
        } else {
            Operation::Semaphore
        };
        names
            .iter()
            .any(|name| name.starts_with("runtime.semacquire"))
            .then_some(rest)
    })
}
