//! What an engine holds of a job that has not ended, and what a caller holds to learn its end.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::engine::plan::Plan;
use crate::id::JobId;
use crate::job::Spec;
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
    /// Whether this engine has submitted it.
    own: AtomicBool,
    /// Whether a claim of it was not answered: an attempt may have begun that nobody runs.
    claim_open: AtomicBool,
    /// The number of the newest attempt that ran here.
    newest: AtomicU32,
    /// The page of changes that was asked for when this engine last queued it.
    queued_in: AtomicU64,
}

/// Where the settled options are: known from the start, as a rule, or brought later.
#[derive(Debug)]
enum Settled {
    Now(Arc<Plan>),
    Later(OnceLock<Arc<Plan>>),
    /// Its task was not known here when the job was; it may be later.
    Strange(Box<(Arc<Spec>, OnceLock<Arc<Plan>>)>),
}

impl Ticket {
    pub(crate) fn new(id: JobId, sequence: u64, plan: Arc<Plan>) -> Self {
        let settled = match plan.task() {
            Some(_) => Settled::Now(plan),
            None => strange(&plan.spec),
        };
        let ticket = Self::with(id, sequence, settled, Signal::default());
        ticket.make_own();
        ticket
    }

    /// A job of another, with what it declared.
    pub(crate) fn of_stranger(id: JobId, sequence: u64, spec: &Arc<Spec>) -> Self {
        Self::with(id, sequence, strange(spec), Signal::default())
    }

    /// A job that somebody else submits at this moment, with a plan of theirs.
    pub(crate) fn of_another(id: JobId, sequence: u64) -> Self {
        let settled = Settled::Later(OnceLock::new());
        Self::with(id, sequence, settled, Signal::default())
    }

    /// A job that has ended already.
    pub(crate) fn ended(id: JobId, sequence: u64, end: Final) -> Self {
        let settled = Settled::Later(OnceLock::new());
        Self::with(id, sequence, settled, Signal::set_to(end))
    }

    fn with(id: JobId, sequence: u64, settled: Settled, end: Signal<Final>) -> Self {
        Self {
            id,
            sequence,
            settled,
            end,
            own: AtomicBool::new(false),
            claim_open: AtomicBool::new(false),
            newest: AtomicU32::new(0),
            queued_in: AtomicU64::new(0),
        }
    }

    /// This engine has submitted the job.
    pub(crate) fn make_own(&self) {
        self.own.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_own(&self) -> bool {
        self.own.load(Ordering::Relaxed)
    }

    /// Whether anybody may want to know of its end, beside those who hold these references.
    pub(crate) fn is_wanted(self: &Arc<Self>, beside: usize) -> bool {
        Arc::strong_count(self) > beside || self.end.has_waiters()
    }

    /// Notes whether an attempt may have begun that nobody runs.
    pub(crate) fn set_claim_open(&self, open: bool) {
        self.claim_open.store(open, Ordering::Release);
    }

    pub(crate) fn is_claim_open(&self) -> bool {
        self.claim_open.load(Ordering::Acquire)
    }

    /// An attempt with this number has run here.
    pub(crate) fn ran(&self, attempt: u32) {
        self.newest.fetch_max(attempt, Ordering::AcqRel);
    }

    /// The number of the newest attempt that ran here; 0 for none.
    pub(crate) fn newest(&self) -> u32 {
        self.newest.load(Ordering::Acquire)
    }

    /// This engine has queued it while this page of changes was asked for.
    pub(crate) fn queued_while(&self, page: u64) {
        self.queued_in.store(page, Ordering::Relaxed);
    }

    pub(crate) fn queued_in(&self) -> u64 {
        self.queued_in.load(Ordering::Relaxed)
    }

    /// The id of the job.
    pub fn id(&self) -> JobId {
        self.id
    }

    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The settled options; none for a job that had ended when it was looked up, for one whose
    /// submitter has not brought them yet, and for one whose task is not known here.
    pub(crate) fn plan(&self) -> Option<&Arc<Plan>> {
        match &self.settled {
            Settled::Now(plan) => Some(plan),
            Settled::Later(plan) => plan.get(),
            Settled::Strange(strange) => strange.1.get(),
        }
    }

    /// What it declared, where that is known here.
    pub(crate) fn spec(&self) -> Option<&Arc<Spec>> {
        match (&self.settled, self.plan()) {
            (_, Some(plan)) => Some(&plan.spec),
            (Settled::Strange(strange), None) => Some(&strange.0),
            _ => None,
        }
    }

    /// Whether its task was not known here when it came, and isn't by now.
    pub(crate) fn is_strange(&self) -> bool {
        matches!(&self.settled, Settled::Strange(strange) if strange.1.get().is_none())
    }

    /// Brings the settled options.
    pub(crate) fn give_plan(&self, plan: &Arc<Plan>) {
        let later = match &self.settled {
            Settled::Now(_) => return,
            Settled::Later(later) => later,
            Settled::Strange(strange) => &strange.1,
        };
        // A job has one submitter; where the options are there already, they are the same.
        let _ = later.set(Arc::clone(plan));
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

fn strange(spec: &Arc<Spec>) -> Settled {
    Settled::Strange(Box::new((Arc::clone(spec), OnceLock::new())))
}
