//! The beginning of a generation, as far as one gets with it, is put into order before its turn, while
//! the generation before it is not at its end.
//!
//! Nothing is known of the state that it begins with. But the runtime says in each generation what
//! every goroutine and processor was at its beginning, before anything else is said of it. So the
//! state is taken from there, and what was taken for granted is written down; when the generation's
//! turn comes, that is compared with the true state (`adopting.rs`). If anything differs, or if there
//! was anything that this file does not know how to take for granted, or any mistake, all is forgotten,
//! and the generation is put into order as if nothing had been: so nothing here makes a message.

use rustc_hash::FxHashSet;

use super::super::block::Block;
use super::super::huge_pages;
use super::{
    Collector, Decoded, Event, EventType, Failure, GO_RUNNING, GO_SYSCALL, Generation, GoState,
    NO_SLOT, NO_THREAD, NONE, Ordering, PROC_IDLE, PROC_SYSCALL_ABANDONED, ProcState, Processor,
    Ranges, Step, Thread, wire,
};

/// What is not known of a thread.
pub(super) const UNKNOWN_G: u8 = 1;
pub(super) const UNKNOWN_P: u8 = 2;

/// More events than this are not kept: 30 MiB. Whole ones, and goroutines that were there before, count
/// as several.
const MOST_EVENTS: usize = 3 << 19;

/// Times grow alike from whatever was before them, as long as they do not run over.
pub(super) const LATEST: i64 = i64::MAX / 2;

/// Numbers that came up and must not have been in use before. All of them are written down at first,
/// then only those that are not above all of these: what was in use is not larger, as a rule.
pub(crate) struct Noted {
    pub(super) numbers: Vec<u64>,
    /// All numbers up to here were written down.
    pub(super) bound: u64,
}

impl Default for Noted {
    fn default() -> Self {
        Noted {
            numbers: Vec::new(),
            bound: u64::MAX,
        }
    }
}

impl Noted {
    #[inline(always)]
    pub(super) fn note(&mut self, number: u64) {
        if number <= self.bound {
            self.write_down(number);
        }
    }

    #[cold]
    fn write_down(&mut self, number: u64) {
        const MANY: usize = 4096;
        self.numbers.push(number);
        if self.numbers.len() == MANY {
            self.bound = self.numbers.iter().copied().max().unwrap_or(u64::MAX);
        }
    }

    fn clear(&mut self) {
        self.numbers.clear();
        self.bound = u64::MAX;
    }
}

/// Whose ranges.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Owner {
    Goroutine(i64),
    Processor(i64),
}

/// An event in few bytes, as most are: what it costs to write so many is the memory.
#[derive(Clone, Copy, Default)]
struct Packed {
    kind: EventType,
    /// The number of its thread with its processor.
    place: u8,
    /// Nanoseconds since the event before.
    since: u16,
    g: i32,
    first: i32,
    second: i32,
    third: u16,
    fourth: u16,
}

/// The kind of one that is not as most are: it stands in [`Ahead::whole`]. No event has it.
const WHOLE: EventType = 0;

/// How many places are found again at once.
const LAST_PLACES: usize = 16;

/// Events ahead of their turn, and what was taken for granted to put them into order.
#[derive(Default)]
pub(crate) struct Ahead {
    events: Vec<Packed>,
    pub(super) whole: Vec<Event>,
    /// Threads with the processors that they run.
    places: Vec<(i64, i64)>,
    /// The last ones of these, by the last digits of the threads' numbers.
    last_places: [u8; LAST_PLACES],
    /// The time of the last event. Times grow already, but not yet from that of the event before all.
    last_time: i64,
    /// Whether there is an event after [`LATEST`].
    pub(super) is_late: bool,
    next_event: usize,
    next_whole: usize,

