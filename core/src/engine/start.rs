//! From a grant to a running attempt: claimed in the store, then handed to its executor.

use std::sync::Arc;

use crate::clock::Tick;
use crate::engine::attempt::Attempt;
use crate::engine::dispatch::{BATCH, Grants};
use crate::engine::driver::Due;
use crate::engine::inner::Inner;
use crate::error::Result;
use crate::event::EventKind;
use crate::executor::Assignment;
use crate::outcome::Ended;
use crate::state::State;
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
            if !more {
                return;
            }
            grants = self.dispatch.lock().grant(now);
        }
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

    fn run(&self, attempt: Arc<Attempt>, job: Claimed) {
        let Some(spec) = attempt.ticket.plan().map(|plan| &plan.spec) else {
            return;
        };
        let kind = spec.executor;
        let deadline = spec.timeout.map(|timeout| self.tick().after(timeout));
        attempt.begin(job.attempt, job.failures, deadline, job.checkpoint);
        if let Some(deadline) = deadline {
            self.driver.watch(deadline, attempt.key(), Due::Timeout);
        }
        self.events.emit(&*self.clock, &attempt.ticket, || {
            EventKind::State(State::Running)
        });
        if attempt.stop_signal().is_set() {
            return self.finish_one(
                attempt,
                Ended::Cancelled("it was stopped before it began".into()),
            );
        }
        if let Ok(executor) = self.executor(kind) {
            executor.start(Assignment {
                attempt,
                args: job.args,
            });
        }
    }

    /// The store did not answer: the jobs wait in their old places.
    fn put_back(&self, grants: &[Arc<Attempt>]) {
        let mut dispatch = self.dispatch.lock();
        for attempt in grants {
            dispatch.release(attempt);
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
        self.dispatch.lock().release(attempt);
        self.recover(Arc::clone(&attempt.ticket));
        self.pump();
        self.look_around();
    }
}
