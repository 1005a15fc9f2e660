//! Reading jobs, what time brings to them, and making sure of one that others changed.

use std::path::Path;
use std::sync::Arc;

use smallvec::smallvec;

use crate::engine::inner::Inner;
use crate::engine::opening::Openings;
use crate::engine::plan::Plan;
use crate::engine::submit::Accepted;
use crate::engine::ticket::Ticket;
use crate::error::{Error, ErrorKind, Result};
use crate::id::JobId;
use crate::job::{JobInfo, Spec};
use crate::options::TaskOptions;
use crate::outcome::{AttemptEnd, End, Final, OutcomeKind};
use crate::state::State;
use crate::store::{Batch, Deletion, Finish, FinishedAttempt, Get, Next, Ref, Reply};

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

    /// Writes a copy of the store to a new file.
    pub(crate) fn backup(&self, path: &Path) -> Reply<()> {
        if let Err(error) = self.check_open() {
            return Reply::now(Err(error));
        }
        match &self.backup {
            Some(backup) => backup.backup(path),
            None => Reply::now(Err(Error::invalid(format!(
                "a {} store can't be copied: it ends with the process; open one on disk, such as sqlite:jobs.db",
                self.store.capabilities().name
            )))),
        }
    }

    /// A handle on a job that exists.
    pub(crate) fn ticket(&self, id: JobId) -> Reply<Arc<Ticket>> {
        let this = self.this.clone();
        self.info(id, false).then(move |info| match this.upgrade() {
            Some(inner) => Reply::ok(inner.ticket_for(&info)),
            None => Reply::now(Err(Error::closed())),
        })
    }

    fn ticket_for(&self, info: &JobInfo) -> Arc<Ticket> {
        if info.state.is_terminal() {
            Arc::new(ended_ticket(info))
        } else {
            self.ticket_of_unfinished(info)
        }
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
                Err(error) if error.kind() != ErrorKind::NotFound => return Reply::now(Err(error)),
                Err(_) => Arc::new(inner.plan_of_strange(TaskOptions::default(), info.spec)),
            };
            let noted = inner.note_what_becomes(false);
            let submitted = inner.store.retry(Ref {
                now: inner.now(),
                id,
            });
            inner.carry_on(submitted, move |inner, job| {
                let accepted = job.and_then(|job| {
                    let accepted = inner.accept(&[job], smallvec![plan], Openings::new());
                    accepted.into_iter().next().ok_or_else(|| no_job(id))
                });
                inner.noted(noted, accepted.as_ref().map_or(&[], std::slice::from_ref));
                Reply::now(accepted)
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

    /// Finds out whether a job has ended that this engine lost sight of.
    pub(super) fn reconcile(&self, ticket: Arc<Ticket>) {
        self.look_up(ticket, |_, _, _| ());
    }

    /// Tells those who hold the ticket of a job that has ended, and that is kept nowhere else.
    pub(super) fn tell_of_end(&self, ticket: Arc<Ticket>) {
        let reply = self.info(ticket.id(), false);
        self.with_reply(reply, move |inner, info| {
            let end = info.map_or_else(|_| forgotten(), |info| final_of(&info));
            inner.tell_ended(&ticket, end);
        });
    }

    /// Finds out what became of a job that could not be claimed, and goes on from there.
    pub(super) fn recover(&self, ticket: Arc<Ticket>) {
        self.look_up(ticket, Self::go_on);
    }

    pub(super) fn look_up(
        &self,
        ticket: Arc<Ticket>,
        unfinished: fn(&Self, &Arc<Ticket>, &JobInfo),
    ) {
        self.phase.set_out();
        let reply = self.info(ticket.id(), false);
        self.with_reply(reply, move |inner, info| {
            if let Ok(info) = &info {
                inner.compare(info);
            }
            match info {
                Ok(info) if info.state.is_terminal() => {
                    inner.settle_waiting(ticket.sequence(), final_of(&info))
                }
                Ok(info) => unfinished(inner, &ticket, &info),
                Err(error) => inner.not_found(ticket, &error),
            }
            inner.arrived();
        });
    }

    /// An attempt of the job may run here whose lease was lost.
    fn compare(&self, info: &JobInfo) {
        if !self.follows {
            return;
        }
        let lost = {
            let dispatch = self.dispatch.lock();
            let mine = dispatch.newest_attempt(info.sequence);
            let mine = mine.filter(|one| !one.is_answered());
            mine.filter(|one| {
                one.hear(info.attempt, info.state != State::Running);
                one.is_lost() && !one.is_closed()
            })
            .cloned()
        };
        if let Some(attempt) = lost {
            self.stop_lost(&attempt);
        }
    }

    fn not_found(&self, ticket: Arc<Ticket>, error: &Error) {
        match error.kind() {
            ErrorKind::NotFound => self.settle_waiting(ticket.sequence(), forgotten()),
            ErrorKind::Closed => {}
            _ => {
                self.unanswered.keep_ticket(ticket);
                self.driver.retry_store(self.tick());
            }
        }
    }

    fn go_on(&self, ticket: &Arc<Ticket>, info: &JobInfo) {
        match info.state {
            // It has expired: time will tell.
            State::Queued if self.has_expired(info) => self.driver.alarm(self.tick()),
            State::Queued => self.offer_again(ticket),
            State::Scheduled | State::Retrying => {
                info.scheduled
                    .into_iter()
                    .for_each(|due| self.alarm_at(due));
            }
            State::Running if self.is_orphan(ticket, info) => self.adopt(ticket, info.attempt),
            _ => {}
        }
    }

    fn has_expired(&self, info: &JobInfo) -> bool {
        let expires = info.spec.expires.map(|expires| info.created.after(expires));
        info.attempt == 0 && expires.is_some_and(|at| at <= self.now())
    }

    /// Whether this engine started the attempt without hearing of it.
    fn is_orphan(&self, ticket: &Ticket, info: &JobInfo) -> bool {
        // Another engine may have the same name.
        if self.follows && !ticket.is_claim_open() {
            return false;
        }
        let known = self.newest_attempt(info.sequence);
        let ours = info.worker.as_ref() == Some(&self.worker);
        ours && known.is_none_or(|known| known.has_begun() && known.number() < info.attempt)
    }

    /// Gives an attempt back that nobody runs.
    fn adopt(&self, ticket: &Arc<Ticket>, attempt: u32) {
        let given_back = FinishedAttempt {
            sequence: ticket.sequence(),
            attempt,
            end: End::from(AttemptEnd::new(OutcomeKind::Released)),
            next: Next::Requeue,
        };
        let reply = self.store.finish(Finish {
            now: self.now(),
            attempts: smallvec![given_back],
        });
        let ticket = Arc::clone(ticket);
        self.with_reply(reply, move |inner, fenced| match fenced {
            Ok(_) => {
                ticket.ran(attempt);
                ticket.set_claim_open(false);
                inner.recover(ticket);
            }
            Err(error) => inner.not_found(ticket, &error),
        });
    }

    fn offer_again(&self, ticket: &Arc<Ticket>) {
        let sequence = ticket.sequence();
        {
            let mut dispatch = self.dispatch.lock();
            let newest = dispatch.newest_attempt(sequence);
            let runs = newest.is_some_and(|one| !one.is_closed());
            if runs || dispatch.tickets.get(sequence).is_none() {
                return;
            }
            ticket.queued_while(dispatch.progress.page);
            dispatch.withdraw(ticket);
            dispatch.offer(ticket);
        }
        self.pump();
    }

    /// Lets go of every job that has not ended, and tells those who wait.
    pub(super) fn settle_all(&self, reason: &str) {
        self.phase.set_out();
        self.phase.set_reading(false);
        let tickets: Batch<Arc<Ticket>> = {
            let mut dispatch = self.dispatch.lock();
            let mut all: Batch<_> = dispatch
                .tickets
                .iter()
                .map(|(_, ticket)| Arc::clone(ticket))
                .collect();
            for ticket in &all {
                dispatch.take_out(ticket.sequence());
            }
            all.extend(dispatch.strangers.take_all());
            all
        };
        let failure = crate::outcome::Failure::new("Cancelled", reason);
        let end = End::from(AttemptEnd::failed(OutcomeKind::Cancelled, failure));
        for ticket in tickets {
            self.tell_ended(
                &ticket,
                Final {
                    state: State::Cancelled,
                    end: end.clone(),
                },
            );
        }
        self.arrived();
    }

    /// The plan by which this engine runs jobs that declared `spec`.
    ///
    /// # Errors
    /// `NotFound` where it doesn't know their task; `BudgetExceeded` where they could never run.
    pub(super) fn plan_of(&self, spec: &Arc<Spec>) -> Result<Arc<Plan>> {
        let base = self.registered(&spec.task);
        let known = base.and_then(|base| Some((base.task.clone()?, base)));
        let (task, base) = known.ok_or_else(|| self.not_known_here(&spec.task))?;
        if *base.spec == **spec {
            return base.check().map(|()| base);
        }
        let options = base.options.clone();
        let mut spec = Arc::clone(spec);
        // What runs the function is this engine's to know: the job may come from another language.
        if spec.executor != base.spec.executor {
            Arc::make_mut(&mut spec).executor = base.spec.executor;
        }
        if spec.sandbox.is_none() && base.spec.sandbox.is_some() {
            Arc::make_mut(&mut spec).sandbox = base.spec.sandbox.clone();
        }
        let plan = self.plan_for(task, options, spec);
        plan.check().map(|()| Arc::new(plan))
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
        end: End::from(AttemptEnd::new(OutcomeKind::Cancelled)),
    }
}

fn final_of(info: &JobInfo) -> Final {
    let kind = info.outcome.unwrap_or(OutcomeKind::Cancelled);
    let (result, failure) = (info.result.clone().unwrap_or_default(), info.error.clone());
    Final {
        state: info.state,
        end: End::from(AttemptEnd {
            result,
            failure: failure.map(Box::new),
            ..AttemptEnd::new(kind)
        }),
    }
}

fn ended_ticket(info: &JobInfo) -> Ticket {
    Ticket::ended(info.id, info.sequence, final_of(info))
}