    /// By threads, what is not known of them; of those that are not there, nothing is.
    unknown: Vec<u8>,
    /// Goroutines and processors with the status that they must have had.
    pub(super) goroutines: Vec<(i64, u8)>,
    pub(super) inherited: FxHashSet<i64>,
    pub(super) processors: Vec<(i64, u8)>,
    /// What threads must have run.
    pub(super) thread_goroutines: Vec<(i64, i64)>,
    pub(super) thread_processors: Vec<(i64, i64)>,
    /// Regions that ended: the innermost ones of the goroutine, if it had any then.
    pub(super) ended_regions: Vec<(i64, u64, u32)>,
    /// Ranges: none, or just one of a kind.
    pub(super) ranges: Vec<(Owner, Option<EventType>)>,
    pub(super) ranged: FxHashSet<Owner>,
    pub(super) collector: Option<(Collector, u64)>,
    /// Goroutines and tasks that must not have been there.
    pub(super) created: Noted,
    pub(super) begun_tasks: Noted,
    /// Ends of tasks that did not begin in this generation: the number among the whole events.
    pub(super) ended_tasks: Vec<u32>,
    /// Whole events whose thread was not known to run something: that number, the thread, and what is to
    /// be put in.
    pub(super) gaps: Vec<(u32, i64, u8)>,
    /// The present event's thread and what was not known of it, if that leaves gaps.
    present: Option<(i64, u8)>,
}

/// Why a generation cannot be put into order ahead; nobody will read it.
#[cold]
fn no_way() -> Box<Failure> {
    Box::new(Failure::End)
}

impl Ahead {
    /// Forgets everything but its memory.
    fn clear(&mut self) {
        let mut events = std::mem::take(&mut self.events);
        let mut whole = std::mem::take(&mut self.whole);
        events.clear();
        whole.clear();
        self.created.clear();
        self.begun_tasks.clear();
        *self = Ahead {
            events,
            whole,
            created: std::mem::take(&mut self.created),
            begun_tasks: std::mem::take(&mut self.begun_tasks),
            ..Ahead::default()
        };
    }

    /// What is not known of a thread.
    #[inline(always)]
    pub(super) fn unknown_of(&self, thread: u32) -> u8 {
        let known = self.unknown.get(thread as usize).copied();
        known.unwrap_or(UNKNOWN_G | UNKNOWN_P)
    }

    /// Whether this was not known up to now.
    fn make_known(&mut self, thread: u32, what: u8) -> bool {
        let thread = thread as usize;
        if self.unknown.len() <= thread {
            self.unknown.resize(thread + 1, UNKNOWN_G | UNKNOWN_P);
        }
        let was_unknown = self.unknown[thread] & what != 0;
        self.unknown[thread] &= !what;
        was_unknown
    }

    /// Whether as much is kept as may be.
    pub(crate) fn is_full(&self) -> bool {
        self.events.len() + 4 * self.whole.len() + 16 * self.goroutines.len() >= MOST_EVENTS
    }

    /// The number of a thread with its processor; nothing if there are too many.
    #[inline(always)]
    fn place(&mut self, m: i64, p: i64) -> Option<u8> {
        let place = self.last_places[m as usize % LAST_PLACES];
        match self.places.get(usize::from(place)) {
            Some(&known) if known == (m, p) => Some(place),
            _ => self.seek_place(m, p),
        }
    }

    #[cold]
    fn seek_place(&mut self, m: i64, p: i64) -> Option<u8> {
        let known = self.places.iter().position(|&known| known == (m, p));
        let place = u8::try_from(known.unwrap_or(self.places.len())).ok()?;
        if known.is_none() {
            self.places.push((m, p));
        }
        self.last_places[m as usize % LAST_PLACES] = place;
        Some(place)
    }

    /// Takes over the events of a block.
    pub(crate) fn take_block(&mut self, block: &mut Block) {
        huge_pages::reserve(&mut self.events, block.len());
        for event in block.events() {
            let Some(place) = self.place(event.m, event.p) else {
                self.add_whole(event);
                continue;
            };
            let [first, second, third, fourth] = event.arguments.map(|argument| argument as i64);
            let since = event.time.wrapping_sub(self.last_time);
            let differs = event.g ^ i64::from(event.g as i32)
                | first ^ i64::from(first as i32)
                | second ^ i64::from(second as i32)
                | third ^ i64::from(third as u16)
                | fourth ^ i64::from(fourth as u16)
                | since ^ i64::from(since as u16);
            // The name of a task that ended has yet to be put in.
            if differs != 0 || event.kind == wire::USER_TASK_END {
                self.add_whole(event);
                continue;
            }
            self.last_time = event.time;
            self.events.push(Packed {
                kind: event.kind,
                place,
                since: since as u16,
                g: event.g as i32,
                first: first as i32,
                second: second as i32,
                third: third as u16,
                fourth: fourth as u16,
            });
        }
        block.clear();
    }

