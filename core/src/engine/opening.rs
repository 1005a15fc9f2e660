//! Jobs that begin with their submit: what they need is reserved before, and the store starts them
//! in the commit that accepts them. So a job for which there is room costs one commit less, and nobody
//! waits for a claim.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::engine::attempt::{Attempt, Stop, StopKind};
use crate::engine::dispatch::Dispatch;
use crate::engine::early::Fate;
use crate::engine::inner::Inner;
use crate::engine::plan::Plan;
use crate::engine::ticket::Ticket;
use crate::job::NewJob;
use crate::ledger::Permit;
use crate::payload::Payload;
use crate::state::State;
use crate::store::{Claimed, Submitted};

/// What is reserved for one job that is on its way to the store.
#[derive(Debug)]
pub(super) struct Opening {
    key: u64,
    permit: Permit,
    args: Payload,
}

/// Those of the first jobs of one submit, in their order.
pub(super) type Openings = SmallVec<[Opening; 1]>;

/// The attempt of a job that has begun in the store, to be run here.
#[derive(Debug)]
pub(super) struct Opened {
    attempt: Arc<Attempt>,
    args: Payload,
    /// Why the job was cancelled meanwhile, if it was.
    unwanted: Option<Arc<str>>,
}

impl Inner {
    /// Reserves what these jobs need, one after the other, as far as they may begin at once.
    pub(super) fn open(&self, plans: &[Arc<Plan>], jobs: &mut [NewJob]) -> Openings {
        let mut openings = Openings::new();
        // Where a claim costs no commit there is nothing to be saved.
        if !self.follows {
            return openings;
        }
        {
            let mut dispatch = self.dispatch.lock();
            for (plan, job) in plans.iter().zip(jobs) {
                let may = self.may_begin(plan, job);
                let Some(opening) = may.then(|| dispatch.open(plan, job)).flatten() else {
                    break;
                };
                job.worker = Some(Arc::clone(&self.worker));
                openings.push(opening);
            }
        }
        if !openings.is_empty() {
            // Nobody may think that nothing runs until the submit was answered.
            self.phase.set_out();
            self.driver.watch_pressure(self.tick());
        }
        openings
    }

    fn may_begin(&self, plan: &Plan, job: &NewJob) -> bool {
        let at_once = job.due.is_none() && job.unique.is_none();
        at_once && plan.task().is_some() && self.executor(plan.spec.executor).is_ok()
    }

    /// Gives back what was reserved for jobs that have not begun.
    pub(super) fn shut(&self, openings: Openings) {
        if openings.is_empty() {
            return;
        }
        {
            let mut dispatch = self.dispatch.lock();
            openings.iter().for_each(|one| dispatch.shut(one));
        }
        self.pump();
    }

    /// Runs attempts that have begun in the store.
    pub(super) fn run_opened(&self, opened: Vec<Opened>) {
        if opened.is_empty() {
            return;
        }
        for one in opened {
            self.run_one_opened(one);
        }
        for (_, executor) in &self.executors {
            executor.flush();
        }
    }

    fn run_one_opened(&self, opened: Opened) {
        let attempt = opened.attempt;
        if let Some(reason) = opened.unwanted {
            self.cancel_attempt(&attempt, reason);
        }
        if !self.phase.is_open() {
            // Whoever stops all that runs may have looked before it was here.
            let (kind, reason) = (StopKind::Shutdown, Arc::from("the engine shuts down"));
            self.ask(&attempt, Stop { kind, reason });
        }
        let begun = Claimed {
            sequence: attempt.ticket.sequence(),
            attempt: 1,
            failures: 0,
            args: opened.args,
            checkpoint: None,
        };
        self.run(attempt, begun);
    }
}

impl Dispatch {
    /// Reserves what a job needs that nothing waits before.
    fn open(&mut self, plan: &Plan, job: &NewJob) -> Option<Opening> {
        if self.is_paused() || self.progress.is_reading() || !self.scheduler.is_empty() {
            return None;
        }
        let key = self.next_key();
        let permit = self.ledger.reserve(key, &plan.amounts)?;
        self.openings += 1;
        let args = job.args.clone();
        Some(Opening { key, permit, args })
    }

    fn shut(&mut self, opening: &Opening) {
        self.openings -= 1;
        self.ledger.release(opening.permit);
    }

    /// The job has begun, if the store says so: its attempt is one that runs here from now on. What
    /// others have said of it before its submit was answered is heard now.
    pub(super) fn begin_opened(
        &mut self,
        opening: Opening,
        job: &Submitted,
        ticket: &Arc<Ticket>,
    ) -> Option<Opened> {
        if job.state != State::Running || job.deduplicated {
            self.shut(&opening);
            return None;
        }
        self.openings -= 1;
        let Opening { key, permit, args } = opening;
        let attempt = self.new_attempt(key, Arc::clone(ticket), permit, key);
        let heard = self.early.heard(job.sequence);
        if self.early.get(job.sequence) == Some(Fate::Ended) {
            attempt.hear(u32::MAX, true);
        } else if let Some(heard) = heard {
            attempt.hear(heard.attempt, heard.over);
        }
        let unwanted = heard.and_then(|heard| heard.stop.clone());
        Some(Opened {
            attempt,
            args,
            unwanted,
        })
    }
}
