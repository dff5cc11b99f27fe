//! Where generations and their decoded events come from: the reader's own thread, or a second one
//! that works ahead of it.
//!
//! The second thread has two kinds of work, and does what is needed first:
//!
//! - It decodes the lanes of the generation that is being ordered, always the lane whose decoded
//!   events end earliest, as that is the one that the ordering asks for next. At most [`AHEAD`]
//!   chunks wait to be asked for.
//! - It reads the next generation, batch by batch, and once that is complete, decodes its lanes, too.
//!
//! When the ordering asks for a chunk that nobody has begun with, it decodes it itself: so neither
//! thread waits as long as there is work, and memory stays bounded whatever order the events of a
//! broken trace ask for. All that the threads share is behind one lock, which is taken once for each
//! chunk and each batch.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::batches::{BatchReader, Outcome};
use super::decoding::{Chunk, Lane};
use super::generation::{Failure, Generation};

/// The most events of a chunk that is used up at once: those of all lanes fit the nearest cache.
const SHORT: usize = 64;

/// The most events of a chunk that goes from one thread to the other: each costs a lock.
const LONG: usize = 512;

/// How many decoded chunks may wait.
const AHEAD: usize = 64;

/// With so many waiting, reading the next generation comes first.
const ENOUGH: usize = 16;

/// A generation for the reader.
pub(crate) struct Supply {
    /// The generation, if there was one.
    pub(crate) generation: Option<Arc<Generation>>,
    /// What went wrong behind the generation (or instead of it).
    pub(crate) failure: Option<Failure>,
    /// Bytes of the file up to the end of what was read.
    pub(crate) position: u64,
    /// Whether more may follow.
    pub(crate) more: bool,
}

impl Supply {
    fn of(outcome: Outcome) -> Self {
        Supply {
            generation: outcome.generation.map(Arc::from),
            failure: outcome.failure,
            position: outcome.position,
            more: outcome.more,
        }
    }
}

/// Where the reader gets everything from.
pub(crate) trait Source {
    /// The next generation. The one before it is given back.
    fn next_generation(&mut self, used: Arc<Generation>) -> Supply;

    /// Puts the next events of one of the present generation's lanes into a chunk that is used up.
    fn refill(&mut self, lane: u32, generation: &Generation, chunk: &mut Chunk);
}

fn lanes(generation: &Generation) -> impl Iterator<Item = Lane> {
    (0..generation.threads.len()).map(Lane::new)
}

/// Everything on the reader's thread.
pub(crate) struct SameThread {
    batches: BatchReader,
    lanes: Vec<Lane>,
}

impl SameThread {
    pub(crate) fn new(batches: BatchReader) -> Self {
        SameThread {
            batches,
            lanes: Vec::new(),
        }
    }
}

impl Source for SameThread {
    fn next_generation(&mut self, used: Arc<Generation>) -> Supply {
        let memory = Arc::into_inner(used).unwrap_or_default();
        self.batches.start(Box::new(memory));
        let supply = Supply::of(loop {
            if let Some(outcome) = self.batches.read_batch() {
                break outcome;
            }
        });
        self.lanes.clear();
        if let Some(generation) = &supply.generation {
            self.lanes.extend(lanes(generation));
        }
        supply
    }

    fn refill(&mut self, lane: u32, generation: &Generation, chunk: &mut Chunk) {
        self.lanes[lane as usize].decode(generation, chunk, SHORT);
    }
}

/// A lane and what of it is decoded.
struct Queue {
    /// Nothing while somebody decodes it.
    lane: Option<Lane>,
    chunks: VecDeque<Chunk>,
    /// Whether the lane stands among those that can be decoded.
    listed: bool,
    /// Whether the lane's last chunk is decoded.
    done: bool,
}

/// A generation that is read and not ordered completely yet.
struct Work {
    number: u64,
    generation: Arc<Generation>,
    queues: Vec<Queue>,
    /// The lanes that can be decoded, by the time at which their decoded events end. A lane that the
    /// ordering decodes itself may stand here with an old time.
    next: BinaryHeap<Reverse<(i64, u32)>>,
}