    #[cold]
    #[inline(never)]
    fn add_whole(&mut self, event: &Event) {
        self.is_late |= event.time > LATEST;
        self.last_time = event.time;
        self.whole.push(*event);
        self.events.push(Packed {
            kind: WHOLE,
            ..Packed::default()
        });
    }

    /// Puts the numbers of names into the ends of tasks, where those of this generation stand.
    pub(super) fn rename(&mut self, names: &[u32]) {
        let name = |own: u64| match own.checked_sub(1) {
            Some(own) => names.get(own as usize).map_or(0, |&name| name + 1),
            None => 0,
        };
        for event in &mut self.whole {
            if event.kind == wire::USER_TASK_END {
                event.arguments[3] = u64::from(name(event.arguments[3]));
            }
        }
    }

    /// Moves events to the block; false if there are none.
    pub(crate) fn give(&mut self, block: &mut Block) -> bool {
        let Some(rest) = self.events.get(self.next_event..) else {
            return false;
        };
        if rest.is_empty() {
            return false;
        }
        let (mut told, mut time, mut taken) = (block.last_time(), self.last_time, 0);
        for (room, packed) in block.rooms().iter_mut().zip(rest) {
            if packed.kind == WHOLE {
                break;
            }
            let Some(&(m, p)) = self.places.get(usize::from(packed.place)) else {
                break;
            };
            time = time.wrapping_add(i64::from(packed.since));
            told = if time <= told {
                told.wrapping_add(1)
            } else {
                time
            };
            room.time = told;
            room.m = m;
            room.p = p;
            room.g = i64::from(packed.g);
            room.arguments = [
                packed.first as u64,
                packed.second as u64,
                u64::from(packed.third),
                u64::from(packed.fourth),
            ];
            room.kind = packed.kind;
            taken += 1;
        }
        self.last_time = time;
        block.add(taken, told);
        if taken == 0 {
            taken = 1;
            if let Some(&event) = self.whole.get(self.next_whole) {
                self.next_whole += 1;
                self.last_time = event.time;
                block.push(event);
            }
        }
        self.next_event += taken;
        true
    }
}

impl Ordering {
    /// Forgets everything, to put a generation into order ahead of its turn.
    pub(crate) fn start_ahead(&mut self, generation: &Generation) {
        let mut ahead = std::mem::take(&mut self.ahead);
        ahead.clear();
        // So many are not touched yet; but they need not be moved when there are more.
        huge_pages::reserve(&mut ahead.events, MOST_EVENTS);
        let mut goroutines = std::mem::take(&mut self.goroutines);
        goroutines.clear();
        *self = Ordering {
            ahead,
            goroutines,
            ..Ordering::new()
        };
        // Any but this one.
        self.first_generation = if generation.number == 1 { 2 } else { 1 };
    }

    /// Makes ready for [`Ahead::give`].
    pub(crate) fn end_ahead(&mut self) {
        self.ahead.take_block(&mut self.block);
        self.ahead.last_time = 0;
    }

    /// Looks at what the last step wrote to the block, from an index on: what has gaps must not be packed.
    pub(crate) fn note_gaps(&mut self, filled: usize) {
        let Some((m, gaps)) = self.ahead.present.take() else {
            return;
        };
        // What stands before it comes first.
        let mut last = Vec::new();
        last.extend_from_slice(&self.block.events()[filled..]);
        self.block.truncate(filled);
        self.ahead.take_block(&mut self.block);
        for event in last {
            let number = self.ahead.whole.len() as u32;
            self.ahead.add_whole(&event);
            // Where the event is shown on another thread, the goroutine is that one's.
            let gaps = if event.m == m {
                gaps
            } else {
                gaps & !UNKNOWN_G
            };
            if gaps != 0 {
                self.ahead.gaps.push((number, m, gaps));
            }
            if event.kind == wire::USER_TASK_END {
                self.ahead.ended_tasks.push(number);
            }
        }
    }

