//! From a call to a job: accepted by the store, then offered to the scheduler.

use std::iter::repeat_with;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::engine::dispatch::Dispatch;
use crate::engine::early::Fate;
use crate::engine::inner::Inner;
use crate::engine::opening::{Opened, Opening, Openings};
use crate::engine::plan::Plan;
use crate::engine::ticket::Ticket;
use crate::event::EventKind;
use crate::job::NewJob;
use crate::payload::Payload;
use crate::state::State;
use crate::store::{Batch, Reply, Submit, Submitted};

/// One call to submit.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The task and its settled options.
    pub plan: Arc<Plan>,
    /// The arguments.
    pub args: Payload,
    /// The key that only one unfinished job may have; over the plan's.
    pub unique: Option<Arc<str>>,
    /// How long it must wait at least; over the plan's.
    pub delay: Option<Duration>,
}

impl Submission {
    /// A call of `plan` with `args`.
    pub fn new(plan: Arc<Plan>, args: Payload) -> Self {
        Self {
            plan,
            args,
            unique: None,
            delay: None,
        }
    }

    /// The job to store.
    fn job(&mut self, now: Timestamp) -> NewJob {
        let delay = self.delay.or_else(|| self.plan.delay());
        let unique = self.unique.take();
        NewJob {
            spec: Arc::clone(&self.plan.spec),
            args: std::mem::take(&mut self.args),
            unique: unique.or_else(|| self.plan.options.unique.clone()),
            due: delay.map(|delay| now.after(delay)),
            worker: None,
        }
    }
}

/// A job that was accepted.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The job.
    pub ticket: Arc<Ticket>,
    /// Whether it is an earlier, unfinished job with the same unique key.
    pub deduplicated: bool,
}

impl Inner {
    /// Submits calls: all of them or none.
    pub(crate) fn submit(&self, calls: Batch<Submission>) -> Reply<Batch<Accepted>> {
        let refused = calls.iter().find_map(|call| call.plan.check().err());
        if let Some(error) = self.check_open().err().or(refused) {
            return Reply::now(Err(error));
        }
        let now = self.now();
        let count = calls.len();
        let (mut plans, mut jobs) = (Batch::with_capacity(count), Batch::with_capacity(count));
        for mut call in calls {
            jobs.push(call.job(now));
            plans.push(call.plan);
        }
        let delayed = jobs.iter().any(|job: &NewJob| job.due.is_some());
        let noted = self.note_what_becomes(delayed);
        let openings = self.open(&plans, &mut jobs);
        let reply = self.store.submit(Submit { now, jobs });
        self.carry_on(reply, move |inner, submitted| {
            let opened = !openings.is_empty();
            let accepted = match submitted {
                Ok(submitted) => Ok(inner.accept(&submitted, plans, openings)),
                Err(error) => {
                    inner.shut(openings);
                    Err(error)
                }
            };
            if opened {
                inner.arrived();
            }
            let jobs = accepted.as_ref().map_or(&[][..], |accepted| accepted);
            inner.noted(noted, jobs);
            Reply::now(accepted)
        })
    }

    /// Jobs are on their way here: what becomes of them before they are known here is noted, where
    /// anything can.
    pub(super) fn note_what_becomes(&self, delayed: bool) -> Option<u64> {
        (delayed || self.follows).then(|| self.dispatch.lock().early.begin())
    }

    /// The jobs are known here.
    pub(super) fn noted(&self, number: Option<u64>, jobs: &[Accepted]) {
        let Some(number) = number else { return };
        let doubtful = {
            let mut dispatch = self.dispatch.lock();
            dispatch.early.end(number);
            dispatch.early.is_doubtful(number)
        };
        for job in jobs.iter().filter(|_| doubtful) {
            self.recover(Arc::clone(&job.ticket));
        }
    }

    /// Takes in jobs that the store has accepted, the first of them perhaps begun, and starts what may
    /// start.
    pub(super) fn accept(
        &self,
        submitted: &[Submitted],
        plans: Batch<Arc<Plan>>,
        openings: Openings,
    ) -> Batch<Accepted> {
        let mut opened = Vec::new();
        let openings = openings.into_iter().map(Some).chain(repeat_with(|| None));
        let jobs = submitted.iter().zip(plans).zip(openings);
        let accepted: Batch<Accepted> = jobs
            .map(|((job, plan), opening)| match opening {
                Some(opening) => self.take_in_opened(job, plan, opening, &mut opened),
                None => self.take_in(job, plan),
            })
            .collect();
        self.run_opened(opened);
        if self.phase.is_gone() {
            self.let_go_of_all();
        } else if accepted.iter().any(|job| self.is_hungry(&job.ticket)) {
            self.pump();
        }
        accepted
    }

