//! Asking jobs to stop: cancel, timeout, and giving up on what doesn't.

use std::sync::Arc;

use smallvec::smallvec;

use crate::engine::attempt::{Attempt, Stop, StopKind};
use crate::engine::driver::Due;
use crate::engine::inner::Inner;
use crate::engine::ticket::Ticket;
use crate::engine::verdict::abandoned;
use crate::error::Error;
use crate::event::EventKind;
use crate::executor::Executor;
use crate::id::JobId;
use crate::limits::Breach;
use crate::outcome::{AttemptEnd, End, Failure, Final, OutcomeKind};
use crate::state::State;
use crate::store::{Cancel, Cancelled, Reply};
use crate::units::format_duration;

impl Inner {
    /// Cancels a job: at once where it waits, by asking where it runs. `true` if that could still
    /// be done, `false` if the job had ended.
    pub(crate) fn cancel(&self, id: JobId, reason: &str) -> Reply<bool> {
        let reason: Arc<str> = Arc::from(if reason.is_empty() {
            "it was cancelled"
        } else {
            reason
        });
        self.cancel_unless_asked(id, reason, None)
    }

    /// Cancels a job, unless it runs the attempt that was asked already.
    fn cancel_unless_asked(&self, id: JobId, reason: Arc<str>, asked: Option<u32>) -> Reply<bool> {
        let end = End::from(AttemptEnd::failed(
            OutcomeKind::Cancelled,
            Failure::new("Cancelled", &*reason),
        ));
        let reply = self.store.cancel(Cancel {
            now: self.now(),
            id,
            end: end.clone(),
        });
        self.carry_on(reply, move |inner, cancelled| match cancelled {
            Err(error) => Reply::now(Err(error)),
            Ok(Cancelled::NotFound) if asked.is_some() => Reply::ok(true),
            Ok(Cancelled::NotFound) => {
                Reply::now(Err(Error::not_found(format!("there is no job {id}"))))
            }
            Ok(Cancelled::Ended(state)) => Reply::ok(asked.is_some() && state == State::Cancelled),
            Ok(Cancelled::Done { sequence }) => {
                let state = State::Cancelled;
                inner.settle_waiting(sequence, Final { state, end });
                Reply::ok(true)
            }
            Ok(Cancelled::Running { attempt, .. }) if asked == Some(attempt) => Reply::ok(true),
            Ok(Cancelled::Running { sequence, attempt }) => {
                inner.cancel_running(sequence, Arc::clone(&reason));
                // It may have ended just before it was asked, and be about to be run again.
                inner.cancel_unless_asked(id, reason, Some(attempt))
            }
        })
    }

    fn cancel_running(&self, sequence: u64, reason: Arc<str>) {
        let attempt = {
            let mut dispatch = self.dispatch.lock();
            let attempt = dispatch.newest_attempt(sequence).cloned();
            if attempt.is_none() {
                // It may have begun with its submit, which was not answered yet.
                dispatch.early.unwanted(sequence, &reason);
            }
            attempt
        };
        if let Some(attempt) = attempt {
            self.cancel_attempt(&attempt, reason);
        }
    }

    /// The job of an attempt here is cancelled.
    pub(super) fn cancel_attempt(&self, attempt: &Arc<Attempt>, reason: Arc<str>) {
        attempt.cancel_job(Arc::clone(&reason));
        let kind = StopKind::Cancelled;
        self.ask(attempt, Stop { kind, reason });
    }

    /// A job has ended without running: it leaves the queue and its waiters are told.
    pub(super) fn settle_waiting(&self, sequence: u64, outcome: Final) {
        self.phase.set_out();
        let ticket = self.dispatch.lock().take_out(sequence);
        if let Some(ticket) = ticket {
            self.tell_ended(&ticket, outcome);
            self.pump();
        }
        self.arrived();
    }

    pub(super) fn tell_ended(&self, ticket: &Arc<Ticket>, outcome: Final) {
        self.events
            .emit(&*self.clock, ticket, || EventKind::State(outcome.state));
        ticket.settle(outcome);
    }

