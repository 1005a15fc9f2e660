//! A job that waits for another one gives its slot back meanwhile, so that the pool can't deadlock.

use std::sync::Arc;

use crate::engine::attempt::Attempt;
use crate::engine::dispatch::Dispatch;
use crate::engine::inner::Inner;
use crate::engine::pool::Pool;
use crate::engine::ticket::Ticket;
use crate::error::{Error, Result};

/// The slot of an attempt, given back until this is dropped. Its memory stays reserved.
#[derive(Debug)]
pub struct SlotPause {
    engine: Arc<Inner>,
    attempt: Arc<Attempt>,
    awaited: Arc<Ticket>,
}

impl SlotPause {
    /// Gives the slot of `attempt` back while it waits for the end of `awaited`, for as long as
    /// this lives.
    ///
    /// # Errors
    /// `Conflict` where everything that runs waits like this and what is queued doesn't fit beside
    /// what they hold: nothing would ever go on. `Closed` where the engine is gone.
    pub fn begin(attempt: &Arc<Attempt>, awaited: &Arc<Ticket>) -> Result<Self> {
        let engine = attempt.engine().ok_or_else(Error::closed)?;
        let stuck = engine.pause_slot(attempt, awaited);
        let pause = Self {
            engine,
            attempt: Arc::clone(attempt),
            awaited: Arc::clone(awaited),
        };
        match stuck {
            None => Ok(pause),
            Some(message) => Err(Error::conflict(message)),
        }
    }
}

impl Drop for SlotPause {
    fn drop(&mut self) {
        let mut dispatch = self.engine.dispatch.lock();
        dispatch.resume(&self.attempt, &self.awaited);
    }
}

impl Inner {
    /// Gives a slot back; says why nothing would go on, if so.
    fn pause_slot(&self, attempt: &Arc<Attempt>, awaited: &Arc<Ticket>) -> Option<String> {
        let now = self.tick();
        let (grants, stuck) = {
            let mut dispatch = self.dispatch.lock();
            dispatch.pause(attempt, awaited);
            let grants = dispatch.grant(now);
            let stuck = grants.is_empty() && dispatch.is_stuck();
            (grants, stuck.then_some(dispatch.running.len()))
        };
        self.start(grants, now);
        stuck.map(|running| {
            format!(
                "waiting here would never end: all {running} running jobs wait for others, and what \
                 they keep reserved leaves no room for those; give the engine more, the waiting jobs \
                 less, or don't wait inside a job"
            )
        })
    }
}

impl Dispatch {
    fn pause(&mut self, attempt: &Arc<Attempt>, awaited: &Arc<Ticket>) {
        let running = self.running.get(attempt.key).is_some();
        if let Some(slot) = slot(attempt).filter(|_| running) {
            self.ledger.suspend(attempt.permit, slot);
            let waits = self.waiting.entry(attempt.key).or_default();
            waits.push(Arc::clone(awaited));
        }
    }

    /// Takes a slot again, at once, where the attempt waits for nothing else.
    fn resume(&mut self, attempt: &Attempt, awaited: &Arc<Ticket>) {
        let Some(waits) = self.waiting.get_mut(&attempt.key) else {
            return;
        };
        let place = waits.iter().position(|one| Arc::ptr_eq(one, awaited));
        place
            .into_iter()
            .for_each(|place| drop(waits.remove(place)));
        if !waits.is_empty() {
            return;
        }
        self.waiting.remove(&attempt.key);
        if let Some(slot) = slot(attempt) {
            self.ledger.resume(attempt.permit, slot);
        }
    }

    /// Whether nothing can ever go on: all that runs waits for jobs that are queued, and none of
    /// those fits. A job that waits for its time might still.
    fn is_stuck(&self) -> bool {
        let unfinished = |ticket: &Arc<Ticket>| self.tickets.get(ticket.sequence()).is_some();
        self.waiting.len() == self.running.len()
            && self
                .waiting
                .values()
                .all(|waits| waits.iter().any(unfinished))
            && !self.scheduler.is_empty()
            && self.tickets.len() == self.running.len() + self.scheduler.len()
            && self.openings == 0
            && !self.is_paused()
    }
}

fn slot(attempt: &Attempt) -> Option<usize> {
    attempt
        .ticket
        .plan()
        .map(|plan| Pool::slot(plan.spec().executor))
}
