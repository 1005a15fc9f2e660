//! A store under test, with a clock of its own and short ways to ask it things.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bursar_core::{
    AttemptEnd, Batch, Cancel, Cancelled, Claim, Claimed, Count, Deletion, End, ErrorKind, Failure,
    Fenced, Finish, FinishedAttempt, Get, JobFilter, JobId, JobInfo, List, Listed, NewJob, Next,
    Note, NoteKind, Order, OutcomeKind, Payload, Promote, Promoted, Prune, Pruned, Ref, Spec,
    State, Store, Submit, Submitted, Tally, Timestamp,
};

/// What a store under test is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long an ended job is kept where its task doesn't say.
    pub result_ttl: Duration,
    /// How many completed and cancelled jobs are kept, and how many failed ones beside them. Only
    /// a store that ends with its process has such a bound.
    pub max_results: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            result_ttl: Duration::from_secs(3_600),
            max_results: 10_000,
        }
    }
}

/// What makes an empty store.
pub type Maker<'a> = &'a dyn Fn(Settings) -> Arc<dyn Store>;

/// What makes an empty store and opens it twice, as two processes do.
pub type Opener<'a> = &'a dyn Fn(Settings) -> (Arc<dyn Store>, Arc<dyn Store>);

/// A store under test. Its clock starts in the year 2026 and stands still until it is moved.
#[derive(Debug)]
pub struct Probe {
    /// The store itself.
    pub store: Arc<dyn Store>,
    now: AtomicU64,
}

/// The first moment of a probe's clock: 2026-01-01T00:00:00Z.
const START: u64 = 1_767_225_600_000_000;

impl Probe {
    /// An empty store.
    #[must_use]
    pub fn new(make: Maker<'_>) -> Self {
        Self::with(make, Settings::default())
    }

    /// An empty store with these settings.
    #[must_use]
    pub fn with(make: Maker<'_>, settings: Settings) -> Self {
        Self::on(make(settings))
    }

    /// A store that is there.
    #[must_use]
    pub fn on(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            now: AtomicU64::new(START),
        }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.now.load(Ordering::SeqCst))
    }

    /// The time so many seconds from now.
    pub fn in_seconds(&self, seconds: u64) -> Timestamp {
        self.now().after(Duration::from_secs(seconds))
    }

    /// Moves the clock.
    pub fn advance(&self, by: Duration) {
        self.now.fetch_add(by.as_micros() as u64, Ordering::SeqCst);
    }

    /// Moves the clock so many seconds.
    pub fn pass(&self, seconds: u64) {
        self.advance(Duration::from_secs(seconds));
    }

    /// Submits jobs together.
    pub fn submit(&self, jobs: impl IntoIterator<Item = NewJob>) -> Batch<Submitted> {
        let jobs = jobs.into_iter().collect();
        let now = self.now();
        self.store.submit(Submit { now, jobs }).wait().unwrap()
    }

    /// Submits one job.
    pub fn add(&self, job: NewJob) -> Submitted {
        self.submit([job])[0]
    }

    /// Claims jobs by their sequence numbers.
    pub fn claim(&self, sequences: &[u64]) -> Vec<Claimed> {
        let request = Claim {
            now: self.now(),
            worker: "worker-1".into(),
            jobs: sequences.iter().copied().collect(),
        };
        self.store.claim(request).wait().unwrap()
    }

    /// Claims one job that must be there to claim; gives the number of the attempt.
    pub fn start(&self, sequence: u64) -> u32 {
        let claimed = self.claim(&[sequence]);
        assert_eq!(claimed.len(), 1, "job {sequence} could not be claimed");
        claimed[0].attempt
    }

    /// Submits and claims a job.
    pub fn running(&self, job: NewJob) -> Submitted {
        let job = self.add(job);
        self.start(job.sequence);
        job
    }

    /// Ends an attempt.
    pub fn finish(&self, sequence: u64, attempt: u32, end: AttemptEnd, next: Next) -> Fenced {
        let ended = FinishedAttempt {
            sequence,
            attempt,
            end: End::from(end),
            next,
        };
        self.finish_all([ended])[0]
    }

    /// Ends attempts together.
    pub fn finish_all(&self, attempts: impl IntoIterator<Item = FinishedAttempt>) -> Batch<Fenced> {
        let attempts = attempts.into_iter().collect();
        let now = self.now();
        self.store.finish(Finish { now, attempts }).wait().unwrap()
    }

    /// Ends an attempt that must be the one that runs.
    pub fn end(&self, sequence: u64, attempt: u32, next: Next) {
        let fenced = self.finish(sequence, attempt, end_for(next), next);
        assert_eq!(fenced, Fenced::Applied, "job {sequence} attempt {attempt}");
    }

    /// Submits, claims and ends a job in this terminal state.
    pub fn ended(&self, job: NewJob, state: State) -> Submitted {
        let job = self.add(job);
        let attempt = self.start(job.sequence);
        self.end(job.sequence, attempt, Next::End(state));
        job
    }

    /// Writes a note of an attempt.
    pub fn note(&self, sequence: u64, attempt: u32, kind: NoteKind) -> Fenced {
        let request = Note {
            now: self.now(),
            sequence,
            attempt,
            kind,
        };
        self.store.note(request).wait().unwrap()
    }

    /// Cancels a job.
    pub fn cancel(&self, id: JobId) -> Cancelled {
        let request = Cancel {
            now: self.now(),
            id,
            end: cancelled("not needed").into(),
        };
        self.store.cancel(request).wait().unwrap()
    }

    /// Looks at what time has brought, without a bound.
    pub fn promote(&self) -> Promoted {
        self.promote_at_most(usize::MAX)
    }

    /// Looks at what time has brought.
    pub fn promote_at_most(&self, limit: usize) -> Promoted {
        let now = self.now();
        self.store.promote(Promote { now, limit }).wait().unwrap()
    }

    /// Retries a dead letter; the kind of error where that is refused.
    pub fn retry(&self, id: JobId) -> Result<Submitted, ErrorKind> {
        let request = Ref {
            now: self.now(),
            id,
        };
        let reply = self.store.retry(request).wait();
        reply.map_err(|error| error.kind())
    }

    /// Deletes a job.
    pub fn delete(&self, id: JobId) -> Deletion {
        let request = Ref {
            now: self.now(),
            id,
        };
        self.store.delete(request).wait().unwrap()
    }

    /// Reads a job with its log, if it is there.
    pub fn find(&self, id: JobId) -> Option<JobInfo> {
        let request = Get {
            now: self.now(),
            id,
            logs: true,
        };
        self.store.get(request).wait().unwrap()
    }

    /// Reads a job that must be there.
    pub fn get(&self, id: JobId) -> JobInfo {
        self.find(id).unwrap_or_else(|| panic!("no job {id}"))
    }

    /// The state of a job that must be there.
    pub fn state(&self, id: JobId) -> State {
        self.get(id).state
    }

    /// Reads a page.
    pub fn page(&self, request: List) -> Listed {
        self.store.list(request).wait().unwrap()
    }

    /// Every job that matches, oldest first.
    pub fn list(&self, filter: JobFilter) -> Vec<JobInfo> {
        let request = List {
            filter,
            ..everything(usize::MAX)
        };
        self.page(request).jobs
    }

    /// Counts the jobs that match.
    pub fn count(&self, filter: JobFilter) -> u64 {
        self.store.count(Count { filter }).wait().unwrap()
    }

    /// How many jobs are in each state.
    pub fn tally(&self) -> Tally {
        self.store.tally().wait().unwrap()
    }

    /// Forgets what is past its time, without a bound.
    pub fn prune(&self) -> Pruned {
        self.prune_at_most(usize::MAX)
    }

    /// Forgets what is past its time.
    pub fn prune_at_most(&self, limit: usize) -> Pruned {
        let now = self.now();
        self.store.prune(Prune { now, limit }).wait().unwrap()
    }

    /// What nobody may be able to change by a write that matches nothing: all there is to see.
    pub fn all(&self) -> Vec<String> {
        let jobs = self.list(JobFilter::default());
        let seen = jobs.iter().map(|job| super::view(&self.get(job.id)));
        seen.chain([format!("{:?}", self.tally())]).collect()
    }
}

