//! What a running job can ask about itself and say of itself.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::Attempt;
use crate::error::{Error, Result};
use crate::id::JobId;
use crate::payload::Payload;

thread_local! {
    static CURRENT: RefCell<Option<JobContext>> = const { RefCell::new(None) };
}

/// The running job, as its own code sees it.
#[derive(Clone, Debug)]
pub struct JobContext {
    attempt: Arc<Attempt>,
}

impl JobContext {
    pub(crate) fn new(attempt: Arc<Attempt>) -> Self {
        Self { attempt }
    }

    /// The job that runs here.
    ///
    /// # Errors
    /// `Conflict` outside of a job.
    pub fn current() -> Result<Self> {
        Self::try_current().ok_or_else(|| {
            Error::conflict("there is no current job: this code does not run inside one")
        })
    }

    /// The job that runs here, if any.
    pub fn try_current() -> Option<Self> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Runs `work`, which must not panic, as part of the job in `slot`.
    pub(crate) fn scope<T>(slot: &mut Option<Self>, work: impl FnOnce() -> T) -> T {
        let before = CURRENT.replace(slot.take());
        let result = work();
        *slot = CURRENT.replace(before);
        result
    }

    /// The attempt itself.
    pub fn attempt(&self) -> &Arc<Attempt> {
        &self.attempt
    }

    /// The id of the job: the idempotency key to pass on.
    pub fn id(&self) -> JobId {
        self.attempt.job()
    }

    /// The number of the attempt, from 1.
    pub fn number(&self) -> u32 {
        self.attempt.number()
    }

    /// The name of the task.
    pub fn task(&self) -> &str {
        self.attempt.task()
    }

    /// The bytes of memory that are reserved for it.
    pub fn memory(&self) -> u64 {
        self.attempt.memory()
    }

    /// How long until its timeout; `None` where it has none.
    pub fn time_left(&self) -> Option<Duration> {
        let engine = self.attempt.engine()?;
        self.attempt
            .deadline()
            .map(|deadline| deadline.since(engine.tick()))
    }

    /// Whether it is asked to stop.
    pub fn cancelled(&self) -> bool {
        self.attempt.stop_signal().is_set()
    }

    /// Waits until it is asked to stop.
    pub async fn stopped(&self) {
        self.attempt.stop_signal().wait_async().await;
    }

    /// Says how far it has come, in percent.
    ///
    /// # Errors
    /// `Invalid` outside 0 to 100; `Conflict` once this attempt is over.
    pub async fn progress(&self, percent: f64, message: Option<&str>) -> Result<()> {
        self.attempt.progress(percent, message)?.await
    }

    /// Logs a line.
    ///
    /// # Errors
    /// `Conflict` once this attempt is over.
    pub async fn log(&self, level: &str, message: &str) -> Result<()> {
        self.attempt.log(level, message).await
    }

    /// The last checkpoint, by this attempt or an earlier one.
    pub fn checkpoint(&self) -> Option<Payload> {
        self.attempt.checkpoint()
    }

    /// Saves a state that a later attempt can go on from.
    ///
    /// # Errors
    /// `Invalid` for more than 1 MiB; `Conflict` once this attempt is over.
    pub async fn save_checkpoint(&self, state: Payload) -> Result<()> {
        self.attempt.save_checkpoint(state)?.await
    }
}
