//! The short way for the events that nearly all of a trace consists of, when nothing is odd about
//! them.
//!
//! What happens here is exactly what [`Ordering::advance`] does with the same event. Whatever does
//! not look as usual (something is missing, the event is not possible yet, the trace is broken) is
//! left to it, untouched: so there is nothing here that fails or makes a message.

use super::{
    Decoded, GO_RUNNABLE, GO_RUNNING, GO_WAITING, Generation, NO_SLOT, NONE, Ordering, wire,
};

impl Ordering {
    /// Tries an event of a thread as [`Ordering::advance`] does. False: that has to be asked, nothing
    /// has changed.
    #[inline(always)]
    pub(crate) fn advance_usual(
        &mut self,
        event: &Decoded,
        thread: u32,
        generation: &Generation,
    ) -> bool {
        let Some(runs) = self.threads.get_mut(thread as usize) else {
            return false;
        };
        let (p, g) = (runs.p, runs.g);
        if p == NONE {
            return false;
        }
        match event.kind {
            wire::GO_START => {
                let id = event.arguments[0] as i64;
                let Some(slot) = self.goroutines.find(id) else {
                    return false;
                };
                let known = &mut self.goroutines.slots[slot];
                if known.status != GO_RUNNABLE
                    || known.generation != generation.number
                    || event.arguments[1] != known.sequence.wrapping_add(1)
                    || g != NONE
                {
                    return false;
                }
                known.status = GO_RUNNING;
                known.sequence = event.arguments[1];
                runs.g = id;
                runs.slot = slot as u32;
            }
            wire::GO_UNBLOCK => {
                let Some(slot) = self.goroutines.find(event.arguments[0] as i64) else {
                    return false;
                };
                let known = &mut self.goroutines.slots[slot];
                if known.status != GO_WAITING
                    || known.generation != generation.number
                    || event.arguments[1] != known.sequence.wrapping_add(1)
                {
                    return false;
                }
                known.status = GO_RUNNABLE;
                known.sequence = event.arguments[1];
            }
            wire::GO_BLOCK | wire::GO_STOP => {
                let Some(slot) = self.goroutines.running(g, runs.slot) else {
                    return false;
                };
                runs.g = NONE;
                runs.slot = NO_SLOT;
                self.goroutines.slots[slot].status = if event.kind == wire::GO_BLOCK {
                    GO_WAITING
                } else {
                    GO_RUNNABLE
                };
            }
            wire::GO_DESTROY => {
                let Some(slot) = self.goroutines.running(g, runs.slot) else {
                    return false;
                };
                runs.g = NONE;
                runs.slot = NO_SLOT;
                self.goroutines.remove(slot);
            }
            wire::GO_CREATE => {
                if g == NONE || self.goroutines.running(g, runs.slot).is_none() {
                    return false;
                }
                let id = event.arguments[0] as i64;
                let created = self.goroutines.insert(id, GO_RUNNABLE, generation.number);
                if created.is_none() {
                    return false;
                }
            }
            wire::USER_REGION_BEGIN | wire::USER_REGION_END => {
                let [task, string, ..] = event.arguments;
                let (Some(name), Some(slot)) = (
                    self.names.known(string),
                    self.goroutines.running(g, runs.slot),
                ) else {
                    return false;
                };
                let regions = &mut self.goroutines.extra(slot).regions;
                if event.kind == wire::USER_REGION_BEGIN {
                    regions.push((task, name));
                } else {
                    if regions.last() != Some(&(task, name)) {
                        return false;
                    }
                    regions.pop();
                }
            }
            wire::USER_LOG if g != NONE => {}
            wire::HEAP_ALLOC => {}
            _ => return false,
        }
        let place = &mut self.queue.current;
        place.time = event.time;
        place.m = runs.id;
        place.p = p;
        place.g = g;
        place.arguments = event.arguments;
        place.kind = event.kind;
        true
    }
}
