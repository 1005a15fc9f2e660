//! A job that waits for another one gives its slot back meanwhile, so that the pool can't deadlock.

use std::sync::Arc;

use crate::engine::attempt::Attempt;
use crate::engine::inner::Inner;
use crate::engine::pool::Pool;
use crate::error::{Error, Result};

/// The slot of an attempt, given back until this is dropped. Its memory stays reserved.
#[derive(Debug)]
pub struct SlotPause {
    engine: Arc<Inner>,
    attempt: Arc<Attempt>,
}

impl SlotPause {
    /// Gives the slot of `attempt` back, for as long as this lives.
    ///
    /// # Errors
    /// `Conflict` where everything that runs waits like this and what is queued doesn't fit beside
    /// what they hold: nothing would ever go on. `Closed` where the engine is gone.
    pub fn begin(attempt: &Arc<Attempt>) -> Result<Self> {
        let engine = attempt.engine.upgrade().ok_or_else(Error::closed)?;
        let stuck = engine.pause_slot(attempt);
        let pause = Self {
            engine,
            attempt: Arc::clone(attempt),
        };
        match stuck {
            None => Ok(pause),
            Some(message) => Err(Error::conflict(message)),
        }
    }
}

impl Drop for SlotPause {
    fn drop(&mut self) {
        self.engine.resume_slot(&self.attempt);
    }
}

impl Inner {
    /// Gives a slot back; says why nothing would go on, if so.
    fn pause_slot(&self, attempt: &Arc<Attempt>) -> Option<String> {
        let (grants, stuck) = {
            let mut dispatch = self.dispatch.lock();
            let changed =
                slot(attempt).is_some_and(|slot| dispatch.ledger.suspend(attempt.permit, slot));
            dispatch.waiting += usize::from(changed);
            let grants = dispatch.grant(self.tick(), &self.this);
            let all_wait = dispatch.waiting == dispatch.running.len() && grants.is_empty();
            let stuck = all_wait && !dispatch.scheduler.is_empty() && !dispatch.gate.pressed;
            (grants, stuck)
        };
        self.start(grants);
        stuck.then(|| {
            format!(
                "waiting here would never end: all {} running jobs wait for others, and what they keep reserved leaves no room for those; \
                 give the engine more, the waiting jobs less, or don't wait inside a job",
                self.dispatch.lock().running.len()
            )
        })
    }

    /// Takes a slot again, at once.
    fn resume_slot(&self, attempt: &Arc<Attempt>) {
        let mut dispatch = self.dispatch.lock();
        let changed =
            slot(attempt).is_some_and(|slot| dispatch.ledger.resume(attempt.permit, slot));
        dispatch.waiting -= usize::from(changed);
    }
}

fn slot(attempt: &Attempt) -> Option<usize> {
    attempt
        .ticket
        .plan()
        .map(|plan| Pool::slot(plan.spec().executor))
}
