//! Freezing what runs, and letting it go on; and ending it at once.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Tick;
use crate::engine::attempt::Attempt;
use crate::engine::driver::Due;
use crate::engine::inner::Inner;
use crate::error::{Error, Result};
use crate::id::JobId;
use crate::state::State;
use crate::store::Reply;

/// How long an attempt has stood still.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pauses {
    /// Since when it does, if it does.
    since: Option<Tick>,
    /// What is over.
    over: Duration,
}

impl Attempt {
    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        self.pauses.lock().since.is_some()
    }

    /// How long it has been paused, as far as that is over.
    pub(super) fn paused_for(&self) -> Duration {
        self.pauses.lock().over
    }

    /// Stops it by `freeze`, which says whether it can; `None` where it was paused already. Nobody lets it
    /// go on meanwhile, or takes it for one that runs.
    fn pause(&self, now: Tick, freeze: impl FnOnce() -> bool) -> Option<bool> {
        let mut pauses = self.pauses.lock();
        if pauses.since.is_some() {
            return None;
        }
        let frozen = freeze();
        pauses.since = frozen.then_some(now);
        Some(frozen)
    }

    /// Lets it go on by `thaw`; `false` where it was not paused.
    fn resume(&self, now: Tick, thaw: impl FnOnce()) -> bool {
        let mut pauses = self.pauses.lock();
        let Some(since) = pauses.since.take() else {
            return false;
        };
        thaw();
        pauses.over += now.since(since);
        true
    }
}

impl Inner {
    /// Freezes a job that runs here in processes of its own. The time until it goes on doesn't count to
    /// its timeout. `false` where it was paused already.
    pub(crate) fn pause(&self, id: JobId) -> Reply<bool> {
        self.at(id, |inner, attempt| {
            let executor = inner.executor_of(attempt);
            let freeze = || executor.is_some_and(|executor| executor.freeze(attempt));
            match attempt.pause(inner.tick(), freeze) {
                None => Ok(false),
                Some(true) => Ok(true),
                Some(false) if inner.after(attempt).is_some() => Err(not_begun(attempt)),
                Some(false) => Err(cannot_be_paused(attempt)),
            }
        })
    }

    /// Lets a paused job go on. `false` where it wasn't paused.
    pub(crate) fn resume(&self, id: JobId) -> Reply<bool> {
        self.at(id, |inner, attempt| {
            let executor = inner.executor_of(attempt);
            let thaw = || {
                if let Some(executor) = executor {
                    executor.thaw(attempt);
                }
            };
            if !attempt.resume(inner.tick(), thaw) {
                return Ok(false);
            }
            if let Some(deadline) = attempt.deadline() {
                inner.driver.watch(deadline, attempt.key(), Due::Timeout);
            }
            Ok(true)
        })
    }

    /// Cancels a job, and ends it by force at once where it runs here and that can be done. `true` if it
    /// had not ended.
    pub(crate) fn kill(&self, id: JobId, reason: &str) -> Reply<bool> {
        let reason = if reason.is_empty() {
            "it was killed"
        } else {
            reason
        };
        let this = self.this.clone();
        self.cancel(id, reason).then(move |cancelled| {
            let inner = this.upgrade().filter(|_| cancelled);
            if let Some(attempt) = inner.as_ref().and_then(|inner| inner.runs(id))
                && let Some(executor) = inner.as_ref().and_then(|inner| inner.executor_of(&attempt))
            {
                // What can't be killed is asked, and given up on after its grace.
                executor.kill(&attempt);
            }
            Reply::ok(cancelled)
        })
    }

    /// Does something with the attempt of a job that runs here.
    ///
    /// # Errors
    /// The reply is `NotFound` where there is no such job, `Conflict` where it doesn't run here.
    fn at(
        &self,
        id: JobId,
        then: impl FnOnce(&Self, &Arc<Attempt>) -> Result<bool>,
    ) -> Reply<bool> {
        if let Some(attempt) = self.runs(id) {
            return Reply::now(then(self, &attempt));
        }
        self.info(id, false).then(move |info| {
            let message = match info.state {
                State::Running => format!("job {id} runs in another process: ask there"),
                state => format!("job {id} is {state}: it doesn't run"),
            };
            Reply::now(Err(Error::conflict(message)))
        })
    }

    /// The attempt of a job that runs here.
    pub(super) fn runs(&self, id: JobId) -> Option<Arc<Attempt>> {
        let dispatch = self.dispatch.lock();
        let mut running = dispatch.running.iter().map(|(_, attempt)| attempt);
        let found = running
            .find(|attempt| attempt.job() == id && attempt.has_begun() && !attempt.is_closed());
        found.cloned()
    }
}

fn not_begun(attempt: &Attempt) -> Error {
    let job = attempt.job();
    Error::conflict(format!(
        "job {job} can't be paused yet: it begins when the job before it in its process ends; ask again then"
    ))
}

fn cannot_be_paused(attempt: &Attempt) -> Error {
    let job = attempt.job();
    let kind = attempt
        .ticket
        .plan()
        .map(|plan| plan.spec().executor)
        .unwrap_or_default();
    let why = match kind.is_isolated() {
        true => format!(
            "{} can't freeze processes: cancel it, or have it run on Linux or macOS",
            std::env::consts::OS
        ),
        false => format!("only what runs in a process of its own can, and it runs as {kind}"),
    };
    Error::invalid(format!("job {job} can't be paused: {why}"))
}
