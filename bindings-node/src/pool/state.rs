//! What waits and who works: plain data.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use bursar::core::{Assignment, Attempt};

use super::staffing::LATE;
use crate::bell::Bell;

/// A worker with a smaller heap than this could not load anything. In MiB.
const SMALLEST: u32 = 16;

/// Who is to be told, once the lock is given back.
#[derive(Default)]
pub(crate) struct News {
    /// Workers that are to look for jobs.
    pub(crate) bells: Vec<Arc<Bell>>,
    /// Whether the main loop has something to do.
    pub(crate) orders: bool,
}

/// Something for the main loop to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Start a worker whose heap may grow to so many MiB; 0 for no limit.
    Hire { worker: u32, limit: u32 },
    /// End a worker, whatever it does.
    Dismiss { worker: u32 },
    /// Look again in a few milliseconds whether something still waits.
    Look,
}

/// What a worker gets that asks for its next job.
pub(crate) enum Taken {
    Job(Assignment),
    /// Nothing now. Its bell tells.
    Nothing,
    /// Nothing any more: it is about to be ended.
    Never,
}

/// What a worker leaves.
#[derive(Default)]
pub(crate) struct Gone {
    pub(crate) attempt: Option<Arc<Attempt>>,
    /// The job that it was for, where it never came so far as to take one.
    pub(crate) waiting: Option<Assignment>,
    pub(crate) bell: Option<Arc<Bell>>,
    /// Whether its end is not the fault of its job.
    pub(crate) acquitted: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its thread isn't there yet.
    Starting,
    /// It sleeps, since then.
    Idle(Instant),
    /// It is about to take a job.
    Coming,
    Busy,
    /// It is about to be ended.
    Condemned,
}

pub(super) struct Worker {
    pub(super) limit: u32,
    pub(super) phase: Phase,
    pub(super) bell: Option<Arc<Bell>>,
    pub(super) attempt: Option<Arc<Attempt>>,
    pub(super) acquitted: bool,
    /// Whether another is to take its place.
    pub(super) spent: bool,
}

/// What waits for workers with one limit, and since when.
pub(super) struct Queue {
    pub(super) limit: u32,
    pub(super) waiting: VecDeque<(Assignment, Instant)>,
}

pub(crate) struct State {
    pub(super) queues: Vec<Queue>,
    pub(super) workers: BTreeMap<u32, Worker>,
    pub(super) orders: VecDeque<Order>,
    pub(super) last: u32,
    pub(super) most: usize,
    pub(super) cores: usize,
    pub(super) looking: bool,
    pub(super) closed: bool,
}

