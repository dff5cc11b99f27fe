//! The order in which packages are looked at: each after those that it imports.
//!
//! Of those that wait for nobody large ones come first, while little is known of the program and so
//! that none is left when all threads but one are done. What a package takes while it is looked at is
//! many times its source; two large ones at once would take as much as a whole program of small ones.
//! So beside a large one only those run that fit in with it, the fewer the more is known of the
//! program by then: what is known stays, and the most that is held at once should be little more than
//! what the largest one takes by itself.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What is to be looked at, by numbers from 0.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tasks {
    /// How large each is.
    pub(crate) sizes: Vec<usize>,
    /// Those that wait for each.
    pub(crate) users: Vec<Vec<usize>>,
}

/// What stays of a package, its types and what its functions do, is this part of what it takes while
/// it is looked at. (The standard library: 0.75 and 10.7 bytes for each byte of source.)
const STAYING: usize = 14;

/// The size up to which packages are looked at one on each thread, whatever is known by then. Of the
/// standard library 4 % are larger, of Kubernetes 2 %.
const USUAL: usize = 256 << 10;

/// What waits, and what is being looked at.
struct Queue<'t> {
    tasks: &'t Tasks,
    /// How many others each still waits for.
    missing: Vec<usize>,
    /// Those that wait for nobody, with their sizes, the largest last.
    ready: Vec<(usize, usize)>,
    /// How many have not been taken yet.
    left: usize,
    /// How many are being looked at, and the sum of their sizes.
    running: usize,
    running_size: usize,
    /// What that sum and what stays of those that are done should not exceed.
    limit: usize,
    /// The sum of the sizes of those that are done.
    done_size: usize,
    /// The size of packages for which nobody waits, and what they take on all threads.
    usual: usize,
    usual_on_all: usize,
}

