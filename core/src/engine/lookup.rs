//! Reading jobs, what time brings to them, and making sure of one that others changed.

use std::sync::Arc;

use smallvec::smallvec;

use crate::engine::driver::STEP;
use crate::engine::inner::Inner;
use crate::engine::submit::Accepted;
use crate::engine::ticket::Ticket;
use crate::error::{Error, Result};
use crate::event::EventKind;
use crate::id::JobId;
use crate::job::JobInfo;
use crate::outcome::{AttemptEnd, Final, OutcomeKind};
use crate::state::State;
use crate::store::{Batch, Deletion, Get, Promote, Promoted, Prune, Ref, Reply};

impl Inner {
    /// One job, with its log lines if asked for.
    pub(crate) fn info(&self, id: JobId, logs: bool) -> Reply<JobInfo> {
        let reply = self.store.get(Get {
            now: self.now(),
            id,
            logs,
        });
        reply.then(move |info| Reply::now(info.ok_or_else(|| no_job(id))))
    }

    /// A handle on a job that exists.
    pub(crate) fn ticket(&self, id: JobId) -> Reply<Arc<Ticket>> {
        let this = self.this.clone();
        self.info(id, false).then(move |info| {
            let Some(inner) = this.upgrade() else {
                return Reply::now(Err(Error::closed()));
            };
            if let Some(ticket) = inner.dispatch.lock().tickets.get(info.sequence) {
                return Reply::ok(Arc::clone(ticket));
            }
            // It has ended since, or had: a ticket only goes once its end is stored.
            inner
                .info(id, false)
                .map(|info| Arc::new(ended_ticket(&info)))
        })
    }

    /// Submits a dead letter again.
    pub(crate) fn retry(&self, id: JobId) -> Reply<Accepted> {
        if let Err(error) = self.check_open() {
            return Reply::now(Err(error));
        }
        let this = self.this.clone();
        self.info(id, false).then(move |info| {
            let Some(inner) = this.upgrade() else {
                return Reply::now(Err(Error::closed()));
            };
            let plan = match inner.plan_of(&info.spec) {
                Ok(plan) => plan,
                Err(error) => return Reply::now(Err(error)),
            };
            let submitted = inner.store.retry(Ref {
                now: inner.now(),
                id,
            });
            submitted.then(move |job| {
                let accepted = inner.accept(&[job], smallvec![plan]);
                Reply::now(accepted.into_iter().next().ok_or_else(|| no_job(id)))
            })
        })
    }

    /// Deletes a job that has ended.
    pub(crate) fn delete(&self, id: JobId) -> Reply<()> {
        let reply = self.store.delete(Ref {
            now: self.now(),
            id,
        });
        reply.then(move |deletion| {
            Reply::now(match deletion {
                Deletion::Done => Ok(()),
                Deletion::NotFound => Err(no_job(id)),
                Deletion::Unfinished(state) => Err(Error::conflict(format!(
                    "job {id} is {state}: cancel it first, then delete it"
                ))),
            })
        })
    }

    /// Asks the store what time has brought.
    pub(super) fn promote(&self) {
        let reply = self.store.promote(Promote {
            now: self.now(),
            limit: STEP,
        });
        self.with_reply(reply, |inner, promoted| {
            if let Ok(promoted) = promoted {
                inner.promoted(promoted);
            }
        });
    }

    fn promoted(&self, promoted: Promoted) {
        let queued: Vec<Arc<Ticket>> = {
            let mut dispatch = self.dispatch.lock();
            let tickets = promoted
                .queued
                .iter()
                .filter_map(|job| dispatch.tickets.get(job.sequence).cloned());
            let tickets: Vec<_> = tickets.collect();
            tickets.iter().for_each(|ticket| dispatch.offer(ticket));
            tickets
        };
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
        self.pump();
    }

    /// Asks the store to forget what is past its time.
    pub(super) fn prune(&self) {
        let reply = self.store.prune(Prune {
            now: self.now(),
            limit: STEP,
        });
        self.with_reply(reply, |inner, pruned| {
            if let Some(next) = pruned.ok().and_then(|pruned| pruned.next) {
                inner.alarm_at(next);
            }
        });
    }

    /// Finds out what became of a job that this engine lost sight of.
    pub(super) fn reconcile(&self, ticket: Arc<Ticket>) {
        let reply = self.info(ticket.id(), false);
        self.with_reply(reply, move |inner, info| match info {
            Ok(info) if info.state.is_terminal() => {
                inner.settle_waiting(ticket.sequence(), final_of(&info))
            }
            Ok(_) => {}
            Err(_) => inner.settle_waiting(ticket.sequence(), forgotten()),
        });
    }

    /// Lets go of every job that has not ended, and tells those who wait.
    pub(super) fn settle_all(&self, reason: &str) {
        let tickets: Batch<Arc<Ticket>> = {
            let mut dispatch = self.dispatch.lock();
            let all: Batch<_> = dispatch
                .tickets
                .iter()
                .map(|(_, ticket)| Arc::clone(ticket))
                .collect();
            for ticket in &all {
                dispatch.withdraw(ticket);
                dispatch.tickets.remove(ticket.sequence());
            }
            self.phase.note(&dispatch);
            all
        };
        let failure = crate::outcome::Failure::new("Cancelled", reason);
        let end = Arc::new(AttemptEnd::failed(OutcomeKind::Cancelled, failure));
        for ticket in tickets {
            self.tell_ended(
                &ticket,
                Final {
                    state: State::Cancelled,
                    end: Arc::clone(&end),
                },
            );
        }
    }

    fn plan_of(&self, spec: &Arc<crate::job::Spec>) -> Result<Arc<crate::engine::plan::Plan>> {
        let base = self.plan(&spec.task, &crate::options::TaskOptions::default())?;
        if *base.spec == **spec {
            return Ok(base);
        }
        let (task, options) = (Arc::clone(&base.task), base.options.clone());
        self.plan_for(task, options, Arc::clone(spec)).map(Arc::new)
    }
}

fn no_job(id: JobId) -> Error {
    Error::not_found(format!(
        "there is no job {id}: it was deleted, forgotten after its result_ttl, or never submitted here"
    ))
}

/// How a job ended that the store has forgotten meanwhile.
fn forgotten() -> Final {
    Final {
        state: State::Cancelled,
        end: Arc::new(AttemptEnd::new(OutcomeKind::Cancelled)),
    }
}

fn final_of(info: &JobInfo) -> Final {
    let kind = info.outcome.unwrap_or(OutcomeKind::Cancelled);
    let (result, failure) = (info.result.clone().unwrap_or_default(), info.error.clone());
    Final {
        state: info.state,
        end: Arc::new(AttemptEnd {
            result,
            failure: failure.map(Box::new),
            ..AttemptEnd::new(kind)
        }),
    }
}

fn ended_ticket(info: &JobInfo) -> Ticket {
    Ticket::ended(info.id, info.sequence, final_of(info))
}
