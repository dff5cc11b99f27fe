//! Where generations come from: the reader's own thread, or a second one that reads the next
//! generation while the present one is put into order.
//!
//! The second thread takes apart what is not events, but does not decode those: to fetch a decoded
//! event from another processor's memory costs as much as to decode it.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use super::batches::{BatchReader, Outcome};
use super::generation::{Failure, Generation};

/// Who reads.
pub(crate) enum Source {
    SameThread(BatchReader),
    SecondThread(SecondThread),
}

impl Source {
    /// The next generation. The one before it is given back, and its memory used again.
    pub(crate) fn next_generation(&mut self, used: Box<Generation>) -> Outcome {
        match self {
            Source::SameThread(batches) => batches.read_generation(used),
            Source::SecondThread(thread) => thread.next_generation(used),
        }
    }
}

/// A second thread that reads. It is at most one generation ahead.
pub(crate) struct SecondThread {
    outcomes: Receiver<Outcome>,
    memory: Sender<Box<Generation>>,
}

impl SecondThread {
    pub(crate) fn start(batches: BatchReader) -> Result<Self, Failure> {
        // Without room in between: the thread goes on once its generation was asked for, and finds
        // the memory of the one before that.
        let (sender, outcomes) = sync_channel(0);
        let (memory, used) = channel();
        std::thread::Builder::new()
            .name("trace reader".to_owned())
            .spawn(move || work(batches, &sender, &used))
            .map_err(|error| Failure::new(format!("cannot start the reading thread: {error}")))?;
        Ok(SecondThread { outcomes, memory })
    }

    fn next_generation(&mut self, used: Box<Generation>) -> Outcome {
        // Where the thread has ended, it has said before that nothing follows, or it has failed.
        let _ = self.memory.send(used);
        self.outcomes.recv().unwrap_or_else(|_| Outcome {
            generation: None,
            failure: Some(Failure::new("the reading thread ended early")),
            position: 0,
            more: false,
        })
    }
}

/// The second thread's work, until there is no more or nobody asks for it.
fn work(
    mut batches: BatchReader,
    outcomes: &SyncSender<Outcome>,
    used: &Receiver<Box<Generation>>,
) {
    loop {
        let outcome = batches.read_generation(used.try_recv().unwrap_or_default());
        let more = outcome.generation.is_some() && outcome.failure.is_none() && outcome.more;
        if outcomes.send(outcome).is_err() || !more {
            return;
        }
    }
}
