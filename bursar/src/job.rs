//! One submitted call: what a caller can do with it.

mod error;
mod events;
mod result;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use bursar_core::{Accepted, JobId, JobInfo, LogLine, Progress, Reply, State, Ticket, Why};

use crate::engine::Engine;

pub use error::{JobError, JobFailure};
pub use events::JobEvents;

/// A submitted call that gives a `T`. Clones are handles on the same job, and dropping them
/// leaves the job alone.
pub struct Job<T> {
    engine: Engine,
    ticket: Arc<Ticket>,
    deduplicated: bool,
    output: PhantomData<fn() -> T>,
}

impl<T> Job<T> {
    pub(crate) fn new(engine: &Engine, ticket: Arc<Ticket>, deduplicated: bool) -> Self {
        Self {
            engine: engine.clone(),
            ticket,
            deduplicated,
            output: PhantomData,
        }
    }

    pub(crate) fn accepted(engine: &Engine, accepted: Accepted) -> Self {
        Self::new(engine, accepted.ticket, accepted.deduplicated)
    }

    /// Its id.
    pub fn id(&self) -> JobId {
        self.ticket.id()
    }

    /// Whether the submit found this job under its unique key, instead of making a new one.
    pub fn deduplicated(&self) -> bool {
        self.deduplicated
    }

    /// The same job with a result of another type.
    pub fn typed<U>(self) -> Job<U> {
        Job::new(&self.engine, self.ticket, self.deduplicated)
    }

    /// Whether it has ended.
    pub fn done(&self) -> bool {
        self.ticket.is_done()
    }

    /// Its state.
    pub fn state(&self) -> Reply<State> {
        match self.ticket.outcome() {
            Some(end) => Reply::ok(end.state),
            None => self.info().map(|info| info.state),
        }
    }

    /// A snapshot of it.
    ///
    /// # Errors
    /// The reply is `NotFound` once the store has forgotten it.
    pub fn info(&self) -> Reply<JobInfo> {
        self.engine.core().info(self.id(), false)
    }

    /// How far it says it has come, if it does.
    ///
    /// # Errors
    /// As [`info`](Self::info).
    pub fn progress(&self) -> Reply<Option<Progress>> {
        self.info().map(|info| info.progress)
    }

    /// What it logged: the last 1,000 lines, oldest first.
    ///
    /// # Errors
    /// As [`info`](Self::info).
    pub fn logs(&self) -> Reply<Vec<LogLine>> {
        let reply = self.engine.core().info(self.id(), true);
        reply.map(|info| info.logs)
    }

    /// Why it isn't running.
    ///
    /// # Errors
    /// As [`info`](Self::info).
    pub fn why(&self) -> Reply<Why> {
        self.engine.core().why(self.id())
    }

    /// Cancels it: at once where it waits, by asking where it runs. `false` if it had ended.
    ///
    /// # Errors
    /// The reply is `NotFound` once the store has forgotten it.
    pub fn cancel(&self) -> Reply<bool> {
        self.cancel_because("")
    }

    /// Cancels it and says why.
    ///
    /// # Errors
    /// As [`cancel`](Self::cancel).
    pub fn cancel_because(&self, reason: &str) -> Reply<bool> {
        self.engine.core().cancel(self.id(), reason)
    }

    /// Cancels it, and ends its process at once, without `grace`, where it has one here. `false` if it
    /// had ended.
    ///
    /// # Errors
    /// As [`cancel`](Self::cancel).
    pub fn kill(&self) -> Reply<bool> {
        self.engine.core().kill(self.id(), "")
    }

    /// Freezes it, where it runs here in a process of its own; `false` where it was paused already. It
    /// keeps what it reserved, and the time until [`resume`](Self::resume) doesn't count to its timeout.
    ///
    /// # Errors
    /// The reply is `Conflict` where it doesn't run in this process's engine; `Invalid` where it runs on
    /// a thread or a runtime.
    pub fn pause(&self) -> Reply<bool> {
        self.engine.core().pause(self.id())
    }

    /// Lets it go on; `false` where it wasn't paused.
    ///
    /// # Errors
    /// The reply is `Conflict` where it doesn't run in this process's engine.
    pub fn resume(&self) -> Reply<bool> {
        self.engine.core().resume(self.id())
    }

    /// Deletes it, once it has ended.
    ///
    /// # Errors
    /// The reply is `Conflict` before that, `NotFound` where it is gone already.
    pub fn delete(&self) -> Reply<()> {
        self.engine.core().delete(self.id())
    }

    /// What happens to it from now on, until it has ended.
    pub fn events(&self) -> JobEvents {
        let events = self.engine.core().events(Some(self.id()));
        JobEvents::new(events, Arc::clone(&self.ticket))
    }
}

impl<T: 'static> Job<T> {
    /// Submits it again where it has failed, as a new job linked to this one.
    ///
    /// # Errors
    /// The reply is `Conflict` where it hasn't failed, `NotFound` where it is forgotten.
    pub fn retry(&self) -> Reply<Job<T>> {
        let engine = self.engine.clone();
        let reply = self.engine.core().retry(self.id());
        reply.map(move |accepted| Job::accepted(&engine, accepted))
    }
}

impl<T> Clone for Job<T> {
    fn clone(&self) -> Self {
        Self::new(&self.engine, Arc::clone(&self.ticket), self.deduplicated)
    }
}

impl<T> fmt::Debug for Job<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.id())
            .field("done", &self.done())
            .finish_non_exhaustive()
    }
}
