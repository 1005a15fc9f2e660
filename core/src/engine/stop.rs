//! Asking jobs to stop: cancel, timeout, and giving up on what doesn't.

use std::sync::Arc;

use smallvec::smallvec;

use crate::engine::attempt::{Attempt, Stop, StopKind};
use crate::engine::inner::Inner;
use crate::engine::ticket::Ticket;
use crate::engine::verdict::abandoned;
use crate::error::{Error, Result};
use crate::event::EventKind;
use crate::id::JobId;
use crate::outcome::{AttemptEnd, Failure, Final, OutcomeKind};
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
        let end = Arc::new(AttemptEnd::failed(
            OutcomeKind::Cancelled,
            Failure::new("Cancelled", &*reason),
        ));
        let this = self.this.clone();
        let reply = self.store.cancel(Cancel {
            now: self.now(),
            id,
            end: Arc::clone(&end),
        });
        reply.then(move |cancelled| {
            let Some(inner) = this.upgrade() else {
                return Reply::now(Err(Error::closed()));
            };
            Reply::now(inner.cancelled(id, cancelled, end, reason))
        })
    }

    fn cancelled(
        &self,
        id: JobId,
        cancelled: Cancelled,
        end: Arc<AttemptEnd>,
        reason: Arc<str>,
    ) -> Result<bool> {
        match cancelled {
            Cancelled::NotFound => Err(Error::not_found(format!("there is no job {id}"))),
            Cancelled::Ended(_) => Ok(false),
            Cancelled::Done { sequence } => {
                self.settle_waiting(
                    sequence,
                    Final {
                        state: State::Cancelled,
                        end,
                    },
                );
                Ok(true)
            }
            Cancelled::Running { sequence, .. } => {
                if let Some(attempt) = self.running_attempt(sequence) {
                    self.ask(
                        &attempt,
                        Stop {
                            kind: StopKind::Cancelled,
                            reason,
                        },
                    );
                }
                Ok(true)
            }
        }
    }

    /// A job has ended without running: it leaves the queue and its waiters are told.
    pub(super) fn settle_waiting(&self, sequence: u64, outcome: Final) {
        let ticket = {
            let mut dispatch = self.dispatch.lock();
            let Some(ticket) = dispatch.tickets.remove(sequence) else {
                return;
            };
            dispatch.withdraw(&ticket);
            self.phase.note(&dispatch);
            ticket
        };
        self.tell_ended(&ticket, outcome);
        self.pump();
    }

    pub(super) fn tell_ended(&self, ticket: &Arc<Ticket>, outcome: Final) {
        self.events
            .emit(&*self.clock, ticket, || EventKind::State(outcome.state));
        ticket.settle(outcome);
    }

    /// Asks an attempt to stop, and looks again after `grace`. The first reason given stands.
    pub(super) fn ask(&self, attempt: &Arc<Attempt>, stop: Stop) {
        if !attempt.stop_signal().set(stop) {
            return;
        }
        self.driver
            .watch(self.tick().after(self.options.grace), attempt.key());
        let kind = attempt
            .ticket
            .plan()
            .map(|plan| plan.spec().executor)
            .unwrap_or_default();
        if let Ok(executor) = self.executor(kind) {
            executor.stop(attempt);
        }
    }

    /// The time of an attempt has come: its timeout, or the end of its grace.
    pub(super) fn overdue(&self, key: u64) {
        let attempt = self.dispatch.lock().running.get(key).cloned();
        let Some(attempt) = attempt.filter(|attempt| !attempt.is_closed()) else {
            return;
        };
        if attempt.stop_signal().is_set() {
            self.abandon(&attempt)
        } else {
            self.time_out(&attempt)
        }
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
    /// it keeps what it reserved until it really ends.
    pub(super) fn abandon(&self, attempt: &Arc<Attempt>) {
        if attempt.close() {
            let now = self.now();
            let verdict = abandoned(attempt, now, || self.luck());
            self.record(smallvec![(Arc::clone(attempt), verdict)], now, false);
        }
    }
}