impl Work {
    fn new(number: u64, generation: Arc<Generation>) -> Self {
        let queues: Vec<Queue> = lanes(&generation)
            .map(|lane| Queue {
                lane: Some(lane),
                chunks: VecDeque::new(),
                listed: true,
                done: false,
            })
            .collect();
        let next = (0..queues.len() as u32)
            .map(|lane| Reverse((i64::MIN, lane)))
            .collect();
        Work {
            number,
            generation,
            queues,
            next,
        }
    }

    /// Takes the lane that should be decoded next.
    fn take_lane(&mut self) -> Option<(u32, Lane)> {
        while let Some(Reverse((_, index))) = self.next.pop() {
            let queue = &mut self.queues[index as usize];
            queue.listed = false;
            // One that the ordering has at this moment comes back with its new time.
            if !queue.done
                && let Some(lane) = queue.lane.take()
            {
                return Some((index, lane));
            }
        }
        None
    }

    fn put_back(&mut self, index: u32, lane: Lane, done: bool) {
        let queue = &mut self.queues[index as usize];
        if !done && !std::mem::replace(&mut queue.listed, true) {
            self.next.push(Reverse((lane.last, index)));
        }
        queue.done = done;
        queue.lane = Some(lane);
    }
}

/// What the two threads share.
struct State {
    /// The generation that is being ordered, and the one behind it.
    work: VecDeque<Work>,
    /// What was read and not asked for yet.
    supply: VecDeque<Supply>,
    /// Memory to use again.
    memory: Option<Box<Generation>>,
    spare: Vec<Chunk>,
    /// How many chunks are decoded and not asked for.
    waiting: usize,
    /// Whether the second thread waits for work.
    idle: bool,
    /// Whether the ordering waits for the second thread.
    asking: bool,
    /// Whether one of the two threads has ended.
    over: bool,
}

struct Shared {
    state: Mutex<State>,
    /// There is work for the second thread.
    work: Condvar,
    /// The second thread has finished something.
    progress: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic on the other thread leaves nothing half done that is looked at afterwards.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A second thread that reads and decodes.
pub(crate) struct SecondThread {
    shared: Arc<Shared>,
}

/// Says that a thread has ended, however it did.
struct Ends(Arc<Shared>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.lock().over = true;
        self.0.work.notify_all();
        self.0.progress.notify_all();
    }
}

impl SecondThread {
    pub(crate) fn start(batches: BatchReader) -> Result<Self, Failure> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                work: VecDeque::new(),
                supply: VecDeque::new(),
                memory: None,
                spare: Vec::new(),
                waiting: 0,
                idle: false,
                asking: false,
                over: false,
            }),
            work: Condvar::new(),
            progress: Condvar::new(),
        });
        let ends = Ends(Arc::clone(&shared));
        std::thread::Builder::new()
            .name("trace reader".to_owned())
            .spawn(move || work(batches, &ends.0))
            .map_err(|error| Failure::new(format!("cannot start the reading thread: {error}")))?;
        Ok(SecondThread { shared })
    }
}

impl Drop for SecondThread {
    fn drop(&mut self) {
        drop(Ends(Arc::clone(&self.shared)));
    }
}

