//! The timeline: every change of state of every goroutine of a trace, with who caused it, and the
//! tasks, regions, logs, collections and stops around them.
//!
//! Transitions are one flat vector in the order of time; those of one goroutine are linked
//! backwards, so that a chain of causes is followed from its end without an index. Everything that
//! can be summed up while reading is summed up while reading, when the goroutine's last state is at
//! hand. A transition takes 32 bytes, about as much as 3 bytes of the trace file each.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use super::event::{Event, GoState, GoTransition, NONE};
use super::generation::{ClockSnapshot, Failure, Generation};
use super::huge_pages;
use super::number_index::NumberIndex;
use super::processor_lanes::ProcessorLane;
use super::reader::Reader;
use super::symbols::{StackId, StringId, Symbols};
use super::wire;

/// 'No goroutine' or 'no transition' where an index stands.
pub const NOBODY: u32 = u32::MAX;

/// The four states in which a goroutine spends time; the index into totals.
pub const STATES: [GoState; 4] = [
    GoState::Running,
    GoState::Runnable,
    GoState::Waiting,
    GoState::Syscall,
];

/// The index of a state in totals.
#[inline]
pub fn state_index(state: GoState) -> Option<usize> {
    match state {
        GoState::Running => Some(0),
        GoState::Runnable => Some(1),
        GoState::Waiting => Some(2),
        GoState::Syscall => Some(3),
        GoState::Undetermined | GoState::NotExist => None,
    }
}

/// A goroutine enters a state.
#[derive(Clone, Copy, Debug)]
pub struct Transition {
    /// Nanoseconds of the trace's clock.
    pub time: i64,
    /// The goroutine's transition before this one, or [`NOBODY`].
    pub previous: u32,
    /// Index of the goroutine.
    pub goroutine: u32,
    /// Index of the goroutine that caused it (created or woke this one), or [`NOBODY`].
    pub by: u32,
    /// Where: the stack of `by` for a creation or wake-up, else the goroutine's own.
    pub stack: StackId,
    pub state: GoState,
    /// Index into [`Timeline::reasons`].
    pub reason: u8,
    /// The processor it happened on, or `u16::MAX`.
    pub processor: u16,
    left: Left,
}

/// The state that a transition ended and how long that had lasted. The transition before tells that
/// too, but it lies anywhere in memory.
#[derive(Clone, Copy, Debug)]
struct Left(u32);

impl Left {
    const STATE_BITS: u32 = 3;
    /// From here on the time does not fit: half a second.
    const LONG: u32 = u32::MAX >> Self::STATE_BITS;

    fn new(state: GoState, elapsed: i64) -> Self {
        let elapsed = u32::try_from(elapsed).unwrap_or(Self::LONG);
        Left(elapsed.min(Self::LONG) << Self::STATE_BITS | state as u32)
    }

    #[inline]
    fn state(self) -> GoState {
        GoState::of_number(u64::from(self.0 & ((1 << Self::STATE_BITS) - 1)))
    }

    #[inline]
    fn elapsed(self) -> Option<i64> {
        let elapsed = self.0 >> Self::STATE_BITS;
        (elapsed != Self::LONG).then_some(i64::from(elapsed))
    }
}

/// One goroutine over the whole trace.
#[derive(Clone, Debug)]
pub struct Goroutine {
    pub id: i64,
    /// Its first function, as far as the trace tells.
    pub name: StringId,
    /// The transition that created it, or [`NOBODY`] if that was before the trace.
    creation: u32,
    /// Its last transition, or [`NOBODY`].
    pub last: u32,
    /// How many transitions it has.
    pub transitions: u32,
    /// Nanoseconds in each of [`STATES`].
    pub totals: [i64; 4],
    /// Since when it is in its present state, which one, and why.
    pub since: i64,
    pub state: GoState,
    pub reason: u8,
    pub stack: StackId,
    /// The last label that `trace` or the runtime put on it.
    pub label: StringId,
    /// Its innermost open region, or [`NOBODY`].
    open_region: u32,
}

