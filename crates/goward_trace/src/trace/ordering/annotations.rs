//! What carries no change of a goroutine's or processor's state: tasks, regions, the collector's
//! phases, and stretches of sweeping, assisting and stopping the world.

use super::{
    Collector, Context, Decoded, Failure, Generation, NO_TASK, Ordering, Ranges, Step, bad,
    event_name, fail, wire,
};

impl Ordering {
    pub(super) fn user_task_begin(
        &mut self,
        event: &mut Decoded,
        generation: &Generation,
        context: Context,
    ) -> Step {
        let id = event.arguments[0];
        if self.tasks.contains_key(&id) {
            return fail(|| format!("task ID conflict: {id}"));
        }
        if event.arguments[1] == 0 {
            event.arguments[1] = NO_TASK;
        }
        let Some(name) = self.names.intern(generation, event.arguments[2]) else {
            return fail(|| {
                format!(
                    "invalid string ID {} for UserTaskBegin event",
                    event.arguments[2]
                )
            });
        };
        self.tasks.insert(id, (name, event.arguments[1]));
        context.need_all()?;
        self.emit(event, &context)
    }

    pub(super) fn user_task_end(&mut self, event: &mut Decoded, context: Context) -> Step {
        // The name may stand in an earlier generation's table only, so its own number goes along;
        // 0 for a task whose beginning is not in the trace.
        (event.arguments[3], event.arguments[2]) = match self.tasks.remove(&event.arguments[0]) {
            Some((name, parent)) => (u64::from(name) + 1, parent),
            None => (0, NO_TASK),
        };
        context.need_all()?;
        self.emit(event, &context)
    }

    #[inline]
    pub(super) fn user_region(
        &mut self,
        event: &Decoded,
        generation: &Generation,
        context: Context,
    ) -> Step {
        context.need_all()?;
        let [task, string, ..] = event.arguments;
        let Some(name) = self.names.intern(generation, string) else {
            return fail(|| {
                format!(
                    "invalid string ID {string} for {} event",
                    event_name(event.kind)
                )
            });
        };
        let Some(slot) = self.go_slot(&context) else {
            return fail(|| {
                format!(
                    "encountered Ev{} without known state for current goroutine {}",
                    event_name(event.kind),
                    context.g
                )
            });
        };
        let regions = &mut self.goroutines.extra(slot).regions;
        if event.kind == wire::USER_REGION_BEGIN {
            regions.push((task, name));
        } else if let Some(&innermost) = regions.last() {
            // Regions that began before the trace are not known, so an empty stack is no mistake.
            if innermost != (task, name) {
                return fail(|| {
                    format!(
                        "misuse of region in goroutine {}: region end {{{task} {}}} when the inner-most active \
                     region start event is {{{} {}}}",
                        context.g,
                        String::from_utf8_lossy(self.names.text(name)),
                        innermost.0,
                        String::from_utf8_lossy(self.names.text(innermost.1)),
                    )
                });
            }
            regions.pop();
        }
        self.emit(event, &context)
    }

    /// The collector's mark phase. Beginning and end may come from different threads, so both carry
    /// sequence numbers.
    pub(super) fn collect(
        &mut self,
        event: &Decoded,
        generation: &Generation,
        context: Context,
    ) -> Step {
        let sequence = event.arguments[0];
        let known = self.collector;
        match event.kind {
            wire::GC_ACTIVE if generation.number == self.first_generation => {
                if known != Collector::Undetermined {
                    return fail(|| {
                        "GCActive in the first generation isn't first GC event".to_owned()
                    });
                }
                self.collector_sequence = sequence;
                self.collector = Collector::Running;
                return self.emit(event, &context);
            }
            wire::GC_BEGIN if known == Collector::Undetermined => {
                self.collector_sequence = sequence;
                self.collector = Collector::Running;
                return self.emit(event, &context);
            }
            _ => {}
        }
        if sequence != self.collector_sequence.wrapping_add(1) {
            return Ok(false);
        }
        match (event.kind, known) {
            (wire::GC_ACTIVE, Collector::Running) => {}
            (wire::GC_ACTIVE, _) => {
                return fail(|| "encountered GCActive while GC was not in progress".to_owned());
            }
            (wire::GC_BEGIN, Collector::Running) => {
                return fail(|| "encountered GCBegin while GC was already in progress".to_owned());
            }
            (wire::GC_BEGIN, _) => self.collector = Collector::Running,
            (_, Collector::NotRunning) => {
                return fail(|| "encountered GCEnd when GC was not in progress".to_owned());
            }
            (_, Collector::Undetermined) => {
                return fail(|| {
                    "encountered GCEnd when GC was in an undetermined state".to_owned()
                });
            }
            (_, Collector::Running) => self.collector = Collector::NotRunning,
        }
        self.collector_sequence = sequence;
        context.need_all()?;
        self.emit(event, &context)
    }

    pub(super) fn sweep(&mut self, event: &Decoded, context: Context) -> Step {
        context.need_processor()?;
        let Some(index) = self.own_processor(&context) else {
            return fail(|| format!("uninitialized proc {} found during a sweep", context.p));
        };
        let ranges = &mut self.processors[index as usize].ranges;
        if event.kind == wire::GC_SWEEP_BEGIN {
            ranges.begin(wire::GC_SWEEP_BEGIN, 0)?;
        } else {
            ranges.end(wire::GC_SWEEP_BEGIN)?;
        }
        self.emit(event, &context)
    }

    pub(super) fn sweep_active(
        &mut self,
        event: &Decoded,
        generation: &Generation,
        context: Context,
    ) -> Step {
        let id = event.arguments[0] as i64;
        let Some(index) = self.processor(id) else {
            return fail(|| format!("encountered GCSweepActive for unknown proc {id}"));
        };
        let first = generation.number == self.first_generation;
        self.processors[index as usize]
            .ranges
            .active(wire::GC_SWEEP_BEGIN, first)?;
        self.emit(event, &context)
    }

    pub(super) fn go_range(
        &mut self,
        event: &Decoded,
        context: &Context,
    ) -> Result<&mut Ranges, Box<Failure>> {
        context.need_all()?;
        match self.go_slot(context) {
            Some(slot) => Ok(&mut self.goroutines.extra(slot).ranges),
            None => Err(bad(|| {
                format!(
                    "encountered event of type {} without known state for current goroutine {}",
                    event.kind, context.g
                )
            })),
        }
    }

    pub(super) fn go_range_begin(&mut self, event: &Decoded, context: Context) -> Step {
        let description = if event.kind == wire::STW_BEGIN {
            event.arguments[0]
        } else {
            0
        };
        self.go_range(event, &context)?
            .begin(event.kind, description)?;
        self.emit(event, &context)
    }

    pub(super) fn go_range_end(&mut self, event: &mut Decoded, context: Context) -> Step {
        let start = wire::SPECIFICATIONS[usize::from(event.kind)].starts_with;
        let description = self.go_range(event, &context)?.end(start)?;
        if event.kind == wire::STW_END {
            event.arguments[0] = description;
        }
        self.emit(event, &context)
    }

    pub(super) fn go_range_active(
        &mut self,
        event: &Decoded,
        generation: &Generation,
        context: Context,
    ) -> Step {
        let id = event.arguments[0] as i64;
        let Some(slot) = self.goroutines.find(id) else {
            return fail(|| {
                format!("uninitialized goroutine {id} found during GCMarkAssistActive")
            });
        };
        let first = generation.number == self.first_generation;
        self.goroutines
            .extra(slot)
            .ranges
            .active(wire::GC_MARK_ASSIST_BEGIN, first)?;
        self.emit(event, &context)
    }
}