    /// As [`Ordering::advance`], ahead of the generation's turn.
    pub(crate) fn advance_ahead(
        &mut self,
        event: Decoded,
        thread: u32,
        generation: &Generation,
    ) -> Step {
        // What the runtime says of goroutines that did nothing comes from no thread.
        let unknown = self.unknown_of(thread);
        let [first, second, third, _] = event.arguments;
        let mut missing = unknown;
        match event.kind {
            wire::GO_STATUS | wire::GO_STATUS_STACK => {
                self.grant_goroutine(first as i64, third as u8, generation)?;
                if third as u8 == GO_SYSCALL {
                    let other = self.thread(second as i64);
                    self.grant_thread_goroutine(other, first as i64);
                }
                missing = 0;
            }
            wire::PROC_STATUS => {
                self.grant_processor(first as i64, second as u8, generation)?;
                missing = 0;
            }
            wire::GO_UNBLOCK => missing = 0,
            wire::PROC_START => {
                self.grant_no_processor(thread);
                missing = 0;
            }
            wire::GO_SYSCALL_END_BLOCKED => {
                self.grant_no_processor(thread);
                missing &= UNKNOWN_G;
            }
            wire::GO_START => {
                self.grant_thread_goroutine(thread, NONE);
                missing &= UNKNOWN_P;
            }
            wire::PROC_STOP | wire::HEAP_ALLOC | wire::HEAP_GOAL => missing &= UNKNOWN_P,
            wire::PROC_STEAL => {
                // Whatever the other thread runs has to be known.
                missing = match self.thread_index.get(&(third as i64)) {
                    Some(&other) => self.ahead.unknown_of(other) & UNKNOWN_P,
                    None => UNKNOWN_P,
                };
            }
            _ => {}
        }
        if missing != 0 {
            return Err(no_way());
        }
        let present = self.thread_or_none(thread);
        self.grant_rest(&event, &present, generation)?;
        let ends_task = event.kind == wire::USER_TASK_END && !self.tasks.contains_key(&first);
        let unknown = self.unknown_of(thread);
        self.ahead.present = (unknown != 0 || ends_task).then_some((present.id, unknown));
        let happened = self.advance(event, thread, generation)?;
        if !happened {
            return Ok(false);
        }
        match event.kind {
            wire::GO_STATUS | wire::GO_STATUS_STACK if third as u8 == GO_RUNNING => {
                self.learn(thread, UNKNOWN_G);
            }
            wire::PROC_STATUS if second as u8 != PROC_IDLE => {
                self.learn(thread, UNKNOWN_P);
            }
            wire::GO_CREATE | wire::GO_CREATE_BLOCKED | wire::GO_CREATE_SYSCALL => {
                self.ahead.created.note(first);
            }
            wire::USER_TASK_BEGIN => self.ahead.begun_tasks.note(first),
            _ => {}
        }
        Ok(true)
    }

    fn thread_or_none(&self, thread: u32) -> Thread {
        let known = self.threads.get(thread as usize);
        known.copied().unwrap_or(Thread {
            id: NONE,
            g: NONE,
            slot: NO_SLOT,
            p: NONE,
            processor: u32::MAX,
        })
    }

    /// Notes that this is known from here on; whether it was not.
    fn learn(&mut self, thread: u32, what: u8) -> bool {
        thread != NO_THREAD && self.ahead.make_known(thread, what)
    }

    /// What is not known of a thread; of no thread, everything is.
    fn unknown_of(&self, thread: u32) -> u8 {
        match thread {
            NO_THREAD => 0,
            thread => self.ahead.unknown_of(thread),
        }
    }