/// A page of every job, oldest first.
#[must_use]
pub(super) fn everything(limit: usize) -> List {
    List {
        filter: JobFilter::default(),
        order: Order::Oldest,
        limit,
        offset: 0,
        after: None,
    }
}

/// The declared part of a job that says nothing but its task.
#[must_use]
pub(super) fn spec(task: &str) -> Spec {
    Spec {
        task: task.into(),
        priority: bursar_core::Priority::default(),
        demand: bursar_core::Demand::default(),
        limits: bursar_core::Limits::NONE,
        sandbox: None,
        executor: bursar_core::ExecutorKind::default(),
        retry: bursar_core::RetryPolicy::default(),
        timeout: None,
        expires: None,
        result_ttl: None,
    }
}

/// A job with this declared part and nothing else.
#[must_use]
pub(super) fn job_of(spec: Spec) -> NewJob {
    NewJob {
        spec: Arc::new(spec),
        args: Payload::Null,
        unique: None,
        due: None,
        worker: None,
    }
}

/// A plain job.
#[must_use]
pub fn job() -> NewJob {
    job_of(spec("plain"))
}

/// A job that is due then.
#[must_use]
pub fn due_at(due: Timestamp) -> NewJob {
    NewJob {
        due: Some(due),
        ..job()
    }
}

/// A job with this unique key.
#[must_use]
pub fn keyed(key: &str) -> NewJob {
    NewJob {
        unique: Some(key.into()),
        ..job()
    }
}

/// A job that must start within so many seconds.
#[must_use]
pub fn expiring(seconds: u64) -> NewJob {
    job_of(Spec {
        expires: Some(Duration::from_secs(seconds)),
        ..spec("expiring")
    })
}

/// A job whose result is kept so many seconds.
#[must_use]
pub(super) fn kept_for(seconds: u64) -> NewJob {
    job_of(Spec {
        result_ttl: Some(Duration::from_secs(seconds)),
        ..spec("kept")
    })
}

/// An end by a failure that says `message`.
#[must_use]
pub(super) fn failed(message: &str) -> AttemptEnd {
    AttemptEnd::failed(OutcomeKind::Failed, Failure::new("ValueError", message))
}

/// An end by request.
#[must_use]
pub(super) fn cancelled(message: &str) -> AttemptEnd {
    AttemptEnd::failed(OutcomeKind::Cancelled, Failure::new("Cancelled", message))
}

/// The end that an engine would record before `next`.
#[must_use]
pub(super) fn end_for(next: Next) -> AttemptEnd {
    match next {
        Next::End(State::Completed) => AttemptEnd::completed(Payload::json(*b"42")),
        Next::End(State::Cancelled) => cancelled("asked to"),
        Next::End(_) | Next::Retry(_) => failed("it broke"),
        Next::Snooze(_) => {
            AttemptEnd::failed(OutcomeKind::Snoozed, Failure::new("Retry", "not ready"))
        }
        Next::Requeue => AttemptEnd::new(OutcomeKind::Released),
    }
}