impl Goroutine {
    /// Whether the trace shows its creation.
    pub fn is_created(&self) -> bool {
        self.creation != NOBODY
    }

    /// Whether the trace shows its end.
    pub fn has_ended(&self) -> bool {
        self.state == GoState::NotExist
    }
}

/// A message of `trace.Log`.
#[derive(Clone, Copy, Debug)]
pub struct Log {
    pub time: i64,
    pub goroutine: u32,
    pub task: u64,
    pub category: StringId,
    pub message: StringId,
    pub stack: StackId,
    /// The goroutine's last transition at that moment.
    pub after: u32,
}

/// A task of `trace.NewTask`.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    pub id: u64,
    pub parent: u64,
    pub name: StringId,
    pub begin: Option<i64>,
    pub end: Option<i64>,
    pub beginner: u32,
    pub ender: u32,
    /// The ending goroutine's last transition at the end.
    pub after: u32,
}

/// A region of `trace.StartRegion` or `trace.WithRegion`.
#[derive(Clone, Copy, Debug)]
pub struct Region {
    pub goroutine: u32,
    pub name: StringId,
    pub task: u64,
    pub begin: i64,
    pub end: i64,
}

/// The regions that have begun and not ended, each with the next outer one of its goroutine.
#[derive(Default)]
struct OpenRegions {
    regions: Vec<(Region, u32)>,
    free: Vec<u32>,
}

impl OpenRegions {
    fn push(&mut self, goroutine: u32, goroutines: &mut [Goroutine], region: Region) {
        let Some(known) = goroutines.get_mut(goroutine as usize) else {
            return;
        };
        let entry = (region, known.open_region);
        known.open_region = match self.free.pop() {
            Some(free) => {
                self.regions[free as usize] = entry;
                free
            }
            None => {
                self.regions.push(entry);
                self.regions.len() as u32 - 1
            }
        };
    }

    fn pop(&mut self, goroutine: u32, goroutines: &mut [Goroutine]) -> Option<Region> {
        let known = goroutines.get_mut(goroutine as usize)?;
        let &(region, outer) = self.regions.get(known.open_region as usize)?;
        self.free.push(known.open_region);
        known.open_region = outer;
        Some(region)
    }
}

/// A stretch of time in which the collector marked, or the world was stopped.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    pub begin: i64,
    pub end: i64,
    /// The kind of stop; 0 for the collector.
    pub kind: StringId,
    pub goroutine: u32,
}

/// A sample of the CPU profiler.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub time: i64,
    pub goroutine: u32,
    pub processor: u16,
    pub stack: StackId,
}

/// What is summed up for one pair of places: who waits where, and who wakes it where.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wake {
    pub count: u64,
    /// Nanoseconds waited.
    pub waited: i64,
}

/// A transition whose stack is inside a panic or a cancellation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Suspect {
    pub(crate) transition: u32,
    /// The last transition at that moment of the goroutine whose stack it is.
    pub(crate) after: u32,
}

/// Every so many transitions of a goroutine its place is noted, so that a moment far back is found
/// without following all links.
const CHECKPOINT: u32 = 256;

