//! Waiting for a job and reading what it gave.

use std::time::Duration;

use bursar_core::{Final, JobContext, Result, SlotPause, State};
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
        self.read(end)
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
    }

    /// What it gives: blocks this thread until it has ended. For code that isn't asynchronous.
    ///
    /// # Errors
    /// As [`result`](Self::result).
    pub fn wait(&self) -> Result<T, JobError> {
        let end = self.block(None)?;
        self.read(end.ok_or_else(unended)?)
    }

    /// As [`wait`](Self::wait), for at most `timeout`; the job goes on after that.
    ///
    /// # Errors
    /// As [`result_timeout`](Self::result_timeout).
    pub fn wait_timeout(&self, timeout: impl Into<DurationValue>) -> Result<T, JobError> {
        let timeout = timeout.into().resolve("timeout")?;
        let end = self.block(Some(timeout))?;
        self.read(end.ok_or(JobError::Elapsed(timeout))?)
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

    fn read(&self, end: Final) -> Result<T, JobError> {
        if end.state == State::Completed {
            Ok(json::decode("the result", &end.end.result)?)
        } else {
            Err(JobError::of(self.id(), end.end))
        }
    }
}

impl<T> Job<T> {
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
