//! The turn of a generation that was put into order ahead of it: if what was taken for granted holds,
//! its end becomes the end of what was before.

use rustc_hash::FxHashMap;

use super::ahead::{LATEST, Noted, Owner, UNKNOWN_G, UNKNOWN_P};
use super::{Generation, NONE, Ordering};

impl Ordering {
    /// Takes over what another ordering made of a generation, and puts into its events what that could
    /// not know. False if the other one was wrong about the state before; then nothing has happened.
    pub(crate) fn adopt(&mut self, other: &mut Ordering, generation: &Generation) -> bool {
        if self.first_generation == 0 || self.first_generation == generation.number {
            return false;
        }
        if other.ahead.is_late || self.block.last_time() > LATEST {
            return false;
        }
        let names = &mut self.names;
        let numbers = other.names.texts.iter().map(|text| names.number(text));
        let numbers: Vec<u32> = numbers.collect();
        let Some(ended_regions) = self.ended_regions(other, &numbers) else {
            return false;
        };
        if !self.agrees(other) {
            return false;
        }
        self.fill_gaps(other, &numbers);
        self.adopt_goroutines(other, &numbers, &ended_regions);
        self.adopt_processors(other);
        self.adopt_threads(other);
        if other.ahead.collector.is_some() {
            self.collector = other.collector;
            self.collector_sequence = other.collector_sequence;
        }
        let tasks = std::mem::take(&mut other.tasks).into_iter();
        self.tasks
            .extend(tasks.map(|(id, (name, parent))| (id, (numbers[name as usize], parent))));
        true
    }

    /// Whether what was taken for granted holds, but for the regions.
    fn agrees(&self, other: &Ordering) -> bool {
        let ahead = &other.ahead;
        let thread = |m: &i64| Some(&self.threads[*self.thread_index.get(m)? as usize]);
        ahead.goroutines.iter().all(|&(id, status)| {
            let slot = self.goroutines.find(id);
            slot.is_some_and(|slot| self.goroutines.slots[slot].status == status)
        }) && ahead.processors.iter().all(|&(id, status)| {
            let index = self.processor(id);
            index.is_some_and(|index| self.processors[index as usize].status == status)
        }) && ahead
            .thread_goroutines
            .iter()
            .all(|(m, g)| thread(m).map_or(NONE, |thread| thread.g) == *g)
            && ahead
                .thread_processors
                .iter()
                .all(|(m, p)| thread(m).map_or(NONE, |thread| thread.p) == *p)
            && ahead.ranges.iter().all(|&(owner, open)| match owner {
                Owner::Goroutine(id) => {
                    let slot = self.goroutines.find(id);
                    let extra = slot.and_then(|slot| self.goroutines.known_extra(slot));
                    extra.map_or(open.is_none(), |extra| extra.ranges.are(open))
                }
                Owner::Processor(id) => self
                    .processor(id)
                    .is_some_and(|index| self.processors[index as usize].ranges.are(open)),
            })
            && ahead
                .collector
                .is_none_or(|known| known == (self.collector, self.collector_sequence))
            && none_of(
                &ahead.created,
                |id| self.goroutines.find(id as i64).is_some(),
                || self.goroutines.alive().map(|slot| slot.id as u64).max(),
            )
            && none_of(
                &ahead.begun_tasks,
                |id| self.tasks.contains_key(&id),
                || self.tasks.keys().copied().max(),
            )
    }

    /// How many of the regions that a goroutine had were ended. Nothing if those were others.
    fn ended_regions(&self, other: &Ordering, names: &[u32]) -> Option<FxHashMap<i64, usize>> {
        let mut ended = FxHashMap::default();
        for &(id, task, name) in &other.ahead.ended_regions {
            let count = ended.entry(id).or_insert(0);
            let slot = self.goroutines.find(id)?;
            let extra = self.goroutines.known_extra(slot);
            let regions = extra.map_or(&[][..], |extra| &extra.regions);
            // Where there was none, its beginning is not in the trace.
            if let Some(&region) = regions.iter().rev().nth(*count) {
                if region != (task, names[name as usize]) {
                    return None;
                }
                *count += 1;
            }
        }
        Some(ended)
    }