/// Everything that a trace tells, in order.
#[derive(Default)]
pub struct Timeline {
    pub symbols: Symbols,
    pub start: i64,
    pub end: i64,
    pub events: u64,
    pub generations: u64,
    pub transitions: Vec<Transition>,
    pub goroutines: Vec<Goroutine>,
    pub(crate) suspects: Vec<Suspect>,
    checkpoints: FxHashMap<u32, Vec<u32>>,
    index: NumberIndex,
    pub(crate) processor_lanes: OnceLock<Vec<ProcessorLane>>,
    wrapped: FxHashMap<(StringId, StackId), StringId>,
    /// The reasons for waiting and yielding; the first is empty.
    pub reasons: Vec<StringId>,
    /// For each string its index in the reasons, 0 for what is none.
    reason_indexes: Vec<u8>,
    pub logs: Vec<Log>,
    pub tasks: Vec<Task>,
    open_tasks: FxHashMap<u64, u32>,
    pub regions: Vec<Region>,
    open_regions: OpenRegions,
    pub collections: Vec<Stretch>,
    pub stops: Vec<Stretch>,
    /// Nanoseconds of helping the collector, and of sweeping.
    pub assist: i64,
    pub sweep: i64,
    open_assists: FxHashMap<i64, i64>,
    open_sweeps: FxHashMap<i64, i64>,
    /// Live heap and heap goal over time, thinned out.
    pub heap: Vec<(i64, u64)>,
    pub goal: Vec<(i64, u64)>,
    pub processors: u64,
    pub samples: Vec<Sample>,
    pub clocks: Vec<ClockSnapshot>,
    /// By stack of the waiting goroutine, stack of the one that wakes it, and reason.
    pub wakes: FxHashMap<(StackId, StackId, u8), Wake>,
    /// How long goroutines waited for a processor: counts by the power of two of nanoseconds.
    pub latency: Vec<u64>,
    /// Nanoseconds by stack at the beginning of a syscall, and their number.
    pub syscalls: FxHashMap<StackId, Wake>,
    /// Why the trace ends early, if it does.
    pub failure: Option<String>,
    /// Bytes of the file up to the end of the last complete generation.
    pub good_bytes: u64,
}

impl Timeline {
    /// Reads a whole trace. A trace that breaks off gives what comes before, and the failure.
    ///
    /// # Errors
    ///
    /// If not even the first generation can be read.
    pub fn read(reader: &mut Reader) -> Result<Timeline, Failure> {
        let mut timeline = Timeline {
            reasons: vec![0],
            latency: vec![0; 64],
            ..Timeline::default()
        };
        loop {
            match reader.next_event() {
                Ok(Some(_)) => timeline.add(reader),
                Ok(None) => break,
                Err(failure) if timeline.transitions.is_empty() => return Err(failure),
                Err(failure) => {
                    timeline.failure = Some(match failure {
                        Failure::End => "the trace ends early".to_owned(),
                        Failure::Broken(text) => text.lines().next().unwrap_or_default().to_owned(),
                    });
                    break;
                }
            }
        }
        if timeline.transitions.is_empty() {
            return Err(Failure::Broken("the trace has no events".to_owned()));
        }
        timeline.good_bytes = reader.good_bytes();
        timeline.finish();
        Ok(timeline)
    }

    /// The index of a goroutine by its number.
    pub fn find(&self, id: i64) -> Option<u32> {
        self.index.get(id)
    }

    /// The name of a goroutine's function.
    pub fn name(&self, goroutine: u32) -> &str {
        match self.goroutines.get(goroutine as usize) {
            Some(goroutine) if goroutine.name != 0 => self.symbols.text(goroutine.name),
            Some(_) => "(started before the trace)",
            None => "(nobody)",
        }
    }

    /// The transition that created a goroutine: when, where, and by whom. Nothing if that was before
    /// the trace.
    pub fn creation(&self, goroutine: &Goroutine) -> Option<&Transition> {
        self.transitions.get(goroutine.creation as usize)
    }

    /// When a goroutine ended; nothing if it lived on.
    pub fn ended(&self, goroutine: &Goroutine) -> Option<i64> {
        let last = self.transitions.get(goroutine.last as usize)?;
        goroutine.has_ended().then_some(last.time)
    }

    /// The text of a reason.
    pub fn reason(&self, reason: u8) -> &str {
        self.symbols
            .text(self.reasons.get(usize::from(reason)).copied().unwrap_or(0))
    }

    /// The wall clock at a moment of the trace, in nanoseconds since 1970; only for traces of Go
    /// 1.25 and later, or with a known start.
    pub fn wall(&self, time: i64) -> Option<i64> {
        let clock = self
            .clocks
            .iter()
            .rev()
            .find(|clock| clock.trace <= time)
            .or(self.clocks.first())?;
        let wall = clock
            .wall_seconds
            .checked_mul(1_000_000_000)?
            .checked_add(clock.wall_nanoseconds)?;
        wall.checked_add(time - clock.trace)
    }

