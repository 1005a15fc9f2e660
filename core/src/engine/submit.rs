//! From a call to a job: accepted by the store, then offered to the scheduler.

use std::sync::Arc;
use std::time::Duration;

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
        let plans: Batch<Arc<Plan>> = calls.iter().map(|call| Arc::clone(&call.plan)).collect();
        let jobs = calls.into_iter().map(|call| {
            let due = call
                .delay
                .or_else(|| call.plan.delay())
                .map(|delay| now.after(delay));
            let unique = call.unique.or_else(|| call.plan.options.unique.clone());
            NewJob {
                spec: Arc::clone(&call.plan.spec),
                args: call.args,
                unique,
                due,
            }
        });
        let this = self.this.clone();
        let reply = self.store.submit(Submit {
            now,
            jobs: jobs.collect(),
        });
        if let Reply::Now(_) = reply {
            return Reply::now(
                reply
                    .wait()
                    .map(|submitted| self.accept(&submitted, &plans)),
            );
        }
        reply.map(move |submitted| match this.upgrade() {
            Some(inner) => inner.accept(&submitted, &plans),
            None => Batch::new(),
        })
    }

    /// Takes in jobs that the store has accepted, and starts what may start.
    pub(super) fn accept(&self, submitted: &[Submitted], plans: &[Arc<Plan>]) -> Batch<Accepted> {
        let mut accepted = Batch::new();
        let grants = {
            let mut dispatch = self.dispatch.lock();
            for (job, plan) in submitted.iter().zip(plans) {
                let known = dispatch.tickets.get(job.sequence).cloned();
                let ticket = known.unwrap_or_else(|| {
                    let ticket = Arc::new(Ticket::new(job.id, job.sequence, Arc::clone(plan)));
                    dispatch.tickets.insert(job.sequence, Arc::clone(&ticket));
                    ticket
                });
                if job.state == State::Queued && !job.deduplicated {
                    dispatch.offer(&ticket);
                }
                accepted.push(Accepted {
                    ticket,
                    deduplicated: job.deduplicated,
                });
            }
            dispatch.grant(self.tick(), &self.this)
        };
        self.announce(submitted, &accepted);
        self.start(grants);
        accepted
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
