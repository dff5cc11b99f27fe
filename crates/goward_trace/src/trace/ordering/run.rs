//! The short way for the events that nearly all of a trace consists of, when nothing is odd about
//! them, and for many of one thread in a row.
//!
//! What happens here is exactly what [`Ordering::advance`] does with the same event. Whatever does
//! not look as usual (something is missing, the trace is broken) is left to it, untouched: so there
//! is nothing here that fails or makes a message.

use super::super::bytes::{Stand, Tape};
use super::goroutines::Change;
use super::{
    GO_RUNNABLE, GO_RUNNING, GO_SYSCALL, GO_WAITING, Generation, NO_SLOT, NO_TASK, NONE, Ordering,
    PROC_RUNNING, PROC_SYSCALL, wire,
};

/// Why a run over one thread's events ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The next event has its time, but is not to be tried now.
    Later,
    /// The event that the tape stands on is to be tried by [`Ordering::advance`].
    Unusual,
    /// The event that the tape stands on is not possible yet.
    NotYet,
    /// The event after the one that was taken last has to be looked for.
    Behind,
}

/// How many events a run takes at most.
#[derive(Clone, Copy)]
pub(crate) enum Bound {
    One,
    /// Those up to this time.
    Time(i64),
}

/// What a run has to know of the generation.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    number: u64,
    /// All strings and all stacks with numbers below these are there.
    strings: u64,
    stacks: u64,
}

impl Known {
    pub(crate) fn of(generation: &Generation) -> Self {
        let (strings, stacks) = generation.complete();
        Known {
            number: generation.number,
            strings,
            stacks,
        }
    }
}

/// How a run over one thread's events ended.
pub(crate) struct Run {
    pub(crate) exit: Exit,
    /// The time of the event that the tape stands on, or behind.
    pub(crate) time: i64,
    /// Where the tape stands.
    pub(crate) stand: Stand,
    /// How many events were taken.
    pub(crate) taken: usize,
}

