//! Replays the scheduler to put the events of all threads into one order.
//!
//! Times of different threads are only a guess at the order; what decides is whether an event is
//! possible in the state that the events before it left: a goroutine starts only once it is
//! runnable and its sequence number is next. This file follows `$GOROOT/src/internal/trace/order.go`
//! event by event, including what it accepts and what it calls broken, so that a trace gives the
//! same events, in the same order and with the same verdict, as Go's own reader.
//!
//! Two things differ, for speed. Goroutines live in slots and threads remember the slot of theirs,
//! so that most events need no look-up; and names are interned, so that regions compare numbers.

use rustc_hash::FxHashMap;

use super::block::Block;
use super::decoding::Decoded;
use super::event::{Event, GoState, NO_TASK, NONE, ProcState};
use super::generation::{Failure, Generation};
use super::wire::{self, EventType};

mod adopting;
mod ahead;
mod annotations;
mod goroutines;
mod processors;
mod ranges;
mod run;

pub(crate) use ahead::Ahead;
use goroutines::{Goroutines, NO_SLOT};
use ranges::Ranges;
pub(crate) use run::{Bound, Exit, Known};

const GO_RUNNABLE: u8 = 1;
const GO_RUNNING: u8 = 2;
const GO_SYSCALL: u8 = 3;
const GO_WAITING: u8 = 4;

const PROC_RUNNING: u8 = 1;
const PROC_IDLE: u8 = 2;
const PROC_SYSCALL: u8 = 3;
const PROC_SYSCALL_ABANDONED: u8 = 4;

/// What a thread runs.
#[derive(Clone, Copy)]
struct Thread {
    id: i64,
    g: i64,
    /// A guess at the slot of `g`, checked before use.
    slot: u32,
    p: i64,
    /// Index of `p` in the processors, where `p` is one.
    processor: u32,
}

struct Processor {
    id: i64,
    status: u8,
    generation: u64,
    sequence: u64,
    ranges: Ranges,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Collector {
    Undetermined,
    NotRunning,
    Running,
}

/// Task names and region names, each with a number that holds for the whole trace.
#[derive(Default)]
pub(crate) struct Names {
    numbers: FxHashMap<Box<[u8]>, u32>,
    texts: Vec<Box<[u8]>>,
    /// For the string numbers of the present generation: the name's number plus one.
    dense: Vec<u32>,
}

impl Names {
    /// The number of a string of the present generation that was asked for before.
    #[inline]
    fn known(&self, id: u64) -> Option<u32> {
        self.dense.get(id as usize)?.checked_sub(1)
    }

    fn intern(&mut self, generation: &Generation, id: u64) -> Option<u32> {
        const DENSE: u64 = 1 << 20;
        if let Some(number) = self.known(id) {
            return Some(number);
        }
        let number = self.number(generation.string(id)?);
        if id < DENSE {
            if self.dense.len() <= id as usize {
                self.dense.resize(id as usize + 1, 0);
            }
            self.dense[id as usize] = number + 1;
        }
        Some(number)
    }

    fn number(&mut self, text: &[u8]) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.texts.len() as u32;
        self.texts.push(text.into());
        self.numbers.insert(text.into(), number);
        number
    }

    /// The name with this number.
    pub(crate) fn text(&self, number: u32) -> &[u8] {
        self.texts.get(number as usize).map_or(b"", |text| text)
    }
}

/// The scheduler's state, as far as the events so far tell it.
pub(crate) struct Ordering {
    goroutines: Goroutines,
    threads: Vec<Thread>,
    thread_index: FxHashMap<i64, u32>,
    processors: Vec<Processor>,
    processor_index: FxHashMap<i64, u32>,
    tasks: FxHashMap<u64, (u32, u64)>,
    collector: Collector,
    collector_sequence: u64,
    first_generation: u64,
    pub(crate) names: Names,
    pub(crate) block: Block,
    /// Of a generation that is put into order ahead of its turn: its events, and what was taken for
    /// granted.
    pub(crate) ahead: Ahead,
}

/// A failure is boxed so that the result of the usual case fits two registers.
type Step = Result<bool, Box<Failure>>;

// What makes the message is called in a function of its own, so that the usual way stays short.
#[cold]
#[inline(never)]
fn fail(text: impl FnOnce() -> String) -> Step {
    Err(Box::new(Failure::Broken(text())))
}