    /// The moment of the trace at a wall clock in nanoseconds since 1970.
    pub fn time_of_wall(&self, wall: i64) -> Option<i64> {
        let at = |clock: &ClockSnapshot| {
            clock
                .wall_seconds
                .saturating_mul(1_000_000_000)
                .saturating_add(clock.wall_nanoseconds)
        };
        let clock = self
            .clocks
            .iter()
            .rev()
            .find(|clock| at(clock) <= wall)
            .or(self.clocks.first())?;
        wall.checked_sub(at(clock))?.checked_add(clock.trace)
    }

    #[inline]
    fn goroutine(&mut self, id: i64, time: i64) -> u32 {
        if id == NONE {
            return NOBODY;
        }
        let next = self.goroutines.len() as u32;
        let index = self.index.get_or_insert(id, next);
        if index == next {
            self.goroutines.push(Goroutine {
                id,
                name: 0,
                creation: NOBODY,
                last: NOBODY,
                transitions: 0,
                totals: [0; 4],
                since: time,
                state: GoState::Undetermined,
                reason: 0,
                stack: 0,
                label: 0,
                open_region: NOBODY,
            });
        }
        index
    }

    #[inline]
    fn reason_index(&mut self, reason: StringId) -> u8 {
        match self.reason_indexes.get(reason as usize) {
            Some(&index) if index != 0 => index,
            _ => self.new_reason(reason),
        }
    }

    #[cold]
    fn new_reason(&mut self, reason: StringId) -> u8 {
        let index = self.reasons.len();
        if reason == 0 || index >= 255 {
            return 0;
        }
        self.reasons.push(reason);
        if self.reason_indexes.len() <= reason as usize {
            self.reason_indexes.resize(reason as usize + 1, 0);
        }
        self.reason_indexes[reason as usize] = index as u8;
        index as u8
    }