impl State {
    /// For so many jobs at once.
    pub(crate) fn new(most: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            queues: Vec::new(),
            workers: BTreeMap::new(),
            orders: VecDeque::new(),
            last: 0,
            most: most.max(cores),
            cores,
            looking: false,
            closed: false,
        }
    }

    pub(crate) fn order(&mut self) -> Option<Order> {
        self.orders.pop_front()
    }

    pub(crate) fn has_orders(&self) -> bool {
        !self.orders.is_empty()
    }

    pub(crate) fn push(&mut self, assignment: Assignment, now: Instant) {
        let limit = limit_of(&assignment.attempt);
        let queue = match self.queues.iter().position(|queue| queue.limit == limit) {
            Some(index) => &mut self.queues[index],
            None => {
                self.queues.retain(|queue| !queue.waiting.is_empty());
                let waiting = VecDeque::new();
                self.queues.push(Queue { limit, waiting });
                let last = self.queues.len() - 1;
                &mut self.queues[last]
            }
        };
        queue.waiting.push_back((assignment, now));
    }

    pub(crate) fn begun(&mut self, worker: u32, bell: Arc<Bell>) {
        if let Some(worker) = self.workers.get_mut(&worker) {
            worker.bell = Some(bell);
        }
    }

    pub(crate) fn take(&mut self, number: u32, now: Instant) -> (Taken, News) {
        let Some(worker) = self
            .workers
            .get_mut(&number)
            .filter(|worker| worker.stays())
        else {
            return (Taken::Never, News::default());
        };
        if worker.spent || self.closed {
            worker.phase = Phase::Condemned;
            self.orders.push_back(Order::Dismiss { worker: number });
            return (Taken::Never, self.staff(now, false));
        }
        worker.acquitted = false;
        let Some(assignment) = first_of(&mut self.queues, worker.limit) else {
            worker.phase = Phase::Idle(now);
            // What waits for another limit may take its place.
            return (Taken::Nothing, self.staff(now, false));
        };
        worker.phase = Phase::Busy;
        worker.attempt = Some(Arc::clone(&assignment.attempt));
        (Taken::Job(assignment), self.staff(now, false))
    }

    /// Takes the attempt out that a worker has finished. It is about to take its next job.
    pub(crate) fn finish(&mut self, worker: u32) -> Option<Arc<Attempt>> {
        let worker = self.workers.get_mut(&worker)?;
        if worker.phase == Phase::Busy {
            worker.phase = Phase::Coming;
        }
        worker.attempt.take()
    }

    pub(crate) fn replace(&mut self, worker: u32) {
        if let Some(worker) = self.workers.get_mut(&worker) {
            worker.spent = true;
        }
    }

    pub(crate) fn acquit(&mut self, worker: u32) {
        if let Some(worker) = self.workers.get_mut(&worker) {
            worker.acquitted = true;
        }
    }

    pub(crate) fn ended(&mut self, number: u32) -> Gone {
        let Some(worker) = self.workers.remove(&number) else {
            return Gone::default();
        };
        let waiting = match worker.phase {
            Phase::Starting => first_of(&mut self.queues, worker.limit),
            _ => None,
        };
        Gone {
            attempt: worker.attempt,
            waiting,
            bell: worker.bell,
            acquitted: worker.acquitted,
        }
    }

    pub(crate) fn is_condemned(&self, worker: u32) -> bool {
        let worker = self.workers.get(&worker);
        worker.is_none_or(|worker| worker.phase == Phase::Condemned)
    }

    /// The bell of the worker that runs this attempt.
    pub(crate) fn bell_of(&self, key: u64) -> Option<Arc<Bell>> {
        let mut workers = self.workers.values();
        workers.find(|worker| worker.runs(key))?.bell.clone()
    }

    /// Condemns the worker that runs this attempt; one that still waits is taken out.
    pub(crate) fn kill(&mut self, key: u64) -> Option<Assignment> {
        let mut workers = self.workers.iter_mut();
        if let Some((number, worker)) = workers.find(|(_, worker)| worker.runs(key)) {
            if worker.phase != Phase::Condemned {
                worker.phase = Phase::Condemned;
                self.orders.push_back(Order::Dismiss { worker: *number });
            }
            return None;
        }
        self.queues.iter_mut().find_map(|queue| {
            let mut waiting = queue.waiting.iter();
            let place = waiting.position(|(assignment, _)| assignment.attempt.key() == key)?;
            let (assignment, _) = queue.waiting.remove(place)?;
            Some(assignment)
        })
    }

    /// Gives what still waited.
    pub(crate) fn close(&mut self) -> Vec<Queued> {
        self.closed = true;
        self.orders.clear();
        let queues = std::mem::take(&mut self.queues);
        queues
            .into_iter()
            .map(|queue| Queued(queue.waiting))
            .collect()
    }
}

fn first_of(queues: &mut [Queue], limit: u32) -> Option<Assignment> {
    let queue = queues.iter_mut().find(|queue| queue.limit == limit)?;
    queue.waiting.pop_front().map(|(assignment, _)| assignment)
}

/// What waited in one queue: dropped where no lock is held.
pub(crate) struct Queued(
    #[expect(dead_code, reason = "dropped with it")] VecDeque<(Assignment, Instant)>,
);

impl Queue {
    pub(super) fn is_late(&self, now: Instant) -> bool {
        let first = self.waiting.front();
        first.is_some_and(|(_, since)| now.saturating_duration_since(*since) >= LATE)
    }
}

impl Worker {
    pub(super) fn new(limit: u32) -> Self {
        Self {
            limit,
            phase: Phase::Starting,
            bell: None,
            attempt: None,
            acquitted: false,
            spent: false,
        }
    }

    pub(super) fn runs(&self, key: u64) -> bool {
        let attempt = self.attempt.as_ref();
        attempt.is_some_and(|attempt| attempt.key() == key)
    }

    pub(super) fn starts(&self) -> bool {
        self.phase == Phase::Starting
    }

    pub(super) fn comes(&self) -> bool {
        matches!(self.phase, Phase::Starting | Phase::Coming)
    }

    pub(super) fn stays(&self) -> bool {
        self.phase != Phase::Condemned
    }
}

/// What a worker for this attempt may use, in MiB: what its job has reserved; 0 for no limit.
fn limit_of(attempt: &Attempt) -> u32 {
    match attempt.memory() {
        0 => 0,
        bytes => u32::try_from(bytes >> 20)
            .unwrap_or(u32::MAX >> 8)
            .clamp(SMALLEST, u32::MAX >> 8),
    }
}
