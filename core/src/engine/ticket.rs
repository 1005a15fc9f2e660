//! What an engine holds of a job that has not ended, and what a caller holds to learn its end.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::engine::plan::Plan;
use crate::id::JobId;
use crate::outcome::Final;
use crate::rank::Rank;
use crate::signal::{Signal, Waiting};

/// One job as its engine and its submitter see it. It keeps the job's end for as long as someone
/// holds it, however soon the store forgets.
#[derive(Debug)]
pub struct Ticket {
    id: JobId,
    sequence: u64,
    settled: Settled,
    end: Signal<Final>,
}

/// Where the settled options are: known from the start, as a rule, or brought later.
#[derive(Debug)]
enum Settled {
    Now(Arc<Plan>),
    Later(OnceLock<Arc<Plan>>),
}

impl Ticket {
    pub(crate) fn new(id: JobId, sequence: u64, plan: Arc<Plan>) -> Self {
        Self {
            id,
            sequence,
            settled: Settled::Now(plan),
            end: Signal::default(),
        }
    }

    /// A job that somebody else submits at this moment, with a plan of theirs.
    pub(crate) fn of_another(id: JobId, sequence: u64) -> Self {
        Self {
            id,
            sequence,
            settled: Settled::Later(OnceLock::new()),
            end: Signal::default(),
        }
    }

    /// A job that has ended already.
    pub(crate) fn ended(id: JobId, sequence: u64, end: Final) -> Self {
        Self {
            id,
            sequence,
            settled: Settled::Later(OnceLock::new()),
            end: Signal::set_to(end),
        }
    }

    /// The id of the job.
    pub fn id(&self) -> JobId {
        self.id
    }

    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The settled options; none for a job that had ended when it was looked up, and for one whose
    /// submitter has not brought them yet.
    pub(crate) fn plan(&self) -> Option<&Arc<Plan>> {
        match &self.settled {
            Settled::Now(plan) => Some(plan),
            Settled::Later(plan) => plan.get(),
        }
    }

    /// Brings the settled options.
    pub(crate) fn give_plan(&self, plan: &Arc<Plan>) {
        if let Settled::Later(later) = &self.settled {
            // A job has one submitter; where the options are there already, they are the same.
            let _ = later.set(Arc::clone(plan));
        }
    }

    pub(crate) fn rank(&self) -> Option<Rank> {
        self.plan()
            .map(|plan| Rank::new(plan.spec.priority, self.sequence))
    }

    /// The end of the job, if it has ended.
    pub fn outcome(&self) -> Option<Final> {
        self.end.get()
    }

    /// Whether the job has ended.
    pub fn is_done(&self) -> bool {
        self.end.is_set()
    }

    /// Blocks this thread until the job has ended, or `timeout` is over; the job goes on.
    pub fn wait(&self, timeout: Option<Duration>) -> Option<Final> {
        self.end.wait(timeout)
    }

    /// A future of the job's end.
    pub fn wait_async(&self) -> Waiting<'_, Final> {
        self.end.wait_async()
    }

    /// Calls `call` once the job has ended, on whichever thread records it; at once if it has.
    pub fn on_done(&self, call: impl FnOnce() + Send + 'static) {
        self.end.on_set(call);
    }

    /// Settles `other`, a ticket of the same job, when this one is settled.
    pub(crate) fn tell_too(self: &Arc<Self>, other: Arc<Self>) {
        let this = Arc::downgrade(self);
        self.on_done(move || {
            let end = this.upgrade().and_then(|ticket| ticket.outcome());
            end.into_iter().for_each(|end| other.settle(end));
        });
    }

    pub(crate) fn settle(&self, end: Final) {
        self.end.set(end);
    }
}