impl Ordering {
    /// Takes events of a thread from a tape, as many as the bound says and the block has room for; the
    /// first one has the time that is given.
    #[inline(always)]
    pub(crate) fn run<const AHEAD: bool>(
        &mut self,
        mut tape: Tape<'_>,
        thread: u32,
        known: Known,
        time: i64,
        bound: Bound,
    ) -> Run {
        let Ordering {
            goroutines,
            threads,
            processors,
            tasks,
            names,
            block,
            ahead,
            ..
        } = self;
        let Some(runs) = threads.get_mut(thread as usize) else {
            return Run {
                exit: Exit::Unusual,
                time,
                stand: tape.stand(),
                taken: 0,
            };
        };
        let (m, p) = (runs.id, runs.p);
        if p == NONE || AHEAD && ahead.unknown_of(thread) != 0 {
            return Run {
                exit: Exit::Unusual,
                time,
                stand: tape.stand(),
                taken: 0,
            };
        }
        let (mut g, mut slot) = (runs.g, runs.slot);
        let Known {
            number,
            strings,
            stacks,
        } = known;
        let mut time = time;
        let mut last_time = block.last_time();
        let mut taken = 0;
        let (rooms, limit) = match bound {
            Bound::One => (block.rooms().get_mut(..1), i64::MAX),
            Bound::Time(limit) => (Some(block.rooms()), limit),
        };
        let mut rooms = rooms.unwrap_or_default().iter_mut();
        let exit = loop {
            let Some(room) = rooms.next() else {
                break Exit::Later;
            };
            // What is known before the event happens is in its place by then: it would only keep
            // registers from being used for what follows.
            let kind = tape.kind();
            let told = if time <= last_time {
                last_time.wrapping_add(1)
            } else {
                time
            };
            room.time = told;
            room.m = m;
            room.p = p;
            room.g = g;
            room.kind = kind;
            let next = match kind {
                wire::GO_START => {
                    let Some(([id, sequence], next)) = tape.arguments() else {
                        break Exit::Unusual;
                    };
                    let change = Change {
                        id: id as i64,
                        generation: number,
                        sequence,
                        from: GO_RUNNABLE,
                        to: GO_RUNNING,
                    };
                    if g != NONE {
                        break Exit::Unusual;
                    }
                    let Some(found) = goroutines.change(change) else {
                        break Exit::NotYet;
                    };
                    g = id as i64;
                    slot = found as u32;
                    room.arguments = [id, sequence, 0, 0];
                    next
                }
                wire::GO_UNBLOCK => {
                    let Some(([id, sequence, stack], next)) = tape.arguments() else {
                        break Exit::Unusual;
                    };
                    if stack >= stacks {
                        break Exit::Unusual;
                    }
                    let change = Change {
                        id: id as i64,
                        generation: number,
                        sequence,
                        from: GO_WAITING,
                        to: GO_RUNNABLE,
                    };
                    if goroutines.change(change).is_none() {
                        break Exit::NotYet;
                    }
                    room.arguments = [id, sequence, stack, 0];
                    next
                }
                wire::GO_BLOCK | wire::GO_STOP => {
                    let Some(([reason, stack], next)) = tape.arguments() else {
                        break Exit::Unusual;
                    };
                    let Some(found) = goroutines.running(g, slot) else {
                        break Exit::Unusual;
                    };
                    if reason >= strings || stack >= stacks {
                        break Exit::Unusual;
                    }
                    g = NONE;
                    slot = NO_SLOT;
                    goroutines.slots[found].status = if kind == wire::GO_BLOCK {
                        GO_WAITING
                    } else {
                        GO_RUNNABLE
                    };
                    room.arguments = [reason, stack, 0, 0];
                    next
                }
                wire::GO_DESTROY => {
                    let Some(([], next)) = tape.arguments() else {
                        break Exit::Unusual;
                    };
                    let Some(found) = goroutines.running(g, slot) else {
                        break Exit::Unusual;
                    };
                    g = NONE;
                    slot = NO_SLOT;
                    goroutines.remove(found);
                    room.arguments = [0; 4];
                    next
                }
                wire::GO_CREATE => {
                    let Some(([id, new, stack], next)) = tape.arguments() else {
                        break Exit::Unusual;
                    };
                    if g == NONE
                        || new >= stacks
                        || stack >= stacks
                        || goroutines.running(g, slot).is_none()
                    {
                        break Exit::Unusual;
                    }
                    if goroutines.insert(id as i64, GO_RUNNABLE, number).is_none() {
                        break Exit::Unusual;
                    }
                    if AHEAD {
                        ahead.created.note(id);
                    }
                    room.arguments = [id, new, stack, 0];
                    next
                }
                wire::USER_REGION_BEGIN | wire::USER_REGION_END => {
                    let Some(([task, string, stack], next)) = tape.arguments() else {
                        break Exit::Unusual;
                    };
                    if string >= strings || stack >= stacks {
                        break Exit::Unusual;
                    }
                    let (Some(name), Some(found)) =
                        (names.known(string), goroutines.running(g, slot))
                    else {
                        break Exit::Unusual;
                    };
                    let regions = &mut goroutines.extra(found).regions;
                    if kind == wire::USER_REGION_BEGIN {
                        regions.push((task, name));
                    } else {
                        if regions.last() != Some(&(task, name)) {
                            break Exit::Unusual;
                        }
                        regions.pop();
                    }
                    room.arguments = [task, string, stack, 0];
                    next
                }
                wire::USER_LOG => {
                    let Some(([task, key, value, stack], next)) = tape.arguments() else {
                        break Exit::Unusual;
                    };
                    if g == NONE || key >= strings || value >= strings || stack >= stacks {
                        break Exit::Unusual;
                    }
                    room.arguments = [task, key, value, stack];
                    next
                }
                wire::USER_TASK_BEGIN => {
                    let Some(([task, parent, string, stack], next)) = tape.arguments() else {
                        break Exit::Unusual;
                    };
                    if g == NONE || string >= strings || stack >= stacks {
                        break Exit::Unusual;
                    }
                    let Some(name) = names.known(string) else {
                        break Exit::Unusual;
                    };
                    let std::collections::hash_map::Entry::Vacant(entry) = tasks.entry(task) else {
                        break Exit::Unusual;
                    };
                    let parent = if parent == 0 { NO_TASK } else { parent };
                    entry.insert((name, parent));
                    if AHEAD {
                        ahead.begun_tasks.note(task);
                    }
                    room.arguments = [task, parent, string, stack];
                    next
                }
                wire::USER_TASK_END => {
                    let Some(([task, stack], next)) = tape.arguments() else {
                        break Exit::Unusual;
                    };
                    if g == NONE || stack >= stacks {
                        break Exit::Unusual;
                    }
                    let (name, parent) = match tasks.remove(&task) {
                        Some((name, parent)) => (u64::from(name) + 1, parent),
                        None if AHEAD => break Exit::Unusual,
                        None => (0, NO_TASK),
                    };
                    room.arguments = [task, stack, parent, name];
                    next
                }
                wire::GO_SYSCALL_BEGIN => {
                    let Some(([sequence, stack], next)) = tape.arguments() else {
                        break Exit::Unusual;
                    };
                    if stack >= stacks {
                        break Exit::Unusual;
                    }
                    let (Some(found), Some(known)) = (
                        goroutines.running(g, slot),
                        processors.get_mut(runs.processor as usize),
                    ) else {
                        break Exit::Unusual;
                    };
                    if known.generation != number || sequence != known.sequence.wrapping_add(1) {
                        break Exit::Unusual;
                    }
                    known.status = PROC_SYSCALL;
                    known.sequence = sequence;
                    goroutines.slots[found].status = GO_SYSCALL;
                    room.arguments = [sequence, stack, 0, 0];
                    next
                }
                wire::GO_SYSCALL_END => {
                    let Some(([], next)) = tape.arguments() else {
                        break Exit::Unusual;
                    };
                    let (Some(known), Some(own)) = (
                        processors.get_mut(runs.processor as usize),
                        goroutines.slots.get_mut(slot as usize),
                    ) else {
                        break Exit::Unusual;
                    };
                    if known.status != PROC_SYSCALL || own.id != g || own.status != GO_SYSCALL {
                        break Exit::Unusual;
                    }
                    known.status = PROC_RUNNING;
                    own.status = GO_RUNNING;
                    room.arguments = [0; 4];
                    next
                }
                wire::HEAP_ALLOC => {
                    let Some(([size], next)) = tape.arguments() else {
                        break Exit::Unusual;
                    };
                    room.arguments = [size, 0, 0, 0];
                    next
                }
                _ => break Exit::Unusual,
            };
            last_time = told;
            taken += 1;
            match tape.advance(next, time) {
                Some(later) => time = later,
                None => break Exit::Behind,
            }
            if time > limit {
                break Exit::Later;
            }
        };
        runs.g = g;
        runs.slot = slot;
        block.add(taken, last_time);
        Run {
            exit,
            time,
            stand: tape.stand(),
            taken,
        }
    }
}