    /// What an event of a thread that is known takes for granted.
    fn grant_rest(
        &mut self,
        event: &Decoded,
        thread: &Thread,
        generation: &Generation,
    ) -> Result<(), Box<Failure>> {
        let number = event.arguments[0];
        match event.kind {
            wire::USER_REGION_END => {
                let Some(slot) = self.goroutines.find(thread.g) else {
                    return Err(no_way());
                };
                if self.goroutines.extra(slot).regions.is_empty()
                    && self.ahead.inherited.contains(&thread.g)
                {
                    let Some(name) = self.names.intern(generation, event.arguments[1]) else {
                        return Err(no_way());
                    };
                    self.ahead.ended_regions.push((thread.g, number, name));
                }
            }
            wire::STW_BEGIN
            | wire::STW_END
            | wire::GC_MARK_ASSIST_BEGIN
            | wire::GC_MARK_ASSIST_END => self.grant_goroutine_ranges(thread.g, None),
            wire::GC_MARK_ASSIST_ACTIVE => {
                self.grant_goroutine_ranges(number as i64, Some(wire::GC_MARK_ASSIST_BEGIN));
            }
            wire::GC_SWEEP_BEGIN | wire::GC_SWEEP_END => {
                self.grant_processor_ranges(thread.p, None);
            }
            wire::GC_SWEEP_ACTIVE => {
                self.grant_processor_ranges(number as i64, Some(wire::GC_SWEEP_BEGIN));
            }
            wire::GC_ACTIVE | wire::GC_BEGIN | wire::GC_END if self.ahead.collector.is_none() => {
                self.collector = if event.kind == wire::GC_BEGIN {
                    Collector::NotRunning
                } else {
                    Collector::Running
                };
                self.collector_sequence = number.wrapping_sub(1);
                self.ahead.collector = Some((self.collector, self.collector_sequence));
            }
            _ => {}
        }
        Ok(())
    }

    fn grant_goroutine(
        &mut self,
        id: i64,
        status: u8,
        generation: &Generation,
    ) -> Result<(), Box<Failure>> {
        if self.goroutines.find(id).is_some() {
            return Ok(());
        }
        if GoState::of_status(status).is_none() || !self.ahead.inherited.insert(id) {
            return Err(no_way());
        }
        self.ahead.goroutines.push((id, status));
        self.goroutines.insert(id, status, generation.number);
        Ok(())
    }

    fn grant_processor(
        &mut self,
        id: i64,
        status: u8,
        generation: &Generation,
    ) -> Result<(), Box<Failure>> {
        if status == PROC_SYSCALL_ABANDONED || ProcState::of_status(u64::from(status)).is_none() {
            return Err(no_way());
        }
        if self.processor(id).is_some() {
            return Ok(());
        }
        self.ahead.processors.push((id, status));
        let index = self.processors.len() as u32;
        self.processors.push(Processor {
            id,
            status,
            generation: generation.number,
            sequence: 0,
            ranges: Ranges::default(),
        });
        self.processor_index.insert(id, index);
        Ok(())
    }

    fn grant_thread_goroutine(&mut self, thread: u32, g: i64) {
        if self.learn(thread, UNKNOWN_G) {
            let known = &mut self.threads[thread as usize];
            known.g = g;
            known.slot = NO_SLOT;
            self.ahead.thread_goroutines.push((known.id, g));
        }
    }

    fn grant_no_processor(&mut self, thread: u32) {
        if self.learn(thread, UNKNOWN_P) {
            let known = &self.threads[thread as usize];
            self.ahead.thread_processors.push((known.id, NONE));
        }
    }

    fn grant_goroutine_ranges(&mut self, id: i64, open: Option<EventType>) {
        let owner = Owner::Goroutine(id);
        if self.ahead.inherited.contains(&id)
            && let Some(slot) = self.goroutines.find(id)
            && self.ahead.ranged.insert(owner)
        {
            self.ahead.ranges.push((owner, open));
            self.goroutines.extra(slot).ranges.grant(open);
        }
    }

    fn grant_processor_ranges(&mut self, id: i64, open: Option<EventType>) {
        let owner = Owner::Processor(id);
        if let Some(index) = self.processor(id)
            && self.ahead.ranged.insert(owner)
        {
            self.ahead.ranges.push((owner, open));
            self.processors[index as usize].ranges.grant(open);
        }
    }
}
