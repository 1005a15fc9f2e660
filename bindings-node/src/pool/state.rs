//! What waits and who works: plain data, and the rules for how many workers there are.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bursar::core::{Assignment, Attempt};

use crate::bell::Bell;

/// How long a worker without a job stays.
const IDLE: Duration = Duration::from_secs(10);

/// How long a job waits before one more worker is started for it, where each core has one: what is
/// over within microseconds needs no more than those.
const LATE: Duration = Duration::from_millis(10);

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
enum Phase {
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

struct Worker {
    limit: u32,
    phase: Phase,
    bell: Option<Arc<Bell>>,
    attempt: Option<Arc<Attempt>>,
    acquitted: bool,
    /// Whether another is to take its place.
    spent: bool,
}

/// What waits for workers with one limit, and since when.
struct Queue {
    limit: u32,
    waiting: VecDeque<(Assignment, Instant)>,
}

pub(crate) struct State {
    queues: Vec<Queue>,
    workers: BTreeMap<u32, Worker>,
    orders: VecDeque<Order>,
    last: u32,
    most: usize,
    cores: usize,
    looking: bool,
    closed: bool,
}

impl State {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            queues: Vec::new(),
            workers: BTreeMap::new(),
            orders: VecDeque::new(),
            last: 0,
            most,
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
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
        let Some(worker) = self.workers.get_mut(&number).filter(|worker| worker.stays()) else {
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
            return (Taken::Nothing, News::default());
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

    pub(crate) fn thin(&mut self, now: Instant) -> bool {
        for (number, worker) in &mut self.workers {
            if let Phase::Idle(since) = worker.phase
                && now.saturating_duration_since(since) >= IDLE
            {
                worker.phase = Phase::Condemned;
                self.orders.push_back(Order::Dismiss { worker: *number });
            }
        }
        let mut workers = self.workers.values();
        workers.any(|worker| worker.phase != Phase::Condemned)
    }

    /// Gives what still waited.
    pub(crate) fn close(&mut self) -> Vec<Queued> {
        self.closed = true;
        self.orders.clear();
        let queues = std::mem::take(&mut self.queues);
        queues.into_iter().map(|queue| Queued(queue.waiting)).collect()
    }

    /// Wakes those who sleep for what waits, and orders workers where too few do.
    pub(crate) fn staff(&mut self, now: Instant, late: bool) -> News {
        let mut news = News::default();
        if late {
            self.looking = false;
        }
        for index in 0..self.queues.len() {
            let (limit, waiting) = (self.queues[index].limit, self.queues[index].waiting.len());
            if waiting > 0 {
                let lacking = self.wake(limit, waiting, &mut news);
                self.hire(limit, lacking, self.queues[index].is_late(now));
            }
        }
        news.orders = self.has_orders();
        news
    }

    /// Wakes workers for so many jobs; for how many nobody comes.
    fn wake(&mut self, limit: u32, jobs: usize, news: &mut News) -> usize {
        let mut left = jobs.saturating_sub(self.count(limit, Worker::comes));
        for worker in self.workers.values_mut() {
            if left > 0 && worker.limit == limit && matches!(worker.phase, Phase::Idle(_)) {
                worker.phase = Phase::Coming;
                news.bells.extend(worker.bell.clone());
                left -= 1;
            }
        }
        left
    }

    /// Orders workers for so many jobs, those beyond one for each core only where jobs wait long.
    fn hire(&mut self, limit: u32, jobs: usize, late: bool) {
        for _ in 0..jobs {
            let all = self.workers.values().filter(|worker| worker.stays()).count();
            let starting = self.workers.values().filter(|worker| worker.starts());
            if starting.count() >= self.cores {
                return;
            }
            if all >= self.cores && !late {
                return self.look_later();
            }
            if all >= self.most && !self.make_room(limit) {
                return;
            }
            self.last += 1;
            let worker = self.last;
            self.workers.insert(worker, Worker::new(limit));
            self.orders.push_back(Order::Hire { worker, limit });
        }
    }

    fn look_later(&mut self) {
        if !self.looking {
            self.looking = true;
            self.orders.push_back(Order::Look);
        }
    }

    /// Dismisses a worker with another limit that has nothing to do.
    fn make_room(&mut self, limit: u32) -> bool {
        let idle = self.workers.iter_mut().filter_map(|(number, worker)| {
            let Phase::Idle(since) = worker.phase else {
                return None;
            };
            (worker.limit != limit).then_some((since, *number, worker))
        });
        let Some((_, worker, longest)) = idle.min_by_key(|(since, ..)| *since) else {
            return false;
        };
        longest.phase = Phase::Condemned;
        self.orders.push_back(Order::Dismiss { worker });
        true
    }

    fn count(&self, limit: u32, which: impl Fn(&Worker) -> bool) -> usize {
        let of_it = self.workers.values().filter(|worker| worker.limit == limit);
        of_it.filter(|worker| which(worker)).count()
    }
}

fn first_of(queues: &mut [Queue], limit: u32) -> Option<Assignment> {
    let queue = queues.iter_mut().find(|queue| queue.limit == limit)?;
    queue.waiting.pop_front().map(|(assignment, _)| assignment)
}

/// What waited in one queue: dropped where no lock is held.
pub(crate) struct Queued(#[expect(dead_code, reason = "dropped with it")] VecDeque<(Assignment, Instant)>);

impl Queue {
    fn is_late(&self, now: Instant) -> bool {
        let first = self.waiting.front();
        first.is_some_and(|(_, since)| now.saturating_duration_since(*since) >= LATE)
    }
}

impl Worker {
    fn new(limit: u32) -> Self {
        Self {
            limit,
            phase: Phase::Starting,
            bell: None,
            attempt: None,
            acquitted: false,
            spent: false,
        }
    }

    fn runs(&self, key: u64) -> bool {
        let attempt = self.attempt.as_ref();
        attempt.is_some_and(|attempt| attempt.key() == key)
    }

    fn starts(&self) -> bool {
        self.phase == Phase::Starting
    }

    fn comes(&self) -> bool {
        matches!(self.phase, Phase::Starting | Phase::Coming)
    }

    fn stays(&self) -> bool {
        self.phase != Phase::Condemned
    }
}

/// What a worker for this attempt may use, in MiB: what its job has reserved; 0 for no limit.
fn limit_of(attempt: &Attempt) -> u32 {
    match attempt.memory() {
        0 => 0,
        bytes => u32::try_from(bytes >> 20).unwrap_or(u32::MAX >> 8).clamp(SMALLEST, u32::MAX >> 8),
    }
}