    fn add(&mut self, reader: &Reader) {
        let event = reader.current();
        let generation = reader.generation();
        self.events += 1;
        if self.start == 0 {
            self.start = event.time;
        }
        self.end = event.time;
        if let Some(change) = event.go_transition() {
            self.add_transition(event, change, reader.generation());
            return;
        }
        let [first, second, third, _] = event.arguments;
        match event.kind {
            wire::SYNC_POINT if second == 1 => {
                self.generations += 1;
                self.clocks.extend(generation.clock_snapshot());
            }
            wire::PROCS_CHANGE => self.processors = first,
            wire::HEAP_ALLOC => thin_push(&mut self.heap, event.time, first),
            wire::HEAP_GOAL => thin_push(&mut self.goal, event.time, first),
            wire::GO_LABEL => {
                let label = self.symbols.string_of(generation, first);
                let goroutine = self.goroutine(event.g, event.time);
                if let Some(goroutine) = self.goroutines.get_mut(goroutine as usize) {
                    goroutine.label = label;
                }
            }
            wire::USER_LOG => {
                let goroutine = self.goroutine(event.g, event.time);
                let log = Log {
                    time: event.time,
                    goroutine,
                    task: first,
                    category: self.symbols.string_of(generation, second),
                    message: self.symbols.message_of(generation, third),
                    stack: self.symbols.stack_of(generation, event.stack()),
                    after: self
                        .goroutines
                        .get(goroutine as usize)
                        .map_or(NOBODY, |known| known.last),
                };
                self.logs.push(log);
            }
            wire::USER_TASK_BEGIN => {
                let task = Task {
                    id: first,
                    parent: second,
                    name: self.symbols.string_of(generation, third),
                    begin: Some(event.time),
                    end: None,
                    beginner: self.goroutine(event.g, event.time),
                    ender: NOBODY,
                    after: NOBODY,
                };
                self.open_tasks.insert(first, self.tasks.len() as u32);
                self.tasks.push(task);
            }
            wire::USER_TASK_END => {
                let ender = self.goroutine(event.g, event.time);
                let index = match self.open_tasks.remove(&first) {
                    Some(index) => index as usize,
                    None => {
                        let name = self
                            .symbols
                            .intern(&String::from_utf8_lossy(reader.ended_task_name(event)));
                        self.tasks.push(Task {
                            id: first,
                            parent: third,
                            name,
                            begin: None,
                            end: None,
                            beginner: NOBODY,
                            ender,
                            after: NOBODY,
                        });
                        self.tasks.len() - 1
                    }
                };
                let task = &mut self.tasks[index];
                task.end = Some(event.time);
                task.ender = ender;
                task.after = self
                    .goroutines
                    .get(ender as usize)
                    .map_or(NOBODY, |known| known.last);
            }
            wire::USER_REGION_BEGIN => {
                let goroutine = self.goroutine(event.g, event.time);
                let name = self.symbols.string_of(generation, second);
                let region = Region {
                    goroutine,
                    name,
                    task: first,
                    begin: event.time,
                    end: 0,
                };
                self.open_regions
                    .push(goroutine, &mut self.goroutines, region);
            }
            wire::USER_REGION_END => {
                let goroutine = self.goroutine(event.g, event.time);
                let region = match self.open_regions.pop(goroutine, &mut self.goroutines) {
                    Some(region) => Region {
                        end: event.time,
                        ..region
                    },
                    None => {
                        let name = self.symbols.string_of(generation, second);
                        Region {
                            goroutine,
                            name,
                            task: first,
                            begin: self.start,
                            end: event.time,
                        }
                    }
                };
                self.regions.push(region);
            }
            wire::GC_BEGIN | wire::GC_ACTIVE
                if self.collections.last().is_none_or(|last| last.end != 0) =>
            {
                let goroutine = self.goroutine(event.g, event.time);
                self.collections.push(Stretch {
                    begin: event.time,
                    end: 0,
                    kind: 0,
                    goroutine,
                });
            }
            wire::GC_END => match self.collections.last_mut() {
                Some(last) if last.end == 0 => last.end = event.time,
                _ => self.collections.push(Stretch {
                    begin: self.start,
                    end: event.time,
                    kind: 0,
                    goroutine: NOBODY,
                }),
            },
            wire::STW_BEGIN => {
                let kind = self.symbols.string_of(generation, first);
                let goroutine = self.goroutine(event.g, event.time);
                self.stops.push(Stretch {
                    begin: event.time,
                    end: 0,
                    kind,
                    goroutine,
                });
            }
            wire::STW_END => {
                let goroutine = self.goroutine(event.g, event.time);
                let open = self.stops.iter_mut().rev().take(64);
                if let Some(stop) = open
                    .into_iter()
                    .find(|stop| stop.end == 0 && stop.goroutine == goroutine)
                {
                    stop.end = event.time;
                }
            }
            wire::GC_MARK_ASSIST_BEGIN => {
                self.open_assists.insert(event.g, event.time);
            }
            wire::GC_MARK_ASSIST_END => {
                let begin = self.open_assists.remove(&event.g).unwrap_or(self.start);
                self.assist = self.assist.saturating_add(event.time - begin);
            }
            wire::GC_SWEEP_BEGIN => {
                self.open_sweeps.insert(event.p, event.time);
            }
            wire::GC_SWEEP_END => {
                let begin = self.open_sweeps.remove(&event.p).unwrap_or(self.start);
                self.sweep = self.sweep.saturating_add(event.time - begin);
            }
            wire::CPU_SAMPLE => {
                let goroutine = self.goroutine(event.g, event.time);
                let stack = self.symbols.stack_of(generation, first);
                self.samples.push(Sample {
                    time: event.time,
                    goroutine,
                    processor: processor(event.p),
                    stack,
                });
            }
            _ => {}
        }
    }

