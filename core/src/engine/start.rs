//! From a grant to a running attempt: claimed in the store, then handed to its executor.

use std::sync::Arc;

use crate::clock::Tick;
use crate::engine::attempt::Attempt;
use crate::engine::dispatch::{BATCH, Dispatch, Grants};
use crate::engine::inner::Inner;
use crate::error::Result;
use crate::executor::Assignment;
use crate::outcome::Ended;
use crate::store::{Claim, Claimed};

impl Inner {
    /// Grants and starts what may start now.
    pub(super) fn pump(&self) {
        let now = self.tick();
        let grants = self.dispatch.lock().grant(now);
        self.start(grants, now);
    }

    /// Starts what was granted, and goes on while there is more.
    pub(super) fn start(&self, mut grants: Grants, now: Tick) {
        while !grants.is_empty() {
            let more = grants.len() == BATCH;
            self.driver.watch_pressure(now);
            self.claim(grants);
            if !more {
                return;
            }
            grants = self.dispatch.lock().grant(now);
        }
    }

    /// Has the store agree to the start of what was granted.
    pub(super) fn claim(&self, grants: Grants) {
        let jobs = grants
            .iter()
            .map(|attempt| attempt.ticket.sequence())
            .collect();
        let claim = Claim {
            now: self.now(),
            worker: Arc::clone(&self.worker),
            jobs,
        };
        let reply = self.store.claim(claim);
        self.with_reply(reply, move |inner, claimed| inner.claimed(grants, claimed));
    }

    fn claimed(&self, grants: Grants, claimed: Result<Vec<Claimed>>) {
        let Ok(claimed) = claimed else {
            return self.put_back(&grants);
        };
        let mut claimed = claimed.into_iter().peekable();
        for attempt in grants {
            match claimed.next_if(|job| job.sequence == attempt.ticket.sequence()) {
                Some(job) => self.run(attempt, job),
                None => self.lost_claim(&attempt),
            }
        }
        for (_, executor) in &self.executors {
            executor.flush();
        }
    }

    pub(super) fn run(&self, attempt: Arc<Attempt>, job: Claimed) {
        let Some(spec) = attempt.ticket.plan().map(|plan| &plan.spec) else {
            return;
        };
        let kind = spec.executor;
        attempt.ticket.ran(job.attempt);
        attempt.ticket.set_claim_open(false);
        attempt.begin(job.attempt, job.failures, job.checkpoint);
        if self.follows && self.was_lost_early(&attempt) {
            return;
        }
        let after = self.after(&attempt);
        if after.is_none() {
            self.set_off(&attempt);
        } else if job.attempt > 1 {
            // It may have been lost before it began: where it waits for nobody, it isn't.
            return self.finish_one(attempt, Ended::Released);
        }
        if attempt.stop_signal().is_set() {
            return self.finish_one(
                attempt,
                Ended::Cancelled("it was stopped before it began".into()),
            );
        }
        if let Some(ended) = attempt.not_kept_by(kind) {
            return self.finish_one(attempt, ended);
        }
        if let Ok(executor) = self.executor(kind) {
            executor.start(Assignment {
                attempt,
                args: job.args,
                after,
            });
        }
    }

    /// The store did not answer: the jobs wait in their old places.
    fn put_back(&self, grants: &[Arc<Attempt>]) {
        let mut dispatch = self.dispatch.lock();
        for attempt in grants {
            dispatch.release(attempt);
            attempt.ticket.set_claim_open(true);
            dispatch.offer(&attempt.ticket);
        }
        dispatch.gate.store_away = true;
        drop(dispatch);
        self.driver.retry_store(self.tick());
        self.look_around();
    }

    /// The job was no longer queued: someone cancelled it, or another worker has it.
    fn lost_claim(&self, attempt: &Arc<Attempt>) {
        attempt.close();
        let told = {
            let mut dispatch = self.dispatch.lock();
            dispatch.release(attempt);
            self.follows && dispatch.will_be_told(attempt)
        };
        if !told {
            self.recover(Arc::clone(&attempt.ticket));
        } else if has_expiry(attempt) {
            self.driver.alarm(self.tick());
        }
        self.pump();
        self.look_around();
    }

    /// Whether its job was given to others before this engine heard that it had got it: as where
    /// the process stood still for longer than its lease.
    fn was_lost_early(&self, attempt: &Arc<Attempt>) -> bool {
        // What is told from now on finds that it has begun; what was told before is seen here.
        drop(self.dispatch.lock());
        let lost = attempt.is_lost() && attempt.close();
        if lost {
            self.let_go_of_lost(attempt);
        }
        lost
    }
}

impl Dispatch {
    /// Whether everything that is still to come of a job whose claim was refused is told by the
    /// store, or nobody here wants to know it. One of others may have been taken in after its end
    /// here: then nothing is.
    fn will_be_told(&mut self, attempt: &Attempt) -> bool {
        let ticket = &attempt.ticket;
        if attempt.has_heard() || ticket.is_claim_open() {
            return false;
        }
        // The attempt and this engine have one each.
        if !ticket.is_own() && !ticket.is_wanted(2) {
            self.tickets.remove(ticket.sequence());
            return true;
        }
        ticket.is_own()
    }
}

fn has_expiry(attempt: &Attempt) -> bool {
    let plan = attempt.ticket.plan();
    plan.is_some_and(|plan| plan.spec().expires.is_some())
}