    /// Takes in a job for which there was room when it was submitted.
    fn take_in_opened(
        &self,
        job: &Submitted,
        plan: Arc<Plan>,
        opening: Opening,
        opened: &mut Vec<Opened>,
    ) -> Accepted {
        let ticket = Arc::new(Ticket::new(job.id, job.sequence, plan));
        self.announce(job, &ticket);
        let queued = job.state == State::Queued;
        let ticket = self.take_in_noted(ticket, queued, |dispatch, ticket| {
            opened.extend(dispatch.begin_opened(opening, job, ticket));
        });
        Accepted {
            ticket,
            deduplicated: job.deduplicated,
        }
    }

    fn take_in(&self, job: &Submitted, plan: Arc<Plan>) -> Accepted {
        let deduplicated = job.deduplicated;
        if deduplicated {
            // This submit's plan is not that of the job.
            let ticket = Ticket::of_another(job.id, job.sequence);
            return Accepted {
                ticket: self.take_in_known(Arc::new(ticket)),
                deduplicated,
            };
        }
        let ticket = Arc::new(Ticket::new(job.id, job.sequence, plan));
        self.announce(job, &ticket);
        let queued = job.state == State::Queued;
        let ticket = if job.due.is_some() || self.follows {
            self.take_in_noted(ticket, queued, |_, _| ())
        } else if job.keyed {
            // Another submitter may have brought a ticket for it already.
            self.dispatch.lock().take_in(ticket, queued)
        } else {
            self.dispatch.bring(Arc::clone(&ticket), queued);
            ticket
        };
        self.welcome_own(&ticket);
        Accepted {
            ticket,
            deduplicated,
        }
    }

    /// Takes in a job that another submit has made, and that may have ended meanwhile.
    fn take_in_known(&self, ticket: Arc<Ticket>) -> Arc<Ticket> {
        let ticket = {
            let mut dispatch = self.dispatch.lock();
            let known = dispatch.known(ticket.sequence());
            let ticket = known.unwrap_or_else(|| dispatch.take_in(ticket, false));
            dispatch.progress.expect(&ticket);
            ticket
        };
        self.look_up(Arc::clone(&ticket), Self::set_aside_found);
        ticket
    }

    /// Takes in a job whose time may have come, or which others may have run, before its submit was
    /// answered. `then` is done under the same lock.
    fn take_in_noted(
        &self,
        ticket: Arc<Ticket>,
        queued: bool,
        then: impl FnOnce(&mut Dispatch, &Arc<Ticket>),
    ) -> Arc<Ticket> {
        let (ticket, fate) = {
            let mut dispatch = self.dispatch.lock();
            let fate = dispatch.early.get(ticket.sequence());
            let queued = queued || fate == Some(Fate::Queued);
            let ticket = dispatch.take_in(ticket, queued);
            dispatch.progress.expect(&ticket);
            then(&mut dispatch, &ticket);
            (ticket, fate)
        };
        if fate == Some(Fate::Ended) {
            self.reconcile(Arc::clone(&ticket));
        }
        ticket
    }

    /// Whether a new job needs a grant now: else its executor asks for more anyway.
    fn is_hungry(&self, ticket: &Ticket) -> bool {
        let kind = ticket.plan().map(|plan| plan.spec.executor);
        let executor = kind.and_then(|kind| self.executor(kind).ok());
        executor.is_none_or(|executor| executor.is_hungry())
    }

    fn announce(&self, job: &Submitted, ticket: &Ticket) {
        // One that has begun was queued for that moment.
        let state = match job.state {
            State::Running => State::Queued,
            state => state,
        };
        self.events
            .emit(&*self.clock, ticket, || EventKind::State(state));
        if let Some(due) = job.due {
            self.alarm_at(due);
        }
        // Expiry is the store's to tell: it is asked again at the next tick.
        if let Some(expires) = ticket.spec().and_then(|spec| spec.expires) {
            self.alarm_at(self.now().after(expires));
        }
    }
}
