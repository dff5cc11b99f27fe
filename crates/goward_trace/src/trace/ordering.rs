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

use super::event::{Event, GoState, NO_TASK, NONE, ProcState};
use super::frontier::Cursor;
use super::generation::{Failure, Generation};
use super::wire::{self, EventType};

mod annotations;
mod goroutines;
mod processors;
mod ranges;

use goroutines::{Goroutines, NO_SLOT};
use ranges::Ranges;

const GO_RUNNABLE: u8 = 1;
const GO_RUNNING: u8 = 2;
const GO_SYSCALL: u8 = 3;
const GO_WAITING: u8 = 4;

const PROC_RUNNING: u8 = 1;
const PROC_IDLE: u8 = 2;
const PROC_SYSCALL: u8 = 3;
const PROC_SYSCALL_ABANDONED: u8 = 4;

/// The events that one advance gave: usually one, three for a coroutine switch. The last one taken
/// stays readable.
#[derive(Default)]
pub(crate) struct Queue {
    events: [Event; 4],
    next: u8,
    length: u8,
}

impl Queue {
    #[inline]
    fn clear(&mut self) {
        self.next = 0;
        self.length = 0;
    }

    #[inline]
    fn push(&mut self, event: Event) {
        self.events[usize::from(self.length) % 4] = event;
        self.length += 1;
    }

    /// Makes this event the only one, and takes it.
    #[inline]
    pub(crate) fn set(&mut self, event: Event) {
        self.events[0] = event;
        self.next = 1;
        self.length = 1;
    }

    /// Takes the next event. There must be one.
    #[inline]
    pub(crate) fn take(&mut self) {
        self.next += 1;
    }

    /// The event that was taken last.
    #[inline]
    pub(crate) fn current(&self) -> &Event {
        &self.events[usize::from(self.next.wrapping_sub(1)) % 4]
    }

    #[inline]
    pub(crate) fn current_mut(&mut self) -> &mut Event {
        &mut self.events[usize::from(self.next.wrapping_sub(1)) % 4]
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.next == self.length
    }
}

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
    fn intern(&mut self, generation: &Generation, id: u64) -> Option<u32> {
        const DENSE: u64 = 1 << 20;
        if let Some(&number) = self.dense.get(id as usize)
            && number != 0
            && id < DENSE
        {
            return Some(number - 1);
        }
        let text = generation.string(id)?;
        let number = match self.numbers.get(text) {
            Some(&number) => number,
            None => {
                let number = self.texts.len() as u32;
                self.texts.push(text.into());
                self.numbers.insert(text.into(), number);
                number
            }
        };
        if id < DENSE {
            if self.dense.len() <= id as usize {
                self.dense.resize(id as usize + 1, 0);
            }
            self.dense[id as usize] = number + 1;
        }
        Some(number)
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
    pub(crate) queue: Queue,
}

/// A failure is boxed so that the result of the usual case fits two registers.
type Step = Result<bool, Box<Failure>>;

#[cold]
fn fail(text: String) -> Step {
    Err(Box::new(Failure::Broken(text)))
}