impl Source for SecondThread {
    fn next_generation(&mut self, used: Arc<Generation>) -> Supply {
        let mut state = self.shared.lock();
        if let Some(work) = state.work.front()
            && Arc::ptr_eq(&work.generation, &used)
        {
            let ordered = state.work.pop_front();
            let left: usize = ordered
                .iter()
                .flat_map(|work| &work.queues)
                .map(|queue| queue.chunks.len())
                .sum();
            state.waiting -= left;
            drop(ordered);
            state.memory = Arc::into_inner(used).map(Box::new);
        }
        loop {
            if let Some(supply) = state.supply.pop_front() {
                // There is room for one more generation now.
                if std::mem::take(&mut state.idle) {
                    self.shared.work.notify_one();
                }
                return supply;
            }
            if state.over {
                return Supply {
                    generation: None,
                    failure: Some(Failure::new("the reading thread ended early")),
                    position: 0,
                    more: false,
                };
            }
            state.asking = true;
            state = self
                .shared
                .progress
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn refill(&mut self, lane: u32, generation: &Generation, chunk: &mut Chunk) {
        let mut guard = self.shared.lock();
        loop {
            let state = &mut *guard;
            let Some(work) = state.work.front_mut() else {
                break;
            };
            let queue = &mut work.queues[lane as usize];
            if let Some(decoded) = queue.chunks.pop_front() {
                state.spare.push(std::mem::replace(chunk, decoded));
                state.waiting -= 1;
                if state.waiting <= ENOUGH && std::mem::take(&mut state.idle) {
                    self.shared.work.notify_one();
                }
                return;
            }
            if let Some(mut taken) = queue.lane.take() {
                drop(guard);
                taken.decode(generation, chunk, LONG);
                let mut state = self.shared.lock();
                let done = chunk.last || chunk.failure.is_some();
                if let Some(work) = state.work.front_mut() {
                    work.put_back(lane, taken, done);
                }
                if !done && std::mem::take(&mut state.idle) {
                    self.shared.work.notify_one();
                }
                return;
            }
            if state.over {
                break;
            }
            state.asking = true;
            guard = self
                .shared
                .progress
                .wait(guard)
                .unwrap_or_else(PoisonError::into_inner);
        }
        chunk.fail(Failure::new("the reading thread ended early"));
    }
}

/// What the second thread does next.
enum Task {
    Decode {
        number: u64,
        generation: Arc<Generation>,
        index: u32,
        lane: Lane,
        chunk: Chunk,
    },
    /// Into this memory, if the next generation is not begun.
    Read(Option<Box<Generation>>),
    End,
}

/// The second thread's work.
fn work(mut batches: BatchReader, shared: &Shared) {
    // Whether the next generation is begun, and whether there may be one.
    let (mut begun, mut more) = (false, true);
    let mut number = 0;
    loop {
        match next_task(shared, begun, more) {
            Task::End => return,
            Task::Decode {
                number,
                generation,
                index,
                mut lane,
                mut chunk,
            } => {
                lane.decode(&generation, &mut chunk, LONG);
                // Before the lock: the ordering may want to have the generation for itself.
                drop(generation);
                finish_chunk(shared, number, index, lane, chunk);
            }
            Task::Read(memory) => {
                if !begun {
                    batches.start(memory.unwrap_or_default());
                    begun = true;
                }
                if let Some(outcome) = batches.read_batch() {
                    begun = false;
                    more =
                        outcome.generation.is_some() && outcome.failure.is_none() && outcome.more;
                    number += 1;
                    publish(shared, number, Supply::of(outcome));
                }
            }
        }
    }
}

fn next_task(shared: &Shared, begun: bool, more: bool) -> Task {
    let mut guard = shared.lock();
    loop {
        let state = &mut *guard;
        if state.over {
            return Task::End;
        }
        let may_read = more && state.supply.is_empty();
        if state.waiting < if may_read { ENOUGH } else { AHEAD } {
            for work in &mut state.work {
                if let Some((index, lane)) = work.take_lane() {
                    return Task::Decode {
                        number: work.number,
                        generation: Arc::clone(&work.generation),
                        index,
                        lane,
                        chunk: state.spare.pop().unwrap_or_default(),
                    };
                }
            }
        }
        if may_read {
            return Task::Read(if begun { None } else { state.memory.take() });
        }
        state.idle = true;
        guard = shared
            .work
            .wait(guard)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

fn finish_chunk(shared: &Shared, number: u64, index: u32, lane: Lane, chunk: Chunk) {
    let mut guard = shared.lock();
    let state = &mut *guard;
    let Some(work) = state.work.iter_mut().find(|work| work.number == number) else {
        return;
    };
    let done = chunk.last || chunk.failure.is_some();
    work.put_back(index, lane, done);
    work.queues[index as usize].chunks.push_back(chunk);
    state.waiting += 1;
    if std::mem::take(&mut state.asking) {
        shared.progress.notify_one();
    }
}

fn publish(shared: &Shared, number: u64, supply: Supply) {
    let mut guard = shared.lock();
    let state = &mut *guard;
    if let Some(generation) = &supply.generation {
        state
            .work
            .push_back(Work::new(number, Arc::clone(generation)));
    }
    state.supply.push_back(supply);
    if std::mem::take(&mut state.asking) {
        shared.progress.notify_one();
    }
}
