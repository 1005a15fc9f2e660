//! One execution of a job, while it lasts: what it is, and how it is asked to stop.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use crate::clock::Tick;
use crate::engine::inner::Inner;
use crate::engine::pause::Pauses;
use crate::engine::seen::Seen;
use crate::engine::ticket::Ticket;
use crate::id::JobId;
use crate::job::ExecutorKind;
use crate::ledger::Permit;
use crate::limits::{Breach, Isolation, Limits, Resource};
use crate::outcome::{Ended, Failure, Measured};
use crate::payload::Payload;
use crate::sandbox::{NO_SANDBOX, Sandbox, SandboxLevel, SandboxParts};
use crate::signal::Signal;
use crate::spill::Output;
use crate::sync::AtomicBool;

/// Why an attempt is asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopKind {
    /// The job is cancelled.
    Cancelled,
    /// The attempt ran longer than its timeout.
    TimedOut,
    /// The attempt used more of this than it may.
    OverLimit(Resource),
    /// The engine shuts down.
    Shutdown,
    /// Its lease was lost, and its job given to others: what it ends with is not recorded.
    Lost,
}

impl StopKind {
    /// Its name, lower case with underscores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::OverLimit(_) => "over_limit",
            Self::Shutdown => "shutdown",
            Self::Lost => "lost",
        }
    }
}

/// A request to stop.
#[derive(Clone, Debug)]
pub struct Stop {
    /// Why.
    pub kind: StopKind,
    /// In words.
    pub reason: Arc<str>,
}

/// What is known once the store has agreed to the start.
#[derive(Debug)]
struct Started {
    number: u32,
    failures: u32,
}

/// One execution of a job.
#[derive(Debug)]
pub struct Attempt {
    pub(crate) key: u64,
    pub(crate) ticket: Arc<Ticket>,
    pub(crate) permit: Permit,
    /// The key of the attempt at the head of its chain: its own, where it was not prefetched. See
    /// [`Chains`](crate::engine::prefetch::Chains).
    pub(super) chain: u64,
    started: OnceLock<Started>,
    deadline: OnceLock<Tick>,
    checkpoint: Mutex<Option<Payload>>,
    /// What it wrote beside its result, until its end.
    pub(super) outputs: Mutex<Vec<Output>>,
    stop: Signal<Stop>,
    /// How long it has stood still.
    pub(super) pauses: Mutex<Pauses>,
    /// What is known of it where it runs in processes of its own.
    seen: Mutex<Option<Box<Seen>>>,
    /// Why its job is cancelled, whatever else it was asked to stop for.
    cancelled: OnceLock<Arc<str>>,
    /// Whether its end was recorded, or given up on: the first to set this decides.
    closed: AtomicBool,
    /// Whether its end is settled with the store, while it may still run.
    answered: AtomicBool,
    /// The newest that was told of its job by others since it was granted: twice the number of the
    /// attempt, and one more where that is over. 0 for nothing.
    heard: AtomicU64,
}

impl Attempt {
    pub(crate) fn new(key: u64, ticket: Arc<Ticket>, permit: Permit) -> Self {
        Self {
            key,
            ticket,
            permit,
            chain: key,
            started: OnceLock::new(),
            deadline: OnceLock::new(),
            checkpoint: Mutex::new(None),
            outputs: Mutex::default(),
            stop: Signal::default(),
            pauses: Mutex::default(),
            seen: Mutex::new(None),
            cancelled: OnceLock::new(),
            closed: AtomicBool::new(false),
            answered: AtomicBool::new(false),
            heard: AtomicU64::new(0),
        }
    }

    /// Makes a blank one of an attempt that is over; `None` where somebody still holds it. What it
    /// held is dropped here.
    pub(crate) fn blank(mut this: Arc<Self>, nobody: &Arc<Ticket>) -> Option<Arc<Self>> {
        let own = Arc::get_mut(&mut this)?;
        *own = Self::new(0, Arc::clone(nobody), own.permit);
        Some(this)
    }

    /// A new attempt, made of a blank one where there is one.
    pub(crate) fn reuse(
        blank: Option<Arc<Self>>,
        key: u64,
        ticket: Arc<Ticket>,
        permit: Permit,
        chain: u64,
    ) -> Arc<Self> {
        if let Some(mut this) = blank
            && let Some(own) = Arc::get_mut(&mut this)
        {
            (own.key, own.ticket, own.permit, own.chain) = (key, ticket, permit, chain);
            return this;
        }
        let new = Self::new(key, ticket, permit);
        Arc::new(Self { chain, ..new })
    }