#[cold]
fn bad(text: String) -> Box<Failure> {
    Box::new(Failure::Broken(text))
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
}

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
            queue: Queue::default(),
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

    /// Tries the cursor's event. True: it happened, and its events stand in the queue. False: it is
    /// not possible yet. The cursor's arguments may be changed on success, to carry what the event
    /// found (the state before, the name of an ended task).
    #[inline(never)]
    pub(crate) fn advance(&mut self, cursor: &mut Cursor, generation: &Generation) -> Step {
        if self.first_generation == 0 {
            self.first_generation = generation.number;
        }
        let mut context = Context {
            m: cursor.m,
            p: NONE,
            g: NONE,
            slot: NO_SLOT,
            processor: u32::MAX,
        };
        if cursor.m != NONE {
            if cursor.thread == u32::MAX {
                cursor.thread = self.thread(cursor.m);
            }
            let thread = &self.threads[cursor.thread as usize];
            context = Context {
                m: cursor.m,
                p: thread.p,
                g: thread.g,
                slot: thread.slot,
                processor: thread.processor,
            };
        }
        self.queue.clear();
        match cursor.kind {
            wire::GO_START => self.go_start(cursor, generation, context),
            wire::GO_UNBLOCK => self.go_unblock(cursor, generation, context),
            wire::GO_BLOCK | wire::GO_STOP | wire::GO_DESTROY => self.go_stop(cursor, context),
            wire::USER_REGION_BEGIN | wire::USER_REGION_END => {
                self.user_region(cursor, generation, context)
            }
            wire::GO_CREATE | wire::GO_CREATE_BLOCKED => {
                self.go_create(cursor, generation, context)
            }
            wire::USER_LOG | wire::GO_LABEL | wire::PROCS_CHANGE => {
                context.need_all()?;
                self.emit(cursor, &context)
            }
            wire::HEAP_ALLOC | wire::HEAP_GOAL => {
                context.need_processor()?;
                self.emit(cursor, &context)
            }
            wire::USER_TASK_BEGIN => self.user_task_begin(cursor, generation, context),
            wire::USER_TASK_END => self.user_task_end(cursor, context),
            wire::GO_SYSCALL_BEGIN => self.go_syscall_begin(cursor, generation, context),
            wire::GO_SYSCALL_END => self.go_syscall_end(cursor, context),
            wire::GO_SYSCALL_END_BLOCKED => self.go_syscall_end_blocked(cursor, context),
            wire::PROC_START => self.proc_start(cursor, generation, context),
            wire::PROC_STOP => self.proc_stop(cursor, context),
            wire::PROC_STEAL => self.proc_steal(cursor, generation, context),
            wire::PROC_STATUS => self.proc_status(cursor, generation, context),
            wire::GO_STATUS | wire::GO_STATUS_STACK => self.go_status(cursor, generation, context),
            wire::GO_CREATE_SYSCALL => self.go_create_syscall(cursor, generation, context),
            wire::GO_DESTROY_SYSCALL => self.go_destroy_syscall(cursor, context),
            wire::GO_SWITCH | wire::GO_SWITCH_DESTROY => {
                self.go_switch(cursor, generation, context)
            }
            wire::STW_BEGIN | wire::GC_MARK_ASSIST_BEGIN => self.go_range_begin(cursor, context),
            wire::STW_END | wire::GC_MARK_ASSIST_END => self.go_range_end(cursor, context),
            wire::GC_MARK_ASSIST_ACTIVE => self.go_range_active(cursor, generation, context),
            wire::GC_SWEEP_BEGIN | wire::GC_SWEEP_END => self.sweep(cursor, context),
            wire::GC_SWEEP_ACTIVE => self.sweep_active(cursor, generation, context),
            wire::GC_ACTIVE | wire::GC_BEGIN | wire::GC_END => {
                self.collect(cursor, generation, context)
            }
            wire::SPAN..=wire::GOROUTINE_STACK_FREE => {
                context.need_thread()?;
                self.emit(cursor, &context)
            }
            kind => fail(format!("bad event type found while ordering: {kind}")),
        }
    }

    #[inline]
    fn emit(&mut self, cursor: &Cursor, context: &Context) -> Step {
        // Field by field into its place: this is the hottest store of the reader.
        let event = &mut self.queue.events[0];
        event.time = cursor.time;
        event.m = context.m;
        event.p = context.p;
        event.g = context.g;
        event.arguments = cursor.arguments;
        event.kind = cursor.kind;
        self.queue.length = 1;
        Ok(true)
    }

    #[inline]
    fn bind_goroutine(&mut self, cursor: &Cursor, g: i64, slot: u32) {
        if cursor.m != NONE {
            let thread = &mut self.threads[cursor.thread as usize];
            thread.g = g;
            thread.slot = slot;
        }
    }

    fn bind_processor(&mut self, cursor: &Cursor, p: i64, processor: u32) {
        if cursor.m != NONE {
            let thread = &mut self.threads[cursor.thread as usize];
            thread.p = p;
            thread.processor = processor;
        }
    }

    fn go_status(
        &mut self,
        cursor: &mut Cursor,
        generation: &Generation,
        context: Context,
    ) -> Step {
        let id = cursor.arguments[0] as i64;
        let m = cursor.arguments[1] as i64;
        let status = cursor.arguments[2] as u8;
        let Some(mut old) = GoState::of_status(status) else {
            return fail(format!("invalid status for goroutine {id}: {status}"));
        };
        let first = generation.number == self.first_generation;
        let slot = match self.goroutines.find(id) {
            Some(slot) => {
                let known = &mut self.goroutines.slots[slot];
                if known.status != status {
                    return fail(format!(
                        "inconsistent status for goroutine {id}: old {} vs. new {}",
                        go_status_name(known.status),
                        go_status_name(status)
                    ));
                }
                known.generation = generation.number;
                known.sequence = 0;
                slot
            }
            None if first => {
                old = GoState::Undetermined;
                match self.goroutines.insert(id, status, generation.number) {
                    Some(slot) => slot,
                    None => return fail(format!("goroutine {id} exists twice")),
                }
            }
            None => {
                return fail(format!(
                    "found goroutine status for new goroutine after the first generation: id={id} status={}",
                    go_status_name(status)
                ));
            }
        };
        cursor.arguments[2] = (old as u64) << 32 | u64::from(status);
        let mut shown = context;
        match status {
            GO_RUNNING => self.bind_goroutine(cursor, id, slot as u32),
            GO_SYSCALL => {
                if m == NONE {
                    return fail(format!("found goroutine {id} in syscall without a thread"));
                }
                if m == context.m {
                    if !first && context.g != id {
                        return fail(format!(
                            "inconsistent thread for syscalling goroutine {id}: thread has goroutine {}",
                            context.g
                        ));
                    }
                    self.bind_goroutine(cursor, id, slot as u32);
                } else {
                    match self.thread_index.get(&m) {
                        Some(&thread) => {
                            let thread = self.threads[thread as usize];
                            if thread.g != id {
                                return fail(format!(
                                    "inconsistent thread for syscalling goroutine {id}: thread has goroutine {}",
                                    thread.g
                                ));
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
        self.emit(cursor, &shown)
    }

    fn go_create(&mut self, cursor: &Cursor, generation: &Generation, context: Context) -> Step {
        context.need_processor()?;
        if let Some(slot) = self.go_slot(&context)
            && self.goroutines.slots[slot].status != GO_RUNNING
        {
            return fail(format!(
                "{} event for goroutine that's not Running",
                event_name(cursor.kind)
            ));
        }
        let id = cursor.arguments[0] as i64;
        let status = if cursor.kind == wire::GO_CREATE_BLOCKED {
            GO_WAITING
        } else {
            GO_RUNNABLE
        };
        if self
            .goroutines
            .insert(id, status, generation.number)
            .is_none()
        {
            return fail(format!(
                "tried to create goroutine ({id}) that already exists"
            ));
        }
        self.emit(cursor, &context)
    }

    /// The slot of the goroutine that must be running for this event.
    fn running(&mut self, cursor: &Cursor, context: &Context) -> Result<usize, Box<Failure>> {
        context.need_all()?;
        let Some(slot) = self.go_slot(context) else {
            return Err(bad(format!(
                "event {} for goroutine ({}) that doesn't exist",
                event_name(cursor.kind),
                context.g
            )));
        };
        if self.goroutines.slots[slot].status != GO_RUNNING {
            return Err(bad(format!(
                "{} event for goroutine that's not Running",
                event_name(cursor.kind)
            )));
        }
        Ok(slot)
    }

    #[inline]
    fn go_stop(&mut self, cursor: &Cursor, context: Context) -> Step {
        let slot = self.running(cursor, &context)?;
        match cursor.kind {
            wire::GO_DESTROY => self.goroutines.remove(slot),
            wire::GO_STOP => self.goroutines.slots[slot].status = GO_RUNNABLE,
            _ => self.goroutines.slots[slot].status = GO_WAITING,
        }
        self.bind_goroutine(cursor, NONE, NO_SLOT);
        self.emit(cursor, &context)
    }

    #[inline]
    fn go_start(&mut self, cursor: &Cursor, generation: &Generation, context: Context) -> Step {
        let id = cursor.arguments[0] as i64;
        let Some(slot) = self.goroutines.find(id) else {
            return Ok(false);
        };
        let known = &mut self.goroutines.slots[slot];
        if known.status != GO_RUNNABLE
            || known.generation != generation.number
            || cursor.arguments[1] != known.sequence.wrapping_add(1)
        {
            return Ok(false);
        }
        context.need_processor()?;
        if context.g != NONE {
            return Err(surplus("goroutine"));
        }
        known.status = GO_RUNNING;
        known.sequence = cursor.arguments[1];
        self.bind_goroutine(cursor, id, slot as u32);
        self.emit(cursor, &context)
    }

    #[inline]
    fn go_unblock(&mut self, cursor: &Cursor, generation: &Generation, context: Context) -> Step {
        let Some(slot) = self.goroutines.find(cursor.arguments[0] as i64) else {
            return Ok(false);
        };
        let known = &mut self.goroutines.slots[slot];
        if known.status != GO_WAITING
            || known.generation != generation.number
            || cursor.arguments[1] != known.sequence.wrapping_add(1)
        {
            return Ok(false);
        }
        known.status = GO_RUNNABLE;
        known.sequence = cursor.arguments[1];
        self.emit(cursor, &context)
    }

    /// A coroutine switch: the next goroutine is unblocked, the present one blocks or ends, and the
    /// next one starts, in one step.
    fn go_switch(&mut self, cursor: &Cursor, generation: &Generation, context: Context) -> Step {
        let current = self.running(cursor, &context)?;
        let next = cursor.arguments[0] as i64;
        let Some(slot) = self.goroutines.find(next) else {
            return Ok(false);
        };
        let known = &self.goroutines.slots[slot];
        if known.status != GO_WAITING
            || known.generation != generation.number
            || cursor.arguments[1] != known.sequence.wrapping_add(1)
        {
            return Ok(false);
        }
        self.queue
            .push(context.event(cursor.kind, cursor.time, cursor.arguments));
        if cursor.kind == wire::GO_SWITCH {
            self.goroutines.slots[current].status = GO_WAITING;
            self.queue
                .push(context.event(wire::GO_BLOCK, cursor.time, [0; 4]));
        } else {
            self.goroutines.remove(current);
            self.queue
                .push(context.event(wire::GO_DESTROY, cursor.time, [0; 4]));
        }
        let known = &mut self.goroutines.slots[slot];
        known.status = GO_RUNNING;
        known.sequence = cursor.arguments[1];
        let started = Context { g: NONE, ..context };
        self.queue.push(started.event(
            wire::GO_START,
            cursor.time,
            [next as u64, cursor.arguments[1], 0, 0],
        ));
        self.bind_goroutine(cursor, next, slot as u32);
        Ok(true)
    }

    fn go_syscall_begin(
        &mut self,
        cursor: &Cursor,
        generation: &Generation,
        context: Context,
    ) -> Step {
        let slot = self.running(cursor, &context)?;
        self.goroutines.slots[slot].status = GO_SYSCALL;
        let Some(index) = self.own_processor(&context) else {
            return fail(format!(
                "uninitialized proc {} found during GoSyscallBegin",
                context.p
            ));
        };
        let known = &mut self.processors[index as usize];
        known.status = PROC_SYSCALL;
        // The processor's sequence number tells which syscall a later steal refers to.
        if known.generation != generation.number
            || cursor.arguments[0] != known.sequence.wrapping_add(1)
        {
            return fail(format!(
                "failed to advance GoSyscallBegin: can't make sequence: {} (gen={}) -> {} (gen={})",
                known.sequence, known.generation, cursor.arguments[0], generation.number
            ));
        }
        known.sequence = cursor.arguments[0];
        self.emit(cursor, &context)
    }

    fn go_syscall_end(&mut self, cursor: &Cursor, context: Context) -> Step {
        let slot = self.in_syscall(cursor, &context, true)?;
        self.goroutines.slots[slot].status = GO_RUNNING;
        let Some(index) = self.own_processor(&context) else {
            return fail(format!(
                "uninitialized proc {} found during GoSyscallEnd",
                context.p
            ));
        };
        let known = &mut self.processors[index as usize];
        if known.status != PROC_SYSCALL {
            return fail(format!(
                "expected proc {} in state Syscall, but got {} instead",
                context.p,
                proc_status_name(known.status)
            ));
        }
        known.status = PROC_RUNNING;
        self.emit(cursor, &context)
    }

    fn in_syscall(
        &mut self,
        cursor: &Cursor,
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
        let name = event_name(cursor.kind);
        let Some(slot) = self.go_slot(context) else {
            return Err(bad(format!(
                "event {name} for goroutine ({}) that doesn't exist",
                context.g
            )));
        };
        if self.goroutines.slots[slot].status != GO_SYSCALL {
            return Err(bad(format!(
                "{name} event for goroutine that's not in a syscall"
            )));
        }
        Ok(slot)
    }

    fn go_syscall_end_blocked(&mut self, cursor: &Cursor, context: Context) -> Step {
        // The event says that the processor was lost in the syscall, so it waits for that.
        if context.p != NONE {
            let Some(index) = self.own_processor(&context) else {
                return fail(format!(
                    "uninitialized proc {} found during GoSyscallEndBlocked",
                    context.p
                ));
            };
            if self.processors[index as usize].status == PROC_SYSCALL {
                return Ok(false);
            }
        }
        let slot = self.in_syscall(cursor, &context, false)?;
        self.goroutines.slots[slot].status = GO_RUNNABLE;
        self.bind_goroutine(cursor, NONE, NO_SLOT);
        self.emit(cursor, &context)
    }

    /// A thread of C calls into Go: its goroutine comes into being in a syscall.
    fn go_create_syscall(
        &mut self,
        cursor: &Cursor,
        generation: &Generation,
        context: Context,
    ) -> Step {
        context.need_thread()?;
        if context.g != NONE {
            return Err(surplus("goroutine"));
        }
        let id = cursor.arguments[0] as i64;
        let Some(slot) = self.goroutines.insert(id, GO_SYSCALL, generation.number) else {
            return fail(format!(
                "tried to create goroutine ({id}) in syscall that already exists"
            ));
        };
        self.bind_goroutine(cursor, id, slot as u32);
        self.emit(cursor, &context)
    }

    fn go_destroy_syscall(&mut self, cursor: &Cursor, context: Context) -> Step {
        let slot = self.in_syscall(cursor, &context, false)?;
        self.goroutines.remove(slot);
        if context.p != NONE {
            let Some(index) = self.own_processor(&context) else {
                return fail(format!(
                    "found invalid proc {} during GoDestroySyscall",
                    context.p
                ));
            };
            let known = &mut self.processors[index as usize];
            if known.status != PROC_SYSCALL {
                return fail(format!(
                    "proc {} in unexpected state {} during GoDestroySyscall",
                    context.p,
                    proc_status_name(known.status)
                ));
            }
            // The thread's number may be used again, so its processor counts as lost from here on.
            known.status = PROC_SYSCALL_ABANDONED;
            self.bind_processor(cursor, NONE, u32::MAX);
            let arguments = [context.p as u64, 0, 0, u64::from(PROC_SYSCALL)];
            self.queue
                .push(context.event(wire::PROC_STEAL, cursor.time, arguments));
        }
        self.bind_goroutine(cursor, NONE, NO_SLOT);
        self.queue
            .push(context.event(cursor.kind, cursor.time, cursor.arguments));
        Ok(true)
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