#[cold]
#[inline(never)]
fn bad(text: impl FnOnce() -> String) -> Box<Failure> {
    Box::new(Failure::Broken(text()))
}

#[cold]
fn missing(what: &str) -> Box<Failure> {
    Box::new(Failure::new(format!(
        "expected a {what} but didn't have one"
    )))
}

#[cold]
fn surplus(what: &str) -> Box<Failure> {
    Box::new(Failure::new(format!("expected no {what} but had one")))
}

/// The scheduling context of an event.
#[derive(Clone, Copy)]
struct Context {
    m: i64,
    p: i64,
    g: i64,
    slot: u32,
    processor: u32,
    /// Index of `m` in the threads, or [`NO_THREAD`].
    thread: u32,
}

/// No thread: larger than any index.
pub(crate) const NO_THREAD: u32 = u32::MAX;

impl Context {
    fn need_thread(&self) -> Result<(), Box<Failure>> {
        if self.m == NONE {
            Err(missing("thread"))
        } else {
            Ok(())
        }
    }

    fn need_processor(&self) -> Result<(), Box<Failure>> {
        self.need_thread()?;
        if self.p == NONE {
            Err(missing("proc"))
        } else {
            Ok(())
        }
    }

    /// What running Go code needs: a thread, a processor and a goroutine.
    #[inline]
    fn need_all(&self) -> Result<(), Box<Failure>> {
        if self.m != NONE && self.p != NONE && self.g != NONE {
            return Ok(());
        }
        self.need_processor()?;
        Err(missing("goroutine"))
    }

    fn event(&self, kind: EventType, time: i64, arguments: [u64; 4]) -> Event {
        Event {
            time,
            m: self.m,
            p: self.p,
            g: self.g,
            arguments,
            kind,
        }
    }
}

impl Ordering {
    pub(crate) fn new() -> Self {
        Ordering {
            goroutines: Goroutines::default(),
            threads: Vec::new(),
            thread_index: FxHashMap::default(),
            processors: Vec::new(),
            processor_index: FxHashMap::default(),
            tasks: FxHashMap::default(),
            collector: Collector::Undetermined,
            collector_sequence: 0,
            first_generation: 0,
            names: Names::default(),
            block: Block::default(),
            ahead: Ahead::default(),
        }
    }

    /// Called once for each generation, before its events.
    pub(crate) fn start_generation(&mut self) {
        self.names.dense.clear();
    }

    fn thread(&mut self, id: i64) -> u32 {
        *self.thread_index.entry(id).or_insert_with(|| {
            self.threads.push(Thread {
                id,
                g: NONE,
                slot: NO_SLOT,
                p: NONE,
                processor: u32::MAX,
            });
            self.threads.len() as u32 - 1
        })
    }

    fn processor(&self, id: i64) -> Option<u32> {
        self.processor_index.get(&id).copied()
    }

    #[inline]
    fn go_slot(&mut self, context: &Context) -> Option<usize> {
        self.goroutines.find_with_hint(context.g, context.slot)
    }

    /// The index of a thread in the ordering's state, for [`Ordering::advance`]; none without one.
    /// To be called when the thread's first event of the generation is tried.
    #[cold]
    pub(crate) fn thread_of(&mut self, m: i64, generation: &Generation) -> u32 {
        if self.first_generation == 0 {
            self.first_generation = generation.number;
        }
        if m == NONE { NO_THREAD } else { self.thread(m) }
    }