    /// The store has agreed to its start.
    pub(crate) fn begin(&self, number: u32, failures: u32, checkpoint: Option<Payload>) {
        if checkpoint.is_some() {
            *self.checkpoint.lock() = checkpoint;
        }
        // Only the thread that claimed the job gets here, once.
        let _ = self.started.set(Started { number, failures });
    }

    /// Its code runs from now on, until `deadline`.
    pub(crate) fn set_off(&self, deadline: Tick) {
        // Whoever starts it gets here, once.
        let _ = self.deadline.set(deadline);
    }

    /// The engine that runs it, while there is one.
    pub(crate) fn engine(&self) -> Option<Arc<Inner>> {
        self.ticket.plan()?.engine.upgrade()
    }

    /// A number that no other attempt of this engine has.
    pub fn key(&self) -> u64 {
        self.key
    }

    /// The id of the job.
    pub fn job(&self) -> JobId {
        self.ticket.id()
    }

    /// The name of the task.
    pub fn task(&self) -> &str {
        self.ticket.plan().map_or("", |plan| &plan.spec.task)
    }

    /// The number of the attempt, from 1.
    pub fn number(&self) -> u32 {
        self.started.get().map_or(0, |started| started.number)
    }

    /// How many attempts of the job failed before.
    pub fn failures(&self) -> u32 {
        self.started.get().map_or(0, |started| started.failures)
    }

    /// The bytes of memory that are reserved for it.
    pub fn memory(&self) -> u64 {
        self.ticket.plan().map_or(0, |plan| plan.spec.demand.memory)
    }

    /// What it may use; nothing is limited where it doesn't run in processes of its own.
    pub fn limits(&self) -> Limits {
        self.ticket
            .plan()
            .map_or(Limits::NONE, |plan| plan.spec.limits)
    }

    /// The memory in bytes and the thousandths of a core that are reserved for it.
    pub(crate) fn requested(&self) -> (u64, u64) {
        let demand = self.ticket.plan().map(|plan| &plan.spec.demand);
        demand.map_or((0, 0), |demand| (demand.memory, demand.cpu))
    }

    /// It uses more than it may.
    pub(crate) fn over_limit(self: &Arc<Self>, breach: Breach, at_once: bool) {
        if let Some(engine) = self.engine() {
            engine.over_limit(self, breach, at_once);
        }
    }

