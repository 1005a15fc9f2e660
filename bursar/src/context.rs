//! What a running job can ask about itself and say of itself.

use std::time::Duration;

use bursar_core::{Attempt, Error, JobContext as Core, JobId, Reply, Result, Tick};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::json;
use crate::verdict::Cancel;

/// The running job, as its own code sees it.
///
/// ```
/// use bursar::JobContext;
///
/// #[bursar::task(timeout = "5m")]
/// async fn import(rows: u32) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
///     let job = JobContext::current()?;
///     let done = job.checkpoint::<u32>()?.unwrap_or(0);
///     for row in done..rows {
///         job.raise_if_cancelled()?;
///         job.progress(100.0 * f64::from(row) / f64::from(rows), None).await?;
///         job.save_checkpoint(&row).await?;
///     }
///     job.log(&format!("{rows} rows in attempt {}", job.attempt())).await?;
///     Ok(rows)
/// }
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// # let engine = bursar::Engine::open("memory:").start().await?;
/// # assert_eq!(engine.submit(import::call(3)).await?.result().await?, 3);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct JobContext {
    core: Core,
}

impl JobContext {
    /// The job that runs here: in a task itself, not in what it spawns.
    ///
    /// # Errors
    /// `Conflict` outside of a job.
    pub fn current() -> Result<Self> {
        Core::current().map(|core| Self { core })
    }

    /// The job that runs here, if any.
    pub fn try_current() -> Option<Self> {
        Core::try_current().map(|core| Self { core })
    }

    fn running(&self) -> &Attempt {
        self.core.attempt()
    }

    /// The id of the job: the idempotency key to pass on to what it calls.
    pub fn id(&self) -> JobId {
        self.core.id()
    }

    /// The number of the attempt, from 1.
    pub fn attempt(&self) -> u32 {
        self.core.number()
    }

    /// The name of the task.
    pub fn task(&self) -> &str {
        self.core.task()
    }

    /// The bytes of memory that are reserved for it.
    pub fn memory(&self) -> u64 {
        self.core.memory()
    }

    /// When its timeout is over, on the engine's monotonic clock; `None` where it has none.
    pub fn deadline(&self) -> Option<Tick> {
        self.running().deadline()
    }

    /// How long until its timeout; `None` where it has none.
    pub fn time_left(&self) -> Option<Duration> {
        self.core.time_left()
    }

    /// Whether it is asked to stop: cancelled, out of time, or the engine shuts down.
    pub fn cancelled(&self) -> bool {
        self.core.cancelled()
    }

    /// Waits until it is asked to stop.
    pub async fn stopped(&self) {
        self.core.stopped().await;
    }

    /// An error to leave with, once the job is asked to stop.
    ///
    /// # Errors
    /// [`Cancel`], with what the job was told.
    pub fn raise_if_cancelled(&self) -> Result<(), Cancel> {
        let stop = self.running().stopped();
        stop.map_or(Ok(()), |stop| Err(Cancel::new(&*stop.reason)))
    }

    /// Says how far it has come, in percent.
    ///
    /// # Errors
    /// The reply is `Invalid` outside 0 to 100, `Conflict` once this attempt is over.
    pub fn progress<'a>(&self, percent: f64, message: impl Into<Option<&'a str>>) -> Reply<()> {
        flat(self.running().progress(percent, message.into()))
    }

    /// Logs a line of level `info`.
    ///
    /// # Errors
    /// The reply is `Conflict` once this attempt is over.
    pub fn log(&self, message: &str) -> Reply<()> {
        self.log_at("info", message)
    }

    /// Logs a line of another level.
    ///
    /// # Errors
    /// The reply is `Conflict` once this attempt is over.
    pub fn log_at(&self, level: &str, message: &str) -> Reply<()> {
        self.running().log(level, message)
    }

    /// The last checkpoint, by this attempt or an earlier one; `None` where there is none.
    ///
    /// # Errors
    /// `Invalid` where it is not an `S`.
    pub fn checkpoint<S: DeserializeOwned>(&self) -> Result<Option<S>> {
        let last = self.running().checkpoint();
        last.map(|payload| json::decode("the checkpoint", &payload))
            .transpose()
    }

    /// Saves a state that a later attempt can go on from.
    ///
    /// # Errors
    /// The reply is `Invalid` for more than 1 MiB or what JSON can't carry, `Conflict` once this
    /// attempt is over.
    pub fn save_checkpoint<S: Serialize + ?Sized>(&self, state: &S) -> Reply<()> {
        let payload = json::encode("the checkpoint", state);
        flat(payload.and_then(|payload| self.running().save_checkpoint(payload)))
    }
}

fn flat(reply: Result<Reply<()>, Error>) -> Reply<()> {
    reply.unwrap_or_else(|error| Reply::now(Err(error)))
}
