//! Who of a pool's children is idle, and who runs what.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::child::Child;
use crate::engine::Attempt;
use crate::executor::Assignment;
use crate::sandbox::Sandbox;

/// How many children without a job stay when one with another sandbox is made.
const SPARE: usize = 4;

/// The children of a pool.
#[derive(Debug, Default)]
pub(super) struct Roster {
    /// What was started and has no child yet.
    pub(super) waiting: VecDeque<Assignment>,
    /// What is to begin at the end of others.
    pub(super) prefetched: Vec<Assignment>,
    /// Those without a job, the last one to end one at the end: its caches are warm.
    idle: Vec<Arc<Child>>,
    /// All that live, by number.
    living: HashMap<u64, Arc<Child>>,
    /// Those with a job, by the key of its attempt.
    busy: HashMap<u64, Arc<Child>>,
    last: u64,
    pub(super) closed: bool,
}

impl Roster {
    /// A number that no child has.
    pub(super) fn next_number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    pub(super) fn count(&self) -> (usize, usize) {
        (self.idle.len(), self.living.len())
    }

    /// Takes a new child in, which has a job.
    pub(super) fn welcome(&mut self, child: Arc<Child>, key: u64) {
        self.busy.insert(key, Arc::clone(&child));
        self.living.insert(child.number, child);
    }

    /// Gives a job to a child without one that is kept to its sandbox, and is to be told of it next; back,
    /// where there is none.
    pub(super) fn seat(&mut self, assignment: Assignment) -> Result<Arc<Child>, Assignment> {
        let sandbox = assignment.attempt.sandbox();
        let fits = |child: &Arc<Child>| child.sandbox == *sandbox;
        let Some(at) = self.idle.iter().rposition(fits) else {
            return Err(assignment);
        };
        let child = self.idle.remove(at);
        self.busy
            .insert(assignment.attempt.key(), Arc::clone(&child));
        // At once: where it ends before it is told, this is found with it.
        child.occupy(assignment);
        Ok(child)
    }

    /// Gives a job to the child that has the one before it, `after`; none, where that has gone on.
    pub(super) fn queue_up(&mut self, after: u64, attempt: &Arc<Attempt>) -> Option<Arc<Child>> {
        let child = self.with_job(after)?;
        if !child.queue_up(after, attempt) {
            return None;
        }
        self.busy.insert(attempt.key(), Arc::clone(&child));
        Some(child)
    }

    /// The job has no child any more, and is the next one to get another.
    pub(super) fn unseat(&mut self, assignment: Assignment) {
        self.free(assignment.attempt.key());
        self.waiting.push_front(assignment);
    }

    /// Takes out a child that is to make room for one with another sandbox, where there are many.
    pub(super) fn crowded_out(&mut self) -> Option<Arc<Child>> {
        (self.idle.len() >= SPARE).then(|| self.idle.remove(0))
    }

    /// Takes out those without a job that are kept to `sandbox`.
    pub(super) fn idle_in(&mut self, sandbox: &Sandbox) -> Vec<Arc<Child>> {
        let is_in = |child: &mut Arc<Child>| child.sandbox == *sandbox;
        self.idle.extract_if(.., is_in).collect()
    }

    /// The child that has the job `key`.
    pub(super) fn with_job(&self, key: u64) -> Option<Arc<Child>> {
        self.busy.get(&key).cloned()
    }

    pub(super) fn child(&self, number: u64) -> Option<Arc<Child>> {
        self.living.get(&number).cloned()
    }

    /// Its job `key` is no longer that of any child.
    pub(super) fn free(&mut self, key: u64) {
        self.busy.remove(&key);
    }

    /// A child waits for a job.
    pub(super) fn rest(&mut self, child: Arc<Child>) {
        if self.living.contains_key(&child.number) {
            self.idle.push(child);
        }
    }

    /// A child has ended.
    pub(super) fn bury(&mut self, number: u64) -> Option<Arc<Child>> {
        let child = self.living.remove(&number)?;
        self.idle.retain(|idle| idle.number != number);
        Some(child)
    }

    /// Takes everybody out.
    pub(super) fn dismiss(&mut self) -> Vec<Arc<Child>> {
        self.closed = true;
        self.idle.clear();
        self.living.values().cloned().collect()
    }
}