    /// Asks an attempt to stop, and looks again after `grace`. The first reason given stands.
    pub(super) fn ask(&self, attempt: &Arc<Attempt>, stop: Stop) {
        if attempt.is_closed() || !attempt.stop_signal().set(stop) {
            return;
        }
        let until = self.tick().after(self.options.grace);
        self.driver.watch(until, attempt.key(), Due::Grace);
        // One that has not begun is looked at before it is given to its executor.
        if let Some(executor) = self.executor_of(attempt) {
            executor.stop(attempt);
        }
    }

    /// An attempt uses more than it may: it is asked to stop, or is killed where there is no time for
    /// that.
    pub(crate) fn over_limit(&self, attempt: &Arc<Attempt>, breach: Breach, at_once: bool) {
        attempt.breach(breach);
        let kind = StopKind::OverLimit(breach.resource);
        let reason = breach.to_string().into();
        self.ask(attempt, Stop { kind, reason });
        if at_once && !attempt.is_closed() {
            self.kill_or_abandon(attempt);
        }
    }

    /// The time of an attempt has come: its timeout, or the end of its grace.
    pub(super) fn overdue(&self, key: u64, due: Due) {
        let attempt = self.dispatch.lock().running.get(key).cloned();
        let Some(attempt) = attempt.filter(|attempt| !attempt.is_closed()) else {
            return;
        };
        match due {
            Due::Timeout if attempt.is_paused() => {}
            // It was paused meanwhile: what ended that looks again.
            Due::Timeout
                if attempt
                    .deadline()
                    .is_some_and(|deadline| deadline > self.tick()) => {}
            Due::Timeout => self.time_out(&attempt),
            Due::Grace => self.kill_or_abandon(&attempt),
        }
    }

    /// The grace of an attempt is over: what can be killed is, and ends; the rest is given up on.
    pub(super) fn kill_or_abandon(&self, attempt: &Arc<Attempt>) {
        let killed = self
            .executor_of(attempt)
            .is_some_and(|executor| executor.kill(attempt));
        if !killed {
            self.abandon(attempt);
        }
    }

    /// What runs an attempt that has begun.
    pub(super) fn executor_of(&self, attempt: &Attempt) -> Option<&Arc<dyn Executor>> {
        let plan = attempt.ticket.plan().filter(|_| attempt.has_begun())?;
        self.executor(plan.spec().executor).ok()
    }

    fn time_out(&self, attempt: &Arc<Attempt>) {
        let timeout = attempt
            .ticket
            .plan()
            .and_then(|plan| plan.spec().timeout)
            .unwrap_or_default();
        let reason = format!(
            "it ran longer than its timeout of {}",
            format_duration(timeout)
        );
        self.ask(
            attempt,
            Stop {
                kind: StopKind::TimedOut,
                reason: reason.into(),
            },
        );
    }

    /// What can't be killed is given up on: its end is recorded and its late result refused, but
    /// it keeps what it reserved until it really ends. One that the store has not started yet has
    /// nothing to record: it ends as soon as the store has.
    pub(super) fn abandon(&self, attempt: &Arc<Attempt>) {
        if attempt.has_begun() && attempt.close() {
            if attempt.is_lost() {
                return self.give_up_on_lost(attempt);
            }
            let now = self.now();
            let verdict = abandoned(attempt, now, || self.luck());
            self.record(smallvec![(Arc::clone(attempt), verdict)], now, false);
        }
    }

    /// There is nothing to record, but the job may be run here again.
    fn give_up_on_lost(&self, attempt: &Arc<Attempt>) {
        let known = {
            let dispatch = self.dispatch.lock();
            attempt.answer();
            dispatch.tickets.get(attempt.ticket.sequence()).cloned()
        };
        if let Some(ticket) = known {
            self.recover(ticket);
        }
        self.look_around();
    }
}
