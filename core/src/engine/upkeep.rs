//! What time brings to jobs, asked of the store: one request of a kind at a time, so that a slow
//! store is never asked faster than it answers.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::engine::dispatch::Dispatch;
use crate::engine::driver::STEP;
use crate::engine::early::Fate;
use crate::engine::inner::Inner;
use crate::engine::plan::Plan;
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
        let takes_in = self.takes_in();
        let mut dispatch = self.dispatch.lock();
        let offered = jobs.iter().map(|job| {
            let known = dispatch.offer_promoted(job.sequence, self.follows);
            if known.is_none() && !takes_in {
                // Under the lock of the look-up: a submit that brings it afterwards finds the note.
                dispatch.strangers.set_queued(job.sequence, true);
                dispatch.early.note(job.sequence, Fate::Queued);
            }
            known
        });
        offered.collect()
    }

    /// Whether jobs are taken in that nobody here has submitted.
    fn takes_in(&self) -> bool {
        self.follows && self.options.run && self.phase.is_open()
    }

    /// Takes in those that nobody here has submitted: nobody else is told that they are queued.
    fn meet_promoted(&self, jobs: Vec<&Queued>) {
        if jobs.is_empty() || !self.takes_in() {
            return;
        }
        let mut plans = Plans::default();
        let planned = |job: &Queued| self.plan_in(&mut plans, &job.spec);
        let plans: Vec<_> = jobs.iter().copied().map(planned).collect();
        let mut strange = HashSet::new();
        {
            let mut dispatch = self.dispatch.lock();
            for (job, plan) in jobs.into_iter().zip(plans) {
                if plan.is_none() {
                    strange.insert(Arc::clone(&job.spec.task));
                }
                dispatch.welcome_promoted(job, plan);
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

impl Dispatch {
    /// Queues a job whose time has come, where it is known here and has a plan, or is this engine's.
    fn offer_promoted(&mut self, sequence: u64, follows: bool) -> Option<Arc<Ticket>> {
        let Some(known) = self.tickets.get(sequence).cloned() else {
            return self.strangers.queue_own(sequence);
        };
        known.plan()?;
        // It may run here still though its lease was lost, or be about to be refused to a claim:
        // it is looked up when that is over.
        let newest = self.newest_attempt(sequence);
        if let Some(mine) = newest.filter(|mine| !mine.is_answered() && follows) {
            mine.hear(0, true);
            return Some(known);
        }
        known.queued_while(self.progress.page);
        self.withdraw(&known);
        self.offer(&known);
        Some(known)
    }

    /// Takes in a job of another whose time has come.
    fn welcome_promoted(&mut self, job: &Queued, plan: Option<Arc<Plan>>) {
        let ticket = Arc::new(Ticket::of_another(job.id, job.sequence));
        let met = Stranger {
            ticket,
            spec: Arc::clone(&job.spec),
            queued: true,
        };
        // A submit of this engine may have brought it since it was looked for.
        let ticket = self.welcome(met, plan);
        ticket.queued_while(self.progress.page);
        self.progress.expect(&ticket);
    }
}