    fn add_transition(&mut self, event: &Event, change: GoTransition, generation: &Generation) {
        let index = self.goroutine(change.goroutine, event.time);
        let created = change.from == GoState::NotExist;
        let woken = change.from == GoState::Waiting && change.to == GoState::Runnable;
        let by = if created || woken {
            self.goroutine(event.g, event.time)
        } else {
            NOBODY
        };
        let stack = self.symbols.stack_of(generation, event.stack());
        let reason = match change.reason {
            0 => 0,
            reason => {
                let reason = self.symbols.string_of(generation, reason);
                self.reason_index(reason)
            }
        };
        let Some(known) = self.goroutines.get_mut(index as usize) else {
            return;
        };
        if known.state == change.to && !created {
            // A status at the beginning of a generation tells nothing new, except perhaps a name.
            if known.name == 0 && stack != 0 {
                known.name = entry_function(&self.symbols, stack);
            }
            return;
        }
        if created {
            known.creation = self.transitions.len() as u32;
            if change.stack != 0 {
                let start = self.symbols.stack_of(generation, change.stack);
                known.name = entry_function(&self.symbols, start);
                let wrapper = ["sync.(*WaitGroup).Go", "golang.org/x/sync/errgroup."]
                    .iter()
                    .any(|prefix| self.symbols.text(known.name).starts_with(prefix));
                if wrapper {
                    known.name =
                        Self::wrapped_name(&mut self.symbols, &mut self.wrapped, known.name, stack);
                }
            }
        } else if known.name == 0 && stack != 0 && by == NOBODY {
            known.name = entry_function(&self.symbols, stack);
        }
        let elapsed = event.time - known.since;
        if let Some(state) = state_index(known.state) {
            known.totals[state] = known.totals[state].saturating_add(elapsed);
        }
        match (known.state, change.to) {
            (GoState::Runnable, GoState::Running) => {
                self.latency[(64 - (elapsed.max(1) as u64).leading_zeros() as usize).min(63)] += 1;
            }
            (GoState::Waiting, GoState::Runnable) => {
                let wake = self
                    .wakes
                    .entry((known.stack, stack, known.reason))
                    .or_default();
                wake.count += 1;
                wake.waited = wake.waited.saturating_add(elapsed);
            }
            (GoState::Syscall, _) => {
                let syscall = self.syscalls.entry(known.stack).or_default();
                syscall.count += 1;
                syscall.waited = syscall.waited.saturating_add(elapsed);
            }
            _ => {}
        }
        // See `since`.
        let older = known.last == NOBODY && !created;
        let number = self.transitions.len() as u32;
        let transition = Transition {
            time: event.time,
            previous: known.last,
            goroutine: index,
            by,
            stack,
            state: change.to,
            reason,
            processor: processor(event.p),
            left: Left::new(known.state, elapsed),
        };
        known.last = number;
        known.transitions += 1;
        if known.transitions.is_multiple_of(CHECKPOINT) {
            self.checkpoints.entry(index).or_default().push(number);
        }
        known.since = if older { self.start } else { event.time };
        known.state = change.to;
        known.reason = reason;
        known.stack = stack;
        huge_pages::reserve(&mut self.transitions, 1);
        self.transitions.push(transition);
        if self.symbols.tells_exception(stack) {
            let actor = if by == NOBODY { index } else { by };
            let after = if actor == index {
                number
            } else {
                self.goroutines[actor as usize].last
            };
            self.suspects.push(Suspect {
                transition: number,
                after,
            });
        }
    }

    /// Since when a goroutine was in the state that it entered with a transition. One that is older
    /// than the trace shows its state with its first event; it had been in it all the time before.
    pub fn since(&self, change: &Transition) -> i64 {
        if self.is_older(change) {
            self.start
        } else {
            change.time
        }
    }

    /// The state that a transition ended and since when it had lasted; nothing for the goroutine's
    /// first.
    #[inline]
    pub(crate) fn before(&self, change: &Transition) -> Option<(GoState, i64)> {
        let state = change.left.state();
        if state == GoState::Undetermined {
            return None;
        }
        let since = match change.left.elapsed() {
            Some(elapsed) => change.time - elapsed,
            None => self.since(self.transitions.get(change.previous as usize)?),
        };
        Some((state, since))
    }