    /// How long it may run.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.ticket.plan()?.spec.timeout
    }

    /// When its timeout is over, on the engine's monotonic clock. Time for which it was paused doesn't
    /// count. One that was prefetched has none before its turn comes.
    pub fn deadline(&self) -> Option<Tick> {
        let deadline = self.deadline.get()?;
        Some(deadline.after(self.paused_for()))
    }

    /// Whether what it returns must be encoded, as arguments are: so that a store keeps it.
    pub fn encodes(&self) -> bool {
        self.engine().is_none_or(|engine| {
            engine.options.strict || !engine.store.capabilities().live_payloads
        })
    }

    /// Why it is asked to stop, if it is.
    pub fn stopped(&self) -> Option<Stop> {
        self.stop.get()
    }

    /// The request to stop, to wait for.
    pub fn stop_signal(&self) -> &Signal<Stop> {
        &self.stop
    }

    /// Marks its job as cancelled: whatever it ends with, the job is not run again.
    pub(crate) fn cancel_job(&self, reason: Arc<str>) {
        // The first reason stands.
        let _ = self.cancelled.set(reason);
    }

    /// Why its job is cancelled, if it is.
    pub(crate) fn job_cancelled(&self) -> Option<&Arc<str>> {
        self.cancelled.get()
    }

    /// Whether the store has agreed to its start.
    pub(crate) fn has_begun(&self) -> bool {
        self.started.get().is_some()
    }

    /// The last checkpoint of the job.
    pub fn checkpoint(&self) -> Option<Payload> {
        self.checkpoint.lock().clone()
    }

    pub(crate) fn keep_checkpoint(&self, state: Payload) {
        let before = self.checkpoint.lock().replace(state);
        drop(before);
    }

    /// Notes what it was seen to use. What was noted before is the least: a peak stays.
    pub fn measure(&self, seen: Measured) {
        self.seen.lock().get_or_insert_default().measure(seen);
    }

    /// All that is known of it where it runs in processes of its own.
    pub(super) fn seen(&self) -> MutexGuard<'_, Option<Box<Seen>>> {
        self.seen.lock()
    }

    /// What it was seen to use, where it runs in processes of its own.
    pub fn measured(&self) -> Option<Measured> {
        self.seen.lock().as_ref()?.measured
    }

    /// Notes how its limits are enforced, for the record of its end. The first note stands.
    pub fn isolate(&self, isolation: Isolation) {
        let mut seen = self.seen.lock();
        seen.get_or_insert_default()
            .isolation
            .get_or_insert(isolation);
    }

    /// How its limits are enforced, where they are.
    pub fn isolation(&self) -> Option<Isolation> {
        self.seen.lock().as_ref()?.isolation
    }

    /// What it is to be kept to, where it runs in processes of its own.
    pub fn sandbox(&self) -> &Sandbox {
        static OFF: Sandbox = Sandbox::OFF;
        self.ticket.plan().map_or(&OFF, |plan| &plan.sandbox)
    }

    /// Why it must not run by `executor`, if it must not: it is to have a sandbox, and can't.
    pub(crate) fn not_kept_by(&self, executor: ExecutorKind) -> Option<Ended> {
        let required = self.sandbox().level == SandboxLevel::Required;
        (required && !executor.is_isolated()).then(|| {
            let why = format!(
                "sandbox=required, and its worker runs the task by executor {executor}, which can't keep a \
                 job to one: declare the task there with executor process"
            );
            Ended::Raised(Failure::new(NO_SANDBOX, why))
        })
    }

    /// Notes what of its sandbox it has, for the record of its end. The first note stands.
    pub fn keep_in(&self, parts: SandboxParts) {
        let mut seen = self.seen.lock();
        seen.get_or_insert_default().sandbox.get_or_insert(parts);
    }

    /// What of its sandbox it has, where it is to have one.
    pub fn kept_in(&self) -> Option<SandboxParts> {
        self.seen.lock().as_ref()?.sandbox
    }

    /// Notes which limit it went over. The first one stands.
    pub(crate) fn breach(&self, breach: Breach) {
        let mut seen = self.seen.lock();
        seen.get_or_insert_default().breach.get_or_insert(breach);
    }

    /// Which limit it went over, with the most that it was seen to use.
    pub(crate) fn breached(&self) -> Option<Breach> {
        self.seen.lock().as_ref()?.breach()
    }

    /// Whether the caller is the one to record how it ended.
    pub(crate) fn close(&self) -> bool {
        !self.closed.swap(true, Ordering::AcqRel)
    }

    /// Its end is settled with the store.
    pub(crate) fn answer(&self) {
        self.answered.store(true, Ordering::Release);
    }

    /// Whether its end is settled with the store.
    pub(crate) fn is_answered(&self) -> bool {
        self.answered.load(Ordering::Acquire)
    }

    /// Others say that the newest attempt of its job is this `number`, and whether that is `over`.
    pub(crate) fn hear(&self, number: u32, over: bool) {
        let heard = heard(number, over).max(1);
        self.heard.fetch_max(heard, Ordering::AcqRel);
    }

    /// Whether others have changed its job since it was granted.
    pub(crate) fn has_heard(&self) -> bool {
        self.heard.load(Ordering::Acquire) > 0
    }

    /// Whether it has begun, and a newer attempt or an end has come without it. Numbers only grow,
    /// so this holds however old the news is.
    pub(crate) fn is_lost(&self) -> bool {
        let newest = self.heard.load(Ordering::Acquire);
        self.has_begun() && newest > heard(self.number(), false)
    }

    /// Whether its end was recorded, or given up on, while it may still run.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

fn heard(number: u32, over: bool) -> u64 {
    (u64::from(number) << 1) | u64::from(over)
}

#[cfg(any(loom, test))]
impl Attempt {
    /// An attempt that belongs to no engine, for tests; `None` never.
    pub(crate) fn of_nobody(key: u64) -> Option<Arc<Self>> {
        use crate::amounts::Amounts;
        use crate::clock::Timestamp;
        use crate::ledger::Ledger;
        use crate::outcome::{AttemptEnd, Final, OutcomeKind};
        use crate::state::State;

        let nothing = Amounts::zeros(1);
        let permit = Ledger::new(nothing.clone()).reserve(key, &nothing)?;
        let end = Final {
            state: State::Completed,
            end: AttemptEnd::new(OutcomeKind::Completed).into(),
        };
        let ticket = Ticket::ended(JobId::new(Timestamp::from_millis(0), key, 0), key, end);
        Some(Arc::new(Self::new(key, Arc::new(ticket), permit)))
    }
}
