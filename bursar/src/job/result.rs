//! Waiting for a job and reading what it gave.

use std::time::Duration;

use bursar_core::{
    Error, Final, JobContext, Payload, Reply, Result, SlotPause, SpillReader, State,
};
use serde::de::DeserializeOwned;

use crate::job::{Job, JobError};
use crate::json;
use crate::values::DurationValue;

impl<T: DeserializeOwned> Job<T> {
    /// What it gives, once it has ended. Inside another job, that one's slot is given back
    /// meanwhile (its memory stays reserved), so that waiting can't use up the pool.
    ///
    /// # Errors
    /// How it ended, if not well. `Bursar` where the result is no `T`, or where waiting inside a
    /// job would never end.
    pub async fn result(&self) -> Result<T, JobError> {
        let end = self.end().await?;
        self.read(end).await
    }

    /// What it gives, if it ends within `timeout`; the job goes on otherwise. The caller's
    /// runtime must have its time driver on.
    ///
    /// # Errors
    /// As [`result`](Self::result), and `Elapsed`.
    pub async fn result_timeout(&self, timeout: impl Into<DurationValue>) -> Result<T, JobError> {
        let timeout = timeout.into().resolve("timeout")?;
        let end = {
            // The timer is the runtime's, whatever executor polls it.
            let waiting = {
                let _inside = self.engine.shared().runtime.handle().enter();
                tokio::time::timeout(timeout, self.end())
            };
            waiting.await
        };
        self.read(end.map_err(|_| JobError::Elapsed(timeout))??)
            .await
    }

    /// What it gives: blocks this thread until it has ended. For code that isn't asynchronous.
    ///
    /// # Errors
    /// As [`result`](Self::result).
    pub fn wait(&self) -> Result<T, JobError> {
        let end = self.block(None)?;
        self.read_here(end.ok_or_else(unended)?)
    }

    /// As [`wait`](Self::wait), for at most `timeout`; the job goes on after that.
    ///
    /// # Errors
    /// As [`result_timeout`](Self::result_timeout).
    pub fn wait_timeout(&self, timeout: impl Into<DurationValue>) -> Result<T, JobError> {
        let timeout = timeout.into().resolve("timeout")?;
        let end = self.block(Some(timeout))?;
        self.read_here(end.ok_or(JobError::Elapsed(timeout))?)
    }

    /// Reads what it gave, on a thread that may wait for the disk where that is in a file.
    async fn read(&self, end: Final) -> Result<T, JobError> {
        let mut result = self.completed(end)?;
        if result.as_spilled().is_some() {
            let reading = self.engine.shared().runtime.handle();
            let reading = reading.spawn_blocking(move || result.read());
            result = reading.await.map_err(|_| Error::closed())??;
        }
        Ok(json::decode("the result", &result)?)
    }

    fn read_here(&self, end: Final) -> Result<T, JobError> {
        let result = self.completed(end)?.read()?;
        Ok(json::decode("the result", &result)?)
    }
}

impl<T> Job<T> {
    /// Opens what it gives, once it has ended, to be read a piece at a time as JSON text: for results that
    /// are too large to be held in memory at once. What is over 10 MB is read from its file, which is
    /// there as long as the job, and checked against its checksum at the end. Reading blocks the thread.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// # let engine = bursar::Engine::open("memory:").start().await?;
    /// use std::io::Read;
    ///
    /// let lines = engine.task("lines").run(|count: usize| async move { "line\n".repeat(count) })?;
    /// let job = lines.call(3_000_000).await?;
    /// let mut reader = job.open_result().await?;
    /// assert_eq!(reader.size(), 18_000_002);
    /// let mut beginning = [0; 7];
    /// reader.read_exact(&mut beginning)?;
    /// assert_eq!(&beginning, br#""line\n"#);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// How it ended, if not well. `Bursar` with `NotFound` where the file is gone, with `Unavailable` where
    /// it is damaged; both name it.
    pub async fn open_result(&self) -> Result<SpillReader, JobError> {
        let end = self.end().await?;
        Ok(self.completed(end)?.open()?)
    }

    /// As [`open_result`](Self::open_result): blocks this thread until it has ended.
    ///
    /// # Errors
    /// As [`open_result`](Self::open_result).
    pub fn wait_open(&self) -> Result<SpillReader, JobError> {
        let end = self.block(None)?.ok_or_else(unended)?;
        Ok(self.completed(end)?.open()?)
    }

    /// What a command has written as `stdout` or `stderr`, as bytes, to be read a piece at a time: it needs
    /// no more memory however much that is. Of several attempts, that of the newest one which wrote
    /// something.
    ///
    /// # Errors
    /// The reply is `NotFound` where the job is no command or has not ended, for another name, or where the
    /// file is gone; reading fails where that is damaged.
    pub fn open_output(&self, name: &str) -> Reply<SpillReader> {
        let reply = self.engine.core().output(self.id(), name);
        reply.then(|output| Reply::now(output.open()))
    }

    async fn end(&self) -> Result<Final> {
        if let Some(end) = self.ticket.outcome() {
            return Ok(end);
        }
        let _pause = self.give_slot_back()?;
        Ok(self.ticket.wait_async().await)
    }

    fn block(&self, timeout: Option<Duration>) -> Result<Option<Final>> {
        if let Some(end) = self.ticket.outcome() {
            return Ok(Some(end));
        }
        let _pause = self.give_slot_back()?;
        Ok(self.ticket.wait(timeout))
    }

    fn completed(&self, end: Final) -> Result<Payload, JobError> {
        if end.state == State::Completed {
            Ok(end.end.result.clone())
        } else {
            Err(JobError::of(self.id(), end.end))
        }
    }

    /// Gives the slot of the job that runs here back, if one does.
    fn give_slot_back(&self) -> Result<Option<SlotPause>> {
        let current = JobContext::try_current();
        let pause = current.map(|job| SlotPause::begin(job.attempt(), &self.ticket));
        pause.transpose()
    }
}

fn unended() -> bursar_core::Error {
    bursar_core::Error::new(
        bursar_core::ErrorKind::Internal,
        "a wait without end has ended",
    )
}