    /// Whether a state began before the trace.
    pub fn is_older(&self, change: &Transition) -> bool {
        change.previous == NOBODY
            && self
                .goroutines
                .get(change.goroutine as usize)
                .is_some_and(|known| !known.is_created())
    }

    /// The last transition of a goroutine that is not behind `limit`, an index of a transition.
    pub fn last_until(&self, goroutine: u32, limit: u32) -> u32 {
        let Some(known) = self.goroutines.get(goroutine as usize) else {
            return NOBODY;
        };
        let mut last = known.last;
        if let Some(checkpoints) = self.checkpoints.get(&goroutine) {
            let behind = checkpoints.partition_point(|&checkpoint| checkpoint <= limit);
            last = checkpoints.get(behind).copied().unwrap_or(last);
        }
        while last != NOBODY && last > limit {
            last = self.transitions[last as usize].previous;
        }
        last
    }

    /// The name of a goroutine whose first function only calls a closure of whoever created it: with
    /// the creator's function.
    fn wrapped_name(
        symbols: &mut Symbols,
        names: &mut FxHashMap<(StringId, StackId), StringId>,
        name: StringId,
        stack: StackId,
    ) -> StringId {
        if let Some(&known) = names.get(&(name, stack)) {
            return known;
        }
        let creator = symbols
            .stack(stack)
            .iter()
            .map(|&frame| symbols.function(frame))
            .find(|function| {
                !["runtime.", "sync.", "golang.org/x/sync/"]
                    .iter()
                    .any(|prefix| function.starts_with(prefix))
            });
        let text = match creator {
            Some(creator) => format!("{creator} via {}", symbols.text(name)),
            None => symbols.text(name).to_owned(),
        };
        let number = symbols.intern(&text);
        names.insert((name, stack), number);
        number
    }

    fn finish(&mut self) {
        let end = self.end;
        for goroutine in &mut self.goroutines {
            if let Some(state) = state_index(goroutine.state) {
                goroutine.totals[state] =
                    goroutine.totals[state].saturating_add(end - goroutine.since);
            }
        }
        for stretch in self.collections.iter_mut().chain(&mut self.stops) {
            if stretch.end == 0 {
                stretch.end = end;
            }
        }
        let mut open = Vec::new();
        for goroutine in 0..self.goroutines.len() as u32 {
            while let Some(region) = self.open_regions.pop(goroutine, &mut self.goroutines) {
                open.push(region);
            }
        }
        open.sort_by_key(|region| (region.begin, region.goroutine));
        self.regions
            .extend(open.into_iter().map(|region| Region { end, ..region }));
        if self.processors == 0 {
            let highest = self
                .transitions
                .iter()
                .map(|change| change.processor)
                .filter(|&p| p != u16::MAX)
                .max();
            self.processors = highest.map_or(0, |highest| u64::from(highest) + 1);
        }
    }
}

fn processor(p: i64) -> u16 {
    u16::try_from(p).unwrap_or(u16::MAX)
}

/// The outermost function of a stack that says something: `runtime.main` and the like only call it.
fn entry_function(symbols: &Symbols, stack: StackId) -> StringId {
    let frames = symbols.stack(stack);
    let outermost = frames.iter().rev().find(|&&frame| {
        let name = symbols.function(frame);
        name != "runtime.main" && name != "runtime.goexit"
    });
    outermost
        .or(frames.last())
        .map_or(0, |&frame| symbols.place(frame).function)
}

/// Adds a value to a series and halves the series when it gets long, so that memory stays bounded.
fn thin_push(series: &mut Vec<(i64, u64)>, time: i64, value: u64) {
    const LIMIT: usize = 1 << 16;
    series.push((time, value));
    if series.len() >= LIMIT {
        let mut keep = false;
        series.retain(|_| {
            keep = !keep;
            keep
        });
    }
}