    /// Tries an event of a thread. True: it happened, and its events stand in the block. False: it
    /// is not possible yet. Some events leave with arguments that carry what they found (the state
    /// before, the name of an ended task).
    #[inline(never)]
    pub(crate) fn advance(
        &mut self,
        mut event: Decoded,
        thread: u32,
        generation: &Generation,
    ) -> Step {
        let event = &mut event;
        let mut context = Context {
            m: NONE,
            p: NONE,
            g: NONE,
            slot: NO_SLOT,
            processor: u32::MAX,
            thread,
        };
        if let Some(known) = self.threads.get(thread as usize) {
            context = Context {
                m: known.id,
                p: known.p,
                g: known.g,
                slot: known.slot,
                processor: known.processor,
                thread,
            };
        }
        match event.kind {
            wire::GO_START => self.go_start(event, generation, context),
            wire::GO_UNBLOCK => self.go_unblock(event, generation, context),
            wire::GO_BLOCK | wire::GO_STOP | wire::GO_DESTROY => self.go_stop(event, context),
            wire::USER_REGION_BEGIN | wire::USER_REGION_END => {
                self.user_region(event, generation, context)
            }
            wire::GO_CREATE | wire::GO_CREATE_BLOCKED => self.go_create(event, generation, context),
            wire::USER_LOG | wire::GO_LABEL | wire::PROCS_CHANGE => {
                context.need_all()?;
                self.emit(event, &context)
            }
            wire::HEAP_ALLOC | wire::HEAP_GOAL => {
                context.need_processor()?;
                self.emit(event, &context)
            }
            wire::USER_TASK_BEGIN => self.user_task_begin(event, generation, context),
            wire::USER_TASK_END => self.user_task_end(event, context),
            wire::GO_SYSCALL_BEGIN => self.go_syscall_begin(event, generation, context),
            wire::GO_SYSCALL_END => self.go_syscall_end(event, context),
            wire::GO_SYSCALL_END_BLOCKED => self.go_syscall_end_blocked(event, context),
            wire::PROC_START => self.proc_start(event, generation, context),
            wire::PROC_STOP => self.proc_stop(event, context),
            wire::PROC_STEAL => self.proc_steal(event, generation, context),
            wire::PROC_STATUS => self.proc_status(event, generation, context),
            wire::GO_STATUS | wire::GO_STATUS_STACK => self.go_status(event, generation, context),
            wire::GO_CREATE_SYSCALL => self.go_create_syscall(event, generation, context),
            wire::GO_DESTROY_SYSCALL => self.go_destroy_syscall(event, context),
            wire::GO_SWITCH | wire::GO_SWITCH_DESTROY => self.go_switch(event, generation, context),
            wire::STW_BEGIN | wire::GC_MARK_ASSIST_BEGIN => self.go_range_begin(event, context),
            wire::STW_END | wire::GC_MARK_ASSIST_END => self.go_range_end(event, context),
            wire::GC_MARK_ASSIST_ACTIVE => self.go_range_active(event, generation, context),
            wire::GC_SWEEP_BEGIN | wire::GC_SWEEP_END => self.sweep(event, context),
            wire::GC_SWEEP_ACTIVE => self.sweep_active(event, generation, context),
            wire::GC_ACTIVE | wire::GC_BEGIN | wire::GC_END => {
                self.collect(event, generation, context)
            }
            wire::SPAN..=wire::GOROUTINE_STACK_FREE => {
                context.need_thread()?;
                self.emit(event, &context)
            }
            kind => fail(|| format!("bad event type found while ordering: {kind}")),
        }
    }

    #[inline]
    fn emit(&mut self, event: &Decoded, context: &Context) -> Step {
        self.block
            .push(context.event(event.kind, event.time, event.arguments));
        Ok(true)
    }

    #[inline]
    fn bind_goroutine(&mut self, context: &Context, g: i64, slot: u32) {
        if let Some(thread) = self.threads.get_mut(context.thread as usize) {
            thread.g = g;
            thread.slot = slot;
        }
    }

    fn bind_processor(&mut self, context: &Context, p: i64, processor: u32) {
        if let Some(thread) = self.threads.get_mut(context.thread as usize) {
            thread.p = p;
            thread.processor = processor;
        }
    }

