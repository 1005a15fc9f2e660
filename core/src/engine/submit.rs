//! From a call to a job: accepted by the store, then offered to the scheduler.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::engine::inner::Inner;
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
        if let Err(error) = self.check_open() {
            return Reply::now(Err(error));
        }
        let now = self.now();
        let (mut plans, mut jobs) = (Batch::new(), Batch::new());
        for mut call in calls {
            jobs.push(call.job(now));
            plans.push(call.plan);
        }
        let reply = self.store.submit(Submit { now, jobs });
        if let Reply::Now(_) = reply {
            return Reply::now(reply.wait().map(|submitted| self.accept(&submitted, plans)));
        }
        let this = self.this.clone();
        reply.map(move |submitted| match this.upgrade() {
            Some(inner) => inner.accept(&submitted, plans),
            None => Batch::new(),
        })
    }

    /// Takes in jobs that the store has accepted, and starts what may start.
    pub(super) fn accept(
        &self,
        submitted: &[Submitted],
        plans: Batch<Arc<Plan>>,
    ) -> Batch<Accepted> {
        let jobs = submitted.iter().zip(plans);
        let accepted: Batch<Accepted> = jobs.map(|(job, plan)| self.take_in(job, plan)).collect();
        self.announce(submitted, &accepted);
        if accepted.iter().any(|job| self.is_hungry(&job.ticket)) {
            self.pump();
        }
        accepted
    }

    fn take_in(&self, job: &Submitted, plan: Arc<Plan>) -> Accepted {
        let (queued, deduplicated) = (job.state == State::Queued, job.deduplicated);
        let ticket = Arc::new(Ticket::new(job.id, job.sequence, plan));
        if !job.keyed {
            self.dispatch.bring(Arc::clone(&ticket), queued);
            return Accepted {
                ticket,
                deduplicated,
            };
        }
        // Several submitters may get to know a job with a key at once: the first brings its
        // ticket, and only the one whose job it is queues it.
        let ticket = self
            .dispatch
            .lock()
            .take_in(ticket, queued && !deduplicated);
        if deduplicated {
            self.reconcile(Arc::clone(&ticket));
        }
        Accepted {
            ticket,
            deduplicated,
        }
    }

    /// Whether a new job needs a grant now: else its executor asks for more anyway.
    fn is_hungry(&self, ticket: &Ticket) -> bool {
        let kind = ticket.plan().map(|plan| plan.spec.executor);
        let executor = kind.and_then(|kind| self.executor(kind).ok());
        executor.is_none_or(|executor| executor.is_hungry())
    }

    fn announce(&self, submitted: &[Submitted], accepted: &[Accepted]) {
        for (job, accepted) in submitted
            .iter()
            .zip(accepted)
            .filter(|(job, _)| !job.deduplicated)
        {
            self.events.emit(&*self.clock, &accepted.ticket, || {
                EventKind::State(job.state)
            });
            if let Some(due) = job.due {
                self.alarm_at(due);
            }
        }
        // Expiry is the store's to tell: it is asked again at the next tick.
        let expires = accepted
            .iter()
            .filter_map(|job| job.ticket.plan()?.spec.expires)
            .min();
        if let Some(expires) = expires {
            self.alarm_at(self.now().after(expires));
        }
    }
}
