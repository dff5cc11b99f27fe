//! Where generations come from: the reader's own thread, or a second one that reads the next
//! generation while the present one is put into order, and begins to put that into order, too, until it
//! is asked for (`ordering/ahead.rs`).
//!
//! What goes from one thread to the other is read once, from its beginning to its end. Whatever they
//! would have to tell each other more often would cost more than it saves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use super::batches::{BatchReader, Outcome};
use super::engine::Beginning;
use super::generation::{Failure, Generation};

/// Who reads.
pub(crate) enum Source {
    SameThread(BatchReader),
    SecondThread(SecondThread),
    /// As with a second thread, but what that does is done here, and ends after so many blocks of events.
    #[cfg(test)]
    Stepwise {
        batches: BatchReader,
        spare: Option<Box<Beginning>>,
        blocks: usize,
    },
}

impl Source {
    /// The next generation, and what was put into order of it. The one before it is given back, and its
    /// memory used again.
    pub(crate) fn next_generation(
        &mut self,
        used: Arc<Generation>,
    ) -> (Outcome, Option<Box<Beginning>>) {
        let used = Arc::into_inner(used).map(Box::new);
        match self {
            Source::SameThread(batches) => {
                let outcome = batches.read_generation(used.unwrap_or_default());
                (outcome, None)
            }
            Source::SecondThread(thread) => thread.next_generation(used),
            #[cfg(test)]
            Source::Stepwise {
                batches,
                spare,
                blocks,
            } => {
                let outcome = batches.read_generation(used.unwrap_or_default());
                let mut beginning = spare.take();
                if let (Some(beginning), Some(generation)) = (&mut beginning, &outcome.generation) {
                    let left = std::cell::Cell::new(*blocks);
                    beginning.put_into_order(Arc::clone(generation), || {
                        left.set(left.get() - 1);
                        left.get() == 0
                    });
                }
                (outcome, beginning)
            }
        }
    }

    /// Takes back what [`Source::next_generation`] gave.
    pub(crate) fn give_back(&mut self, beginning: Box<Beginning>) {
        match self {
            Source::SameThread(_) => {}
            Source::SecondThread(thread) => {
                // Where the thread has ended, nobody needs it.
                let _ = thread.spare.send(beginning);
            }
            #[cfg(test)]
            Source::Stepwise { spare, .. } => *spare = Some(beginning),
        }
    }
}

/// A second thread that reads. It is at most one generation ahead.
pub(crate) struct SecondThread {
    outcomes: Receiver<(Outcome, Option<Box<Beginning>>)>,
    memory: Sender<Box<Generation>>,
    spare: Sender<Box<Beginning>>,
    /// How many generations were asked for.
    asked: Arc<AtomicU64>,
}

impl SecondThread {
    pub(crate) fn start(batches: BatchReader) -> Result<Self, Failure> {
        // Without room in between: the thread goes on once its generation was asked for, and finds
        // the memory of the one before that.
        let (sender, outcomes) = sync_channel(0);
        let (memory, used) = channel();
        // There is only one: it has to be used up before the next generation can be put into order.
        let (spare, spares) = channel();
        let _ = spare.send(Box::default());
        let asked = Arc::new(AtomicU64::new(0));
        let work = Work {
            batches,
            outcomes: sender,
            used,
            spare: spares,
            asked: Arc::clone(&asked),
        };
        std::thread::Builder::new()
            .name("trace reader".to_owned())
            .spawn(move || work.run())
            .map_err(|error| Failure::new(format!("cannot start the reading thread: {error}")))?;
        Ok(SecondThread {
            outcomes,
            memory,
            spare,
            asked,
        })
    }

    fn next_generation(
        &mut self,
        used: Option<Box<Generation>>,
    ) -> (Outcome, Option<Box<Beginning>>) {
        // Where the thread has ended, it has said before that nothing follows, or it has failed.
        if let Some(used) = used {
            let _ = self.memory.send(used);
        }
        self.asked.fetch_add(1, Relaxed);
        self.outcomes.recv().unwrap_or_else(|_| {
            let outcome = Outcome {
                generation: None,
                failure: Some(Failure::new("the reading thread ended early")),
                position: 0,
                more: false,
            };
            (outcome, None)
        })
    }
}

/// What the second thread has.
struct Work {
    batches: BatchReader,
    outcomes: SyncSender<(Outcome, Option<Box<Beginning>>)>,
    used: Receiver<Box<Generation>>,
    spare: Receiver<Box<Beginning>>,
    asked: Arc<AtomicU64>,
}

impl Work {
    /// Reads until there is no more or nobody asks for it.
    fn run(mut self) {
        for number in 0.. {
            let memory = self.used.try_recv().unwrap_or_default();
            let outcome = self.batches.read_generation(memory);
            let more = outcome.generation.is_some() && outcome.failure.is_none() && outcome.more;
            let mut beginning = None;
            // What the first one says is not to be compared with anything.
            if number > 0
                && let Some(generation) = &outcome.generation
            {
                let Ok(mut spare) = self.spare.recv() else {
                    return;
                };
                let is_asked_for = || self.asked.load(Relaxed) > number;
                spare.put_into_order(Arc::clone(generation), is_asked_for);
                beginning = Some(spare);
            }
            if self.outcomes.send((outcome, beginning)).is_err() || !more {
                return;
            }
        }
    }
}
