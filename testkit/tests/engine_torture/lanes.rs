//! An executor whose lanes have jobs before their turn, as processes of a pool do: it hands them back, and
//! breaks, at random.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use bursar_core::{Assignment, Attempt, Ended, Executor, Failure, Reporter};
use fastrand::Rng;
use parking_lot::{Condvar, Mutex};

use crate::tasks::{Budget, Visit, behave, is_endless};
use crate::world::SLOTS;

/// So many jobs may wait in a lane.
const PREFETCHED: usize = 6;

pub(crate) struct Lanes(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    more: Condvar,
    reporter: OnceLock<Reporter>,
    budget: Budget,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Assignment>,
    lanes: [Lane; SLOTS],
    /// What was to follow something that had ended by then.
    refused: Vec<Arc<Attempt>>,
    closed: bool,
}

#[derive(Default)]
struct Lane {
    running: Option<u64>,
    queue: VecDeque<Assignment>,
}

impl Lane {
    /// The key of the one that the next would follow.
    fn last(&self) -> Option<u64> {
        let last = self.queue.back().map(|waiting| waiting.attempt.key());
        last.or(self.running)
    }

    fn hand_back(&mut self) -> Vec<(Arc<Attempt>, Ended)> {
        let released = |waiting: Assignment| (waiting.attempt, Ended::Released);
        self.queue.drain(..).map(released).collect()
    }
}

impl Lanes {
    pub(crate) fn new(budget: &Budget, seed: u64) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            more: Condvar::new(),
            reporter: OnceLock::new(),
            budget: budget.clone(),
        });
        for lane in 0..SLOTS {
            let shared = Arc::clone(&shared);
            let random = Rng::with_seed(seed.wrapping_add(lane as u64));
            std::thread::spawn(move || shared.serve(lane, random));
        }
        Self(shared)
    }
}

impl Shared {
    fn serve(&self, lane: usize, mut random: Rng) {
        while let Some(first) = self.next(lane) {
            let mut next = Some(first);
            while let Some(assignment) = next {
                let ended = self.run(lane, &assignment, &mut random);
                next = self.go_on(lane, &mut random);
                if let Some(next) = &next {
                    self.budget.followed.fetch_add(1, Ordering::SeqCst);
                    self.reporter().begins(&next.attempt);
                }
                self.reporter().finish([(assignment.attempt, ended)]);
            }
        }
    }

    #[expect(clippy::unwrap_used, reason = "a helper of tests")]
    fn reporter(&self) -> &Reporter {
        self.reporter.get().unwrap()
    }

    fn next(&self, lane: usize) -> Option<Assignment> {
        let mut state = self.state.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(assignment) = state.ready.pop_front() {
                state.lanes[lane].running = Some(assignment.attempt.key());
                return Some(assignment);
            }
            self.more.wait(&mut state);
        }
    }

    fn run(&self, lane: usize, assignment: &Assignment, random: &mut Rng) -> Ended {
        let attempt = &assignment.attempt;
        let _visit = Visit::new(&self.budget.lanes);
        self.fill(lane, attempt, random);
        while is_endless(&assignment.args) && !attempt.stop_signal().is_set() {
            // Nothing waits behind it, whenever that comes.
            self.hand_back(lane);
            std::thread::yield_now();
        }
        match random.u8(..30) {
            0 => {
                self.hand_back(lane);
                Ended::Crashed(Failure::new("ProcessDied", "the lane broke"))
            }
            _ => self.call(assignment),
        }
    }

    /// Asks for what is to follow, and waits a little for it now and then.
    fn fill(&self, lane: usize, attempt: &Arc<Attempt>, random: &mut Rng) {
        let most = random.usize(..PREFETCHED);
        let turns = if random.u8(..8) == 0 { 500 } else { 1 };
        for turn in 0..turns {
            if turn % 64 == 0 {
                self.reporter().prefetch(attempt, most);
            }
            if !self.state.lock().lanes[lane].queue.is_empty() {
                return;
            }
            std::thread::yield_now();
        }
    }

    fn call(&self, assignment: &Assignment) -> Ended {
        let number = assignment.attempt.number();
        let called = catch_unwind(AssertUnwindSafe(|| behave(&assignment.args, number)));
        called.unwrap_or_else(|_| Ended::Crashed(Failure::new("Panic", "a handler broke")))
    }

    fn hand_back(&self, lane: usize) {
        let ended = self.state.lock().lanes[lane].hand_back();
        self.reporter().finish(ended);
    }

    /// What the lane runs next, now that its job has ended.
    fn go_on(&self, lane: usize, random: &mut Rng) -> Option<Assignment> {
        if random.u8(..10) == 0 {
            self.hand_back(lane);
        }
        let lane = &mut self.state.lock().lanes[lane];
        let next = lane.queue.pop_front();
        lane.running = next.as_ref().map(|next| next.attempt.key());
        next
    }
}

impl fmt::Debug for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lanes").finish_non_exhaustive()
    }
}

impl Executor for Lanes {
    fn attach(&self, reporter: Reporter) {
        let _ = self.0.reporter.set(reporter);
    }

    fn start(&self, assignment: Assignment) {
        let mut state = self.0.state.lock();
        let Some(after) = assignment.after else {
            return state.ready.push_back(assignment);
        };
        let lane = state
            .lanes
            .iter_mut()
            .find(|lane| lane.last() == Some(after));
        match lane {
            Some(lane) => lane.queue.push_back(assignment),
            None => state.refused.push(assignment.attempt),
        }
    }

    fn flush(&self) {
        self.0.more.notify_all();
        let refused = std::mem::take(&mut self.0.state.lock().refused);
        let ended = refused
            .into_iter()
            .map(|attempt| (attempt, Ended::Released));
        self.0.reporter().finish(ended);
    }

    fn is_hungry(&self) -> bool {
        true
    }

    fn stop(&self, attempt: &Arc<Attempt>) {
        let is_it = |waiting: &Assignment| waiting.attempt.key() == attempt.key();
        let found = {
            let mut state = self.0.state.lock();
            state.lanes.iter_mut().find_map(|lane| {
                let at = lane.queue.iter().position(is_it)?;
                lane.queue.remove(at)
            })
        };
        if let Some(found) = found {
            let ended = Ended::Cancelled("it was stopped before it began".into());
            self.0.reporter().finish([(found.attempt, ended)]);
        }
    }

    fn close(&self) {
        self.0.state.lock().closed = true;
        self.0.more.notify_all();
    }
}