    fn go_status(
        &mut self,
        event: &mut Decoded,
        generation: &Generation,
        context: Context,
    ) -> Step {
        let id = event.arguments[0] as i64;
        let m = event.arguments[1] as i64;
        let status = event.arguments[2] as u8;
        let Some(mut old) = GoState::of_status(status) else {
            return fail(|| format!("invalid status for goroutine {id}: {status}"));
        };
        let first = generation.number == self.first_generation;
        let slot = match self.goroutines.find(id) {
            Some(slot) => {
                let known = &mut self.goroutines.slots[slot];
                if known.status != status {
                    return fail(|| {
                        format!(
                            "inconsistent status for goroutine {id}: old {} vs. new {}",
                            go_status_name(known.status),
                            go_status_name(status)
                        )
                    });
                }
                known.generation = generation.number;
                known.sequence = 0;
                slot
            }
            None if first => {
                old = GoState::Undetermined;
                match self.goroutines.insert(id, status, generation.number) {
                    Some(slot) => slot,
                    None => return fail(|| format!("goroutine {id} exists twice")),
                }
            }
            None => {
                return fail(|| {
                    format!(
                        "found goroutine status for new goroutine after the first generation: id={id} status={}",
                        go_status_name(status)
                    )
                });
            }
        };
        event.arguments[2] = (old as u64) << 32 | u64::from(status);
        let mut shown = context;
        match status {
            GO_RUNNING => self.bind_goroutine(&context, id, slot as u32),
            GO_SYSCALL => {
                if m == NONE {
                    return fail(|| format!("found goroutine {id} in syscall without a thread"));
                }
                if m == context.m {
                    if !first && context.g != id {
                        return fail(|| {
                            format!(
                                "inconsistent thread for syscalling goroutine {id}: thread has goroutine {}",
                                context.g
                            )
                        });
                    }
                    self.bind_goroutine(&context, id, slot as u32);
                } else {
                    match self.thread_index.get(&m) {
                        Some(&thread) => {
                            let thread = self.threads[thread as usize];
                            if thread.g != id {
                                return fail(|| {
                                    format!(
                                        "inconsistent thread for syscalling goroutine {id}: thread has goroutine {}",
                                        thread.g
                                    )
                                });
                            }
                            shown.g = thread.g;
                        }
                        None => {
                            let thread = self.thread(m) as usize;
                            self.threads[thread].g = id;
                            self.threads[thread].slot = slot as u32;
                        }
                    }
                    shown.m = m;
                }
            }
            _ => {}
        }
        self.emit(event, &shown)
    }

    fn go_create(&mut self, event: &Decoded, generation: &Generation, context: Context) -> Step {
        context.need_processor()?;
        if let Some(slot) = self.go_slot(&context)
            && self.goroutines.slots[slot].status != GO_RUNNING
        {
            return fail(|| {
                format!(
                    "{} event for goroutine that's not Running",
                    event_name(event.kind)
                )
            });
        }
        let id = event.arguments[0] as i64;
        let status = if event.kind == wire::GO_CREATE_BLOCKED {
            GO_WAITING
        } else {
            GO_RUNNABLE
        };
        if self
            .goroutines
            .insert(id, status, generation.number)
            .is_none()
        {
            return fail(|| format!("tried to create goroutine ({id}) that already exists"));
        }
        self.emit(event, &context)
    }

    /// The slot of the goroutine that must be running for this event.
    fn running(&mut self, event: &Decoded, context: &Context) -> Result<usize, Box<Failure>> {
        context.need_all()?;
        let Some(slot) = self.go_slot(context) else {
            return Err(bad(|| {
                format!(
                    "event {} for goroutine ({}) that doesn't exist",
                    event_name(event.kind),
                    context.g
                )
            }));
        };
        if self.goroutines.slots[slot].status != GO_RUNNING {
            return Err(bad(|| {
                format!(
                    "{} event for goroutine that's not Running",
                    event_name(event.kind)
                )
            }));
        }
        Ok(slot)
    }

    #[inline]
    fn go_stop(&mut self, event: &Decoded, context: Context) -> Step {
        let slot = self.running(event, &context)?;
        match event.kind {
            wire::GO_DESTROY => self.goroutines.remove(slot),
            wire::GO_STOP => self.goroutines.slots[slot].status = GO_RUNNABLE,
            _ => self.goroutines.slots[slot].status = GO_WAITING,
        }
        self.bind_goroutine(&context, NONE, NO_SLOT);
        self.emit(event, &context)
    }

    #[inline]
    fn go_start(&mut self, event: &Decoded, generation: &Generation, context: Context) -> Step {
        let id = event.arguments[0] as i64;
        let Some(slot) = self.goroutines.find(id) else {
            return Ok(false);
        };
        let known = &mut self.goroutines.slots[slot];
        if known.status != GO_RUNNABLE
            || known.generation != generation.number
            || event.arguments[1] != known.sequence.wrapping_add(1)
        {
            return Ok(false);
        }
        context.need_processor()?;
        if context.g != NONE {
            return Err(surplus("goroutine"));
        }
        known.status = GO_RUNNING;
        known.sequence = event.arguments[1];
        self.bind_goroutine(&context, id, slot as u32);
        self.emit(event, &context)
    }

