//! What time brings to jobs, asked of the store: one request of a kind at a time, so that a slow
//! store is never asked faster than it answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::engine::dispatch::Early;
use crate::engine::driver::STEP;
use crate::engine::inner::Inner;
use crate::engine::ticket::Ticket;
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventKind;
use crate::state::State;
use crate::store::{Promote, Promoted, Prune, Pruned, Reply, Store};

const IDLE: u8 = 0;
const UNDER_WAY: u8 = 1;
/// Under way, and asked for again since.
const AGAIN: u8 = 2;

/// A request of which only one is under way at a time.
#[derive(Debug, Default)]
pub(super) struct Upkeep(AtomicU8);

impl Upkeep {
    /// Whether it may be made now; otherwise it is made again once the one under way has ended.
    fn begin(&self) -> bool {
        let step = |now| Some(if now == IDLE { UNDER_WAY } else { AGAIN });
        let before = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, step);
        before == Ok(IDLE)
    }

    /// It was answered; whether it was asked for meanwhile.
    fn end(&self) -> bool {
        self.0.swap(IDLE, Ordering::AcqRel) == AGAIN
    }
}

impl Inner {
    /// Has the driver look at once.
    fn wake(&self) {
        self.driver.alarm(self.tick());
    }

    /// Makes a request of which only one is under way at a time.
    fn one_at_a_time<T: Send + 'static>(
        &self,
        upkeep: fn(&Self) -> &Upkeep,
        request: impl FnOnce(&dyn Store) -> Reply<T>,
        answered: impl FnOnce(&Self, Result<T>) + Send + 'static,
    ) {
        if !upkeep(self).begin() {
            return;
        }
        self.with_reply(request(&*self.store), move |inner, answer| {
            answered(inner, answer);
            if upkeep(inner).end() {
                inner.wake();
            }
        });
    }

    /// Asks the store what time has brought.
    pub(super) fn promote(&self) {
        let (now, limit) = (self.now(), STEP);
        self.one_at_a_time(
            |inner| &inner.promotion,
            |store| store.promote(Promote { now, limit }),
            |inner, promoted| match promoted {
                Ok(promoted) => inner.promoted(promoted),
                Err(error) => {
                    inner.unanswered.lose_promotion();
                    inner.look_again(&error);
                }
            },
        );
    }

    /// Time goes on though the store didn't answer.
    fn look_again(&self, error: &Error) {
        if error.kind() != ErrorKind::Closed {
            self.driver.retry_store(self.tick());
        }
    }

    fn promoted(&self, promoted: Promoted) {
        let mut queued: Vec<Arc<Ticket>> = Vec::new();
        {
            let mut dispatch = self.dispatch.lock();
            for job in &promoted.queued {
                let known = dispatch.tickets.get(job.sequence).cloned();
                match known.filter(|ticket| ticket.plan().is_some()) {
                    Some(ticket) => {
                        dispatch.offer(&ticket);
                        queued.push(ticket);
                    }
                    None if dispatch.strangers.queue(job.sequence) => {}
                    None => dispatch.note_early(job.sequence, Early::Queued),
                }
            }
        }
        for ticket in &queued {
            self.events
                .emit(&*self.clock, ticket, || EventKind::State(State::Queued));
        }
        for job in promoted.expired {
            self.settle_waiting(job.sequence, job.outcome);
        }
        if let Some(next) = promoted.next {
            self.alarm_at(next);
        }
        if self.unanswered.take_lost_promotion() {
            self.look_for_promoted();
        }
        self.pump();
    }

    /// Looks up every job that waits for its time: what the store has promoted without its answer
    /// coming here, it will not tell again.
    fn look_for_promoted(&self) {
        let waiting: Vec<Arc<Ticket>> = {
            let mut dispatch = self.dispatch.lock();
            dispatch.waiting_for_time()
        };
        for ticket in waiting {
            self.recover(ticket);
        }
    }

    /// Asks the store to forget what is past its time.
    pub(super) fn prune(&self) {
        let (now, limit) = (self.now(), STEP);
        self.one_at_a_time(
            |inner| &inner.pruning,
            |store| store.prune(Prune { now, limit }),
            |inner, pruned| match pruned {
                Ok(Pruned { next, .. }) => next.into_iter().for_each(|next| inner.alarm_at(next)),
                Err(error) => inner.look_again(&error),
            },
        );
    }
}
