//! What time brings to jobs, asked of the store: one request of a kind at a time, so that a slow
//! store is never asked faster than it answers.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::engine::driver::STEP;
use crate::engine::early::Fate;
use crate::engine::inner::Inner;
use crate::engine::strangers::{Plans, Stranger};
use crate::engine::ticket::Ticket;
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventKind;
use crate::state::State;
use crate::store::{Promote, Promoted, Prune, Pruned, Queued, Reply, Store};

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
        let known = self.offer_promoted(&promoted.queued);
        let (known, others): (Vec<_>, Vec<_>) = known
            .into_iter()
            .zip(&promoted.queued)
            .partition(|(ticket, _)| ticket.is_some());
        for (ticket, _) in &known {
            if let Some(ticket) = ticket {
                self.events
                    .emit(&*self.clock, ticket, || EventKind::State(State::Queued));
            }
        }
        self.meet_promoted(others.into_iter().map(|(_, job)| job).collect());
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

    /// Queues those that are known here; they come back in the same places.
    fn offer_promoted(&self, jobs: &[Queued]) -> Vec<Option<Arc<Ticket>>> {
        let mut dispatch = self.dispatch.lock();
        let offered = jobs.iter().map(|job| {
            let known = dispatch.tickets.get(job.sequence).cloned();
            let known = known.filter(|ticket| ticket.plan().is_some())?;
            // It may run here still though its lease was lost, or be about to be refused to a claim:
            // it is looked up when that is over.
            let newest = dispatch.newest_attempt(job.sequence);
            if let Some(mine) = newest.filter(|mine| !mine.is_answered() && self.follows) {
                mine.hear(0, true);
                return Some(known);
            }
            known.queued_while(dispatch.progress.page);
            dispatch.withdraw(&known);
            dispatch.offer(&known);
            Some(known)
        });
        offered.collect()
    }

    /// Takes in those that nobody here has submitted: nobody else is told that they are queued.
    fn meet_promoted(&self, jobs: Vec<&Queued>) {
        let takes_in = self.follows && self.options.run && self.phase.is_open();
        let mut plans = Plans::default();
        let met: Vec<_> = jobs
            .into_iter()
            .map(|job| {
                let plan = takes_in.then(|| self.plan_in(&mut plans, &job.spec));
                (job, plan.flatten())
            })
            .collect();
        let mut strange = HashSet::new();
        {
            let mut dispatch = self.dispatch.lock();
            for (job, plan) in met {
                if !takes_in {
                    dispatch.strangers.set_queued(job.sequence, true);
                    dispatch.early.note(job.sequence, Fate::Queued);
                    continue;
                }
                if plan.is_none() {
                    strange.insert(Arc::clone(&job.spec.task));
                }
                let ticket = Arc::new(Ticket::of_another(job.id, job.sequence));
                ticket.queued_while(dispatch.progress.page);
                let (spec, queued) = (Arc::clone(&job.spec), true);
                let met = Stranger {
                    ticket,
                    spec,
                    queued,
                };
                let ticket = dispatch.welcome(met, plan);
                dispatch.progress.expect(&ticket);
            }
        }
        self.welcome_registered(strange);
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
