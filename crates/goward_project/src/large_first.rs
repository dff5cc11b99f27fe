//! The order in which packages are looked at that no longer wait for each other.
//!
//! Large packages come first, while little is known of the program and so that none is left when all
//! threads but one are done. What a package takes while it is looked at is many times its source;
//! two large ones at once would take as much as a whole program of small ones. So beside a large one
//! only those run that fit in with it.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Packages that are not looked at yet, and what is being looked at.
struct Queue<T> {
    /// With their sizes, the largest last.
    waiting: Vec<(usize, T)>,
    /// The sum of the sizes of those that are being looked at.
    running: usize,
    /// What that sum should not exceed.
    limit: usize,
}

impl<T> Queue<T> {
    fn new(mut waiting: Vec<(usize, T)>) -> Queue<T> {
        waiting.sort_by_key(|(size, _)| *size);
        let largest = waiting.last().map_or(0, |(size, _)| *size);
        Queue {
            waiting,
            running: 0,
            limit: largest + largest / 8,
        }
    }

    /// The largest that fits in; else the smallest, so that nobody waits.
    fn take(&mut self) -> Option<(usize, T)> {
        let room = self.limit.saturating_sub(self.running);
        let fitting = self.waiting.partition_point(|(size, _)| *size <= room);
        let position = fitting.saturating_sub(1);
        let taken = (position < self.waiting.len()).then(|| self.waiting.remove(position))?;
        self.running += taken.0;
        Some(taken)
    }
}

/// Calls `look` with each of `packages`, which come with their sizes, on all threads of the pool.
pub(crate) fn large_first<T: Send>(packages: Vec<(usize, T)>, look: impl Fn(T) + Sync) {
    let count = packages.len().min(rayon::current_num_threads());
    let queue = Mutex::new(Queue::new(packages));
    let lock =
        || -> MutexGuard<'_, Queue<T>> { queue.lock().unwrap_or_else(PoisonError::into_inner) };
    rayon::scope(|scope| {
        for _ in 0..count {
            scope.spawn(|_| {
                loop {
                    let Some((size, package)) = lock().take() else {
                        return;
                    };
                    look(package);
                    lock().running -= size;
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sizes: &[usize], steps: &str) {
        let mut queue = Queue::new(sizes.iter().map(|&size| (size, ())).collect());
        let mut running: Vec<usize> = Vec::new();
        for step in steps.split_whitespace() {
            match step.strip_prefix('-') {
                Some(done) => {
                    let done: usize = done.parse().unwrap();
                    let position = running.iter().position(|&size| size == done).unwrap();
                    queue.running -= running.remove(position);
                }
                None => {
                    let taken = queue.take().map(|(size, ())| size);
                    assert_eq!(taken, step.parse().ok(), "in {steps}");
                    running.extend(taken);
                }
            }
        }
    }

    #[test]
    fn beside_a_large_one_run_those_that_fit_in() {
        check(
            &[10, 800, 90, 20, 700, 30],
            "800 90 -90 30 -800 700 20 10 none",
        );
        // Nobody waits.
        check(&[500, 400, 800], "800 400 500 none");
        check(&[], "none");
        check(&[0, 0], "0 0 none");
    }

    #[test]
    fn all_are_looked_at() {
        let seen = Mutex::new(Vec::new());
        large_first((0..100).map(|n| (n % 7, n)).collect(), |n: usize| {
            seen.lock().unwrap().push(n);
        });
        let mut seen = seen.into_inner().unwrap();
        seen.sort_unstable();
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
    }
}