    fn fill_gaps(&mut self, other: &mut Ordering, names: &[u32]) {
        other.ahead.rename(names);
        let ahead = &mut other.ahead;
        for &number in &ahead.ended_tasks {
            let arguments = &mut ahead.whole[number as usize].arguments;
            if let Some((name, parent)) = self.tasks.remove(&arguments[0]) {
                arguments[2] = parent;
                arguments[3] = u64::from(name) + 1;
            }
        }
        for &(number, m, what) in &ahead.gaps {
            let Some(&thread) = self.thread_index.get(&m) else {
                // A thread that came up in this generation ran nothing before.
                continue;
            };
            let thread = &self.threads[thread as usize];
            let event = &mut ahead.whole[number as usize];
            if what & UNKNOWN_G != 0 {
                event.g = thread.g;
            }
            if what & UNKNOWN_P != 0 {
                event.p = thread.p;
            }
        }
    }

    fn adopt_goroutines(
        &mut self,
        other: &mut Ordering,
        names: &[u32],
        ended_regions: &FxHashMap<i64, usize>,
    ) {
        for &(id, _) in &other.ahead.goroutines {
            if let Some(slot) = self.goroutines.find(id)
                && other.goroutines.find(id).is_none()
            {
                self.goroutines.remove(slot);
            }
        }
        let alive: Vec<usize> = other.goroutines.alive_slots().collect();
        for theirs in alive {
            let goroutine = other.goroutines.slots[theirs];
            let id = goroutine.id;
            let slot = match self.goroutines.find(id) {
                Some(slot) => slot,
                None => {
                    let new = self
                        .goroutines
                        .insert(id, goroutine.status, goroutine.generation);
                    let Some(slot) = new else {
                        continue;
                    };
                    slot
                }
            };
            let own = &mut self.goroutines.slots[slot];
            own.status = goroutine.status;
            own.sequence = goroutine.sequence;
            own.generation = goroutine.generation;
            if let Some(extra) = other.goroutines.take_extra(theirs) {
                let own = self.goroutines.extra(slot);
                let ended = ended_regions.get(&id).copied().unwrap_or(0);
                own.regions.truncate(own.regions.len() - ended);
                let regions = extra.regions.iter();
                own.regions
                    .extend(regions.map(|&(task, name)| (task, names[name as usize])));
                if !other.ahead.inherited.contains(&id)
                    || other.ahead.ranged.contains(&Owner::Goroutine(id))
                {
                    own.ranges = extra.ranges;
                }
            }
        }
    }

    fn adopt_processors(&mut self, other: &mut Ordering) {
        for processor in &mut other.processors {
            let Some(&index) = self.processor_index.get(&processor.id) else {
                continue;
            };
            let own = &mut self.processors[index as usize];
            own.status = processor.status;
            own.sequence = processor.sequence;
            own.generation = processor.generation;
            if other.ahead.ranged.contains(&Owner::Processor(processor.id)) {
                own.ranges = std::mem::take(&mut processor.ranges);
            }
        }
    }

    fn adopt_threads(&mut self, other: &Ordering) {
        for (number, thread) in other.threads.iter().enumerate() {
            let index = self.thread(thread.id) as usize;
            let unknown = other.ahead.unknown_of(number as u32);
            if unknown & UNKNOWN_G == 0 {
                let slot = self.goroutines.find(thread.g);
                self.threads[index].g = thread.g;
                self.threads[index].slot = slot.map_or(super::NO_SLOT, |slot| slot as u32);
            }
            if unknown & UNKNOWN_P == 0 {
                self.threads[index].p = thread.p;
                self.threads[index].processor = match thread.p {
                    NONE => u32::MAX,
                    p => self.processor(p).unwrap_or(u32::MAX),
                };
            }
        }
    }
}

/// Whether none of the numbers was in use before, of which the largest is given.
fn none_of(
    noted: &Noted,
    used: impl Fn(u64) -> bool,
    largest: impl FnOnce() -> Option<u64>,
) -> bool {
    (noted.bound == u64::MAX || largest().is_none_or(|largest| largest <= noted.bound))
        && !noted.numbers.iter().any(|&number| used(number))
}