impl<'t> Queue<'t> {
    fn new(tasks: &'t Tasks, threads: usize, usual: usize) -> Queue<'t> {
        let count = tasks.sizes.len();
        let mut missing = vec![0; count];
        for &user in tasks.users.iter().flatten() {
            missing[user] += 1;
        }
        let mut queue = Queue {
            tasks,
            missing,
            ready: Vec::new(),
            left: count,
            running: 0,
            running_size: 0,
            limit: tasks.sizes.iter().copied().max().unwrap_or(0),
            done_size: 0,
            usual,
            usual_on_all: usual * threads,
        };
        for task in 0..count {
            if queue.missing[task] == 0 {
                queue.add(task);
            }
        }
        queue
    }

    /// Adds one that waits for nobody any more; of equally large ones the first comes first.
    fn add(&mut self, task: usize) {
        let size = self.tasks.sizes[task];
        let before = |&(other, number): &(usize, usize)| (other, task) < (size, number);
        let position = self.ready.partition_point(before);
        self.ready.insert(position, (size, task));
    }

    /// The largest that fits in; else the smallest, so that nobody waits, unless that is large itself.
    /// None where all that is left waits for those that are being looked at.
    fn take(&mut self) -> Option<usize> {
        if self.ready.is_empty() && self.running == 0 {
            // Imports that form a cycle: no Go program, but no reason to wait for ever.
            let waiting = self.missing.iter().position(|&missing| missing > 0)?;
            self.missing[waiting] = 0;
            self.add(waiting);
        }
        let &(largest, _) = self.ready.last()?;
        let limit = self.limit.saturating_sub(self.done_size / STAYING);
        // Whatever is known, the largest one must be looked at some time, and by itself is best.
        let limit = limit.max(self.usual_on_all).max(largest);
        let room = limit.saturating_sub(self.running_size);
        let fitting = self.ready.partition_point(|(size, _)| *size <= room);
        let position = fitting.saturating_sub(1);
        if fitting == 0 && self.running > 0 && self.ready[0].0 > self.usual {
            return None;
        }
        let (size, task) = self.ready.remove(position);
        self.left -= 1;
        self.running += 1;
        self.running_size += size;
        Some(task)
    }

    fn done(&mut self, task: usize) {
        self.running -= 1;
        self.running_size -= self.tasks.sizes[task];
        self.done_size += self.tasks.sizes[task];
        for &user in &self.tasks.users[task] {
            if self.missing[user] > 0 {
                self.missing[user] -= 1;
                if self.missing[user] == 0 {
                    self.add(user);
                }
            }
        }
    }
}

/// Calls `look` with each task, on all threads of the pool.
pub(crate) fn large_first(tasks: &Tasks, look: impl Fn(usize) + Sync) {
    let threads = tasks.sizes.len().min(rayon::current_num_threads());
    let queue = Mutex::new(Queue::new(tasks, threads, USUAL));
    let changed = Condvar::new();
    let lock =
        || -> MutexGuard<'_, Queue<'_>> { queue.lock().unwrap_or_else(PoisonError::into_inner) };
    rayon::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|_| {
                let mut queue = lock();
                while queue.left > 0 {
                    let Some(task) = queue.take() else {
                        queue = changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
                        continue;
                    };
                    drop(queue);
                    look(task);
                    queue = lock();
                    queue.done(task);
                    changed.notify_all();
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The steps: what is taken, by its number, `none`, or `-` and what is done.
    fn check(sizes: &[usize], waits: &[(usize, usize)], steps: &str) {
        let mut tasks = Tasks {
            sizes: sizes.to_vec(),
            users: vec![Vec::new(); sizes.len()],
        };
        for &(user, imported) in waits {
            tasks.users[imported].push(user);
        }
        let mut queue = Queue::new(&tasks, 2, 100);
        for step in steps.split_whitespace() {
            match step.strip_prefix('-') {
                Some(done) => queue.done(done.parse().unwrap()),
                None => assert_eq!(queue.take(), step.parse().ok(), "at {step} in {steps}"),
            }
        }
    }

    #[test]
    fn beside_a_large_one_run_those_that_fit_in() {
        check(&[10, 800, 90, 20, 700, 30], &[], "1 0 -1 4 5 -4 2 3 none");
        // The smallest does not wait, unless it is large.
        check(&[30, 40, 800], &[], "2 0 1 none");
        check(&[500, 400, 800], &[], "2 none -2 0 none -0 1 none");
        // What two of the usual size take is always there.
        check(&[800, 100, 100, 100], &[], "0 3 2 1 none");
        check(&[800, 100, 100, 100], &[], "0 -0 1 2 3 none");
        check(&[], &[], "none");
        check(&[0, 0], &[], "0 1 none");
    }

    #[test]
    fn the_more_is_known_the_fewer_run_beside_a_large_one() {
        check(&[1400, 700, 600], &[], "0 none -0 1 2 none");
        check(
            &[1400, 1400, 700, 600],
            &[],
            "0 none -0 1 none -1 2 none -2 3 none",
        );
    }

    #[test]
    fn each_comes_after_those_that_it_waits_for() {
        check(
            &[1, 5, 9],
            &[(2, 1), (1, 0)],
            "0 none -0 1 none -1 2 -2 none",
        );
        check(&[1, 5, 9, 3], &[(2, 3)], "1 3 0 none -3 2");
        // A cycle does not stop the others, nor itself.
        check(&[1, 2, 3], &[(0, 1), (1, 0)], "2 none -2 0 none -0 1");
    }

    #[test]
    fn all_are_looked_at() {
        let tasks = Tasks {
            sizes: (0..100).map(|n| n % 7).collect(),
            users: (0..100)
                .map(|n| (n + 1..100).step_by(n + 1).collect())
                .collect(),
        };
        let seen = Mutex::new(Vec::new());
        large_first(&tasks, |n| seen.lock().unwrap().push(n));
        let mut seen = seen.into_inner().unwrap();
        seen.sort_unstable();
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
    }
}
