use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, OnceLock};

use bursar_core::{Assignment, Attempt, Ended, Executor, Failure, JobId, Payload, Reporter};
use parking_lot::{Condvar, Mutex};

use crate::PATIENCE;

/// An executor that runs nothing: the test sees what was started, and says how it ends.
#[derive(Debug, Default)]
pub struct Script {
    seen: Mutex<Seen>,
    changed: Condvar,
    reporter: OnceLock<Reporter>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Started, and not yet taken by the test.
    started: VecDeque<Assignment>,
    total: usize,
    asked: Vec<u64>,
    freezing: Freezing,
    frozen: bool,
    closed: bool,
}

/// What a freeze does; none: nothing can be frozen.
#[derive(Default)]
struct Freezing(Option<Box<dyn FnOnce() -> bool + Send>>);

impl fmt::Debug for Freezing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Freezing").field(&self.0.is_some()).finish()
    }
}

impl Script {
    /// The next attempt that is started.
    ///
    /// # Panics
    /// Where none is within [`PATIENCE`].
    pub fn next(&self) -> Arc<Attempt> {
        self.next_assignment().attempt
    }

    /// The next attempt that is started, with its arguments.
    ///
    /// # Panics
    /// Where none is within [`PATIENCE`].
    pub fn next_assignment(&self) -> Assignment {
        let mut seen = self.seen.lock();
        loop {
            if let Some(assignment) = seen.started.pop_front() {
                return assignment;
            }
            let waited = self.changed.wait_for(&mut seen, PATIENCE);
            assert!(!waited.timed_out(), "nothing was started");
        }
    }

    /// The next attempt, if one was started.
    pub fn take(&self) -> Option<Arc<Attempt>> {
        let assignment = self.seen.lock().started.pop_front();
        assignment.map(|assignment| assignment.attempt)
    }

    /// Ends the attempt of this job as cancelled, if it was started and nobody has taken it.
    pub(crate) fn end_job(&self, job: JobId) {
        let found = {
            let mut seen = self.seen.lock();
            let mut started = seen.started.iter();
            let index = started.position(|one| one.attempt.job() == job);
            let found = index.and_then(|index| seen.started.remove(index));
            seen.total -= usize::from(found.is_some());
            found
        };
        if let Some(Assignment { attempt, .. }) = found {
            self.end(&attempt, Ended::Cancelled("a probe".into()));
        }
    }

    /// How many attempts were started in all.
    pub fn total(&self) -> usize {
        self.seen.lock().total
    }

    /// Whether this attempt was asked to stop.
    pub fn was_asked(&self, attempt: &Attempt) -> bool {
        self.seen.lock().asked.contains(&attempt.key())
    }

    /// Sets what the next freeze does; it says whether it could freeze anything.
    pub fn freeze_by(&self, freeze: impl FnOnce() -> bool + Send + 'static) {
        self.seen.lock().freezing = Freezing(Some(Box::new(freeze)));
    }

    /// Whether anything was frozen and hasn't thawed.
    pub fn is_frozen(&self) -> bool {
        self.seen.lock().frozen
    }

    /// Whether the engine has let go of it.
    pub fn is_closed(&self) -> bool {
        self.seen.lock().closed
    }

    /// Ends an attempt.
    pub fn end(&self, attempt: &Arc<Attempt>, ended: Ended) {
        self.end_all([(Arc::clone(attempt), ended)]);
    }

    /// Ends attempts together.
    pub fn end_all(&self, ended: impl IntoIterator<Item = (Arc<Attempt>, Ended)>) {
        if let Some(reporter) = self.reporter.get() {
            reporter.finish(ended);
        }
    }

    /// Ends an attempt with a result.
    pub fn complete(&self, attempt: &Arc<Attempt>) {
        self.end(attempt, Ended::Returned(Payload::json(*b"true")));
    }

    /// Ends an attempt with a failure that may be retried.
    pub fn fail(&self, attempt: &Arc<Attempt>) {
        let failure = Failure::new("ValueError", "it broke");
        self.end(attempt, Ended::Raised(failure));
    }
}

impl Executor for Script {
    fn attach(&self, reporter: Reporter) {
        // A script belongs to one engine.
        let _ = self.reporter.set(reporter);
    }

    fn start(&self, assignment: Assignment) {
        let mut seen = self.seen.lock();
        seen.total += 1;
        seen.started.push_back(assignment);
    }

    fn flush(&self) {
        self.changed.notify_all();
    }

    fn is_hungry(&self) -> bool {
        true
    }

    fn stop(&self, attempt: &Arc<Attempt>) {
        self.seen.lock().asked.push(attempt.key());
        self.changed.notify_all();
    }

    fn freeze(&self, _: &Arc<Attempt>) -> bool {
        let freezing = std::mem::take(&mut self.seen.lock().freezing);
        let frozen = freezing.0.is_some_and(|freeze| freeze());
        self.seen.lock().frozen = frozen;
        frozen
    }

    fn thaw(&self, _: &Arc<Attempt>) {
        self.seen.lock().frozen = false;
    }

    fn close(&self) {
        self.seen.lock().closed = true;
    }
}