    #[inline]
    fn go_unblock(&mut self, event: &Decoded, generation: &Generation, context: Context) -> Step {
        let Some(slot) = self.goroutines.find(event.arguments[0] as i64) else {
            return Ok(false);
        };
        let known = &mut self.goroutines.slots[slot];
        if known.status != GO_WAITING
            || known.generation != generation.number
            || event.arguments[1] != known.sequence.wrapping_add(1)
        {
            return Ok(false);
        }
        known.status = GO_RUNNABLE;
        known.sequence = event.arguments[1];
        self.emit(event, &context)
    }

    /// A coroutine switch: the next goroutine is unblocked, the present one blocks or ends, and the
    /// next one starts, in one step.
    fn go_switch(&mut self, event: &Decoded, generation: &Generation, context: Context) -> Step {
        let current = self.running(event, &context)?;
        let next = event.arguments[0] as i64;
        let Some(slot) = self.goroutines.find(next) else {
            return Ok(false);
        };
        let known = &self.goroutines.slots[slot];
        if known.status != GO_WAITING
            || known.generation != generation.number
            || event.arguments[1] != known.sequence.wrapping_add(1)
        {
            return Ok(false);
        }
        let stopped = if event.kind == wire::GO_SWITCH {
            self.goroutines.slots[current].status = GO_WAITING;
            wire::GO_BLOCK
        } else {
            self.goroutines.remove(current);
            wire::GO_DESTROY
        };
        let known = &mut self.goroutines.slots[slot];
        known.status = GO_RUNNING;
        known.sequence = event.arguments[1];
        let started = Context { g: NONE, ..context };
        let arguments = [next as u64, event.arguments[1], 0, 0];
        for event in [
            context.event(event.kind, event.time, event.arguments),
            context.event(stopped, event.time, [0; 4]),
            started.event(wire::GO_START, event.time, arguments),
        ] {
            self.block.push(event);
        }
        self.bind_goroutine(&context, next, slot as u32);
        Ok(true)
    }

    fn go_syscall_begin(
        &mut self,
        event: &Decoded,
        generation: &Generation,
        context: Context,
    ) -> Step {
        let slot = self.running(event, &context)?;
        self.goroutines.slots[slot].status = GO_SYSCALL;
        let Some(index) = self.own_processor(&context) else {
            return fail(|| {
                format!(
                    "uninitialized proc {} found during GoSyscallBegin",
                    context.p
                )
            });
        };
        let known = &mut self.processors[index as usize];
        known.status = PROC_SYSCALL;
        // The processor's sequence number tells which syscall a later steal refers to.
        if known.generation != generation.number
            || event.arguments[0] != known.sequence.wrapping_add(1)
        {
            return fail(|| {
                format!(
                    "failed to advance GoSyscallBegin: can't make sequence: {} (gen={}) -> {} (gen={})",
                    known.sequence, known.generation, event.arguments[0], generation.number
                )
            });
        }
        known.sequence = event.arguments[0];
        self.emit(event, &context)
    }

    fn go_syscall_end(&mut self, event: &Decoded, context: Context) -> Step {
        let slot = self.in_syscall(event, &context, true)?;
        self.goroutines.slots[slot].status = GO_RUNNING;
        let Some(index) = self.own_processor(&context) else {
            return fail(|| format!("uninitialized proc {} found during GoSyscallEnd", context.p));
        };
        let known = &mut self.processors[index as usize];
        if known.status != PROC_SYSCALL {
            return fail(|| {
                format!(
                    "expected proc {} in state Syscall, but got {} instead",
                    context.p,
                    proc_status_name(known.status)
                )
            });
        }
        known.status = PROC_RUNNING;
        self.emit(event, &context)
    }

    fn in_syscall(
        &mut self,
        event: &Decoded,
        context: &Context,
        with_processor: bool,
    ) -> Result<usize, Box<Failure>> {
        if with_processor {
            context.need_all()?;
        } else {
            context.need_thread()?;
            if context.g == NONE {
                return Err(missing("goroutine"));
            }
        }
        let name = event_name(event.kind);
        let Some(slot) = self.go_slot(context) else {
            return Err(bad(|| {
                format!(
                    "event {name} for goroutine ({}) that doesn't exist",
                    context.g
                )
            }));
        };
        if self.goroutines.slots[slot].status != GO_SYSCALL {
            return Err(bad(|| {
                format!("{name} event for goroutine that's not in a syscall")
            }));
        }
        Ok(slot)
    }

