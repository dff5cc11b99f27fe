//! Processors: their status, and how threads start, stop and steal them.

use super::{
    Context, Decoded, Generation, NONE, Ordering, PROC_IDLE, PROC_RUNNING, PROC_SYSCALL,
    PROC_SYSCALL_ABANDONED, ProcState, Processor, Ranges, Step, fail, proc_status_name,
};

impl Ordering {
    pub(super) fn proc_status(
        &mut self,
        event: &mut Decoded,
        generation: &Generation,
        context: Context,
    ) -> Step {
        let id = event.arguments[0] as i64;
        let status = event.arguments[1] as u8;
        let Some(mut old) = ProcState::of_status(u64::from(status)) else {
            return fail(|| format!("invalid status for proc {id}: {status}"));
        };
        let index = match self.processor(id) {
            Some(index) => {
                let known = &mut self.processors[index as usize];
                if status == PROC_SYSCALL_ABANDONED && known.status == PROC_SYSCALL {
                    // Nothing was lost: the thread in the syscall is known.
                    old = ProcState::Running;
                    event.arguments[1] = u64::from(PROC_SYSCALL);
                } else if status == PROC_SYSCALL_ABANDONED && known.status == PROC_SYSCALL_ABANDONED
                {
                    old = ProcState::Idle;
                    event.arguments[1] = u64::from(PROC_SYSCALL_ABANDONED);
                } else if known.status != status {
                    return fail(|| {
                        format!(
                            "inconsistent status for proc {id}: old {} vs. new {}",
                            proc_status_name(known.status),
                            proc_status_name(status)
                        )
                    });
                }
                known.generation = generation.number;
                known.sequence = 0;
                index
            }
            None => {
                let index = self.processors.len() as u32;
                self.processors.push(Processor {
                    id,
                    status,
                    generation: generation.number,
                    sequence: 0,
                    ranges: Ranges::default(),
                });
                self.processor_index.insert(id, index);
                old = if generation.number == self.first_generation {
                    ProcState::Undetermined
                } else {
                    ProcState::NotExist
                };
                index
            }
        };
        if ProcState::of_status(event.arguments[1]).is_none() {
            // Go's reader accepts this one and breaks down when it shows the event.
            return fail(|| format!("invalid status for proc {id}: {}", event.arguments[1]));
        }
        event.arguments[2] = old as u64;
        let mut shown = context;
        if status == PROC_SYSCALL_ABANDONED && old == ProcState::Running {
            // The status of a processor that is about to be stolen comes from another thread than
            // the one that it is bound to; show it there.
            match self.threads.iter().rev().find(|thread| thread.p == id) {
                Some(thread) => {
                    shown.m = thread.id;
                    shown.p = id;
                    shown.g = thread.g;
                }
                None => {
                    return fail(|| {
                        format!(
                            "failed to find sched context for proc {id} that's about to be stolen"
                        )
                    });
                }
            }
        }
        if status == PROC_RUNNING || status == PROC_SYSCALL {
            self.bind_processor(&context, id, index);
        }
        self.emit(event, &shown)
    }

    pub(super) fn proc_start(
        &mut self,
        event: &Decoded,
        generation: &Generation,
        context: Context,
    ) -> Step {
        let id = event.arguments[0] as i64;
        let Some(index) = self.processor(id) else {
            return Ok(false);
        };
        let known = &mut self.processors[index as usize];
        if known.status != PROC_IDLE
            || known.generation != generation.number
            || event.arguments[1] != known.sequence.wrapping_add(1)
            || context.p != NONE
        {
            return Ok(false);
        }
        context.need_thread()?;
        known.status = PROC_RUNNING;
        known.sequence = event.arguments[1];
        self.bind_processor(&context, id, index);
        self.emit(event, &context)
    }

    /// The processor that the context names. One with the number -1 can only come from a broken
    /// trace; Go would find it, too.
    pub(super) fn own_processor(&self, context: &Context) -> Option<u32> {
        if context.p != NONE && context.processor != u32::MAX {
            return Some(context.processor);
        }
        self.processor(context.p)
    }

    pub(super) fn proc_stop(&mut self, event: &Decoded, context: Context) -> Step {
        let Some(index) = self.own_processor(&context) else {
            return fail(|| format!("event ProcStop for proc ({}) that doesn't exist", context.p));
        };
        let known = &mut self.processors[index as usize];
        if known.status != PROC_RUNNING && known.status != PROC_SYSCALL {
            return fail(|| "ProcStop event for proc that's not Running or Syscall".to_owned());
        }
        context.need_processor()?;
        known.status = PROC_IDLE;
        self.bind_processor(&context, NONE, u32::MAX);
        self.emit(event, &context)
    }

    pub(super) fn proc_steal(
        &mut self,
        event: &mut Decoded,
        generation: &Generation,
        context: Context,
    ) -> Step {
        let [argument, sequence, victim, _] = event.arguments;
        let id = argument as i64;
        let Some(index) = self.processor(id) else {
            return Ok(false);
        };
        let known = &mut self.processors[index as usize];
        if (known.status != PROC_SYSCALL && known.status != PROC_SYSCALL_ABANDONED)
            || known.generation != generation.number
            || sequence != known.sequence.wrapping_add(1)
        {
            return Ok(false);
        }
        context.need_thread()?;
        let old = known.status;
        event.arguments[3] = u64::from(old);
        known.status = PROC_IDLE;
        known.sequence = sequence;
        if old == PROC_SYSCALL_ABANDONED {
            // The thread was lost sight of and may be anywhere by now.
            return self.emit(event, &context);
        }
        let victim = victim as i64;
        if victim == context.m {
            if context.p != id {
                return fail(|| {
                    format!(
                        "tried to self-steal proc {id} (thread {victim}), but got proc {} instead",
                        context.p
                    )
                });
            }
            self.bind_processor(&context, NONE, u32::MAX);
            return self.emit(event, &context);
        }
        let Some(&thread) = self.thread_index.get(&victim) else {
            return fail(|| format!("stole proc from non-existent thread {victim}"));
        };
        let thread = &mut self.threads[thread as usize];
        if thread.p != id {
            return fail(|| {
                format!(
                    "tried to steal proc {id} from thread {victim}, but got proc {} instead",
                    thread.p
                )
            });
        }
        // Without its processor the other thread can end its syscall.
        thread.p = NONE;
        thread.processor = u32::MAX;
        self.emit(event, &context)
    }
}