    fn go_syscall_end_blocked(&mut self, event: &Decoded, context: Context) -> Step {
        // The event says that the processor was lost in the syscall, so it waits for that.
        if context.p != NONE {
            let Some(index) = self.own_processor(&context) else {
                return fail(|| {
                    format!(
                        "uninitialized proc {} found during GoSyscallEndBlocked",
                        context.p
                    )
                });
            };
            if self.processors[index as usize].status == PROC_SYSCALL {
                return Ok(false);
            }
        }
        let slot = self.in_syscall(event, &context, false)?;
        self.goroutines.slots[slot].status = GO_RUNNABLE;
        self.bind_goroutine(&context, NONE, NO_SLOT);
        self.emit(event, &context)
    }

    /// A thread of C calls into Go: its goroutine comes into being in a syscall.
    fn go_create_syscall(
        &mut self,
        event: &Decoded,
        generation: &Generation,
        context: Context,
    ) -> Step {
        context.need_thread()?;
        if context.g != NONE {
            return Err(surplus("goroutine"));
        }
        let id = event.arguments[0] as i64;
        let Some(slot) = self.goroutines.insert(id, GO_SYSCALL, generation.number) else {
            return fail(|| {
                format!("tried to create goroutine ({id}) in syscall that already exists")
            });
        };
        self.bind_goroutine(&context, id, slot as u32);
        self.emit(event, &context)
    }

    fn go_destroy_syscall(&mut self, event: &Decoded, context: Context) -> Step {
        let slot = self.in_syscall(event, &context, false)?;
        self.goroutines.remove(slot);
        if context.p != NONE {
            let Some(index) = self.own_processor(&context) else {
                return fail(|| {
                    format!("found invalid proc {} during GoDestroySyscall", context.p)
                });
            };
            let known = &mut self.processors[index as usize];
            if known.status != PROC_SYSCALL {
                return fail(|| {
                    format!(
                        "proc {} in unexpected state {} during GoDestroySyscall",
                        context.p,
                        proc_status_name(known.status)
                    )
                });
            }
            // The thread's number may be used again, so its processor counts as lost from here on.
            known.status = PROC_SYSCALL_ABANDONED;
            self.bind_processor(&context, NONE, u32::MAX);
            let arguments = [context.p as u64, 0, 0, u64::from(PROC_SYSCALL)];
            let stolen = context.event(wire::PROC_STEAL, event.time, arguments);
            self.block.push(stolen);
        }
        self.bind_goroutine(&context, NONE, NO_SLOT);
        self.emit(event, &context)
    }

    /// The state of everything, for the message about a trace that cannot go on.
    pub(crate) fn describe(&self) -> String {
        use std::fmt::Write as _;
        let mut text = String::new();
        for goroutine in self.goroutines.sorted() {
            let _ = writeln!(
                text,
                "G {} [status={} seq={} (gen={})]",
                goroutine.id,
                go_status_name(goroutine.status),
                goroutine.sequence,
                goroutine.generation
            );
        }
        for processor in &self.processors {
            let _ = writeln!(
                text,
                "P {} [status={} seq={} (gen={})]",
                processor.id,
                proc_status_name(processor.status),
                processor.sequence,
                processor.generation
            );
        }
        for thread in &self.threads {
            let _ = writeln!(text, "M {} [g={} p={}]", thread.id, thread.g, thread.p);
        }
        text
    }
}

fn event_name(kind: EventType) -> &'static str {
    wire::SPECIFICATIONS[usize::from(kind)].name
}

fn go_status_name(status: u8) -> &'static str {
    match status {
        GO_RUNNABLE => "Runnable",
        GO_RUNNING => "Running",
        GO_SYSCALL => "Syscall",
        GO_WAITING => "Waiting",
        _ => "Bad",
    }
}

fn proc_status_name(status: u8) -> &'static str {
    match status {
        PROC_RUNNING => "Running",
        PROC_IDLE => "Idle",
        PROC_SYSCALL => "Syscall",
        _ => "Bad",
    }
}
