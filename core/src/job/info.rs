//! One snapshot of a job: the same fields in every language.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::JobId;
use crate::job::Spec;
use crate::limits::Isolation;
use crate::outcome::{Failure, OutcomeKind};
use crate::payload::Payload;
use crate::sandbox::SandboxParts;
use crate::spill::Output;
use crate::state::State;

/// How far a running job says it has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// From 0 to 100.
    pub percent: f64,
    /// What it is doing.
    pub message: Option<Arc<str>>,
}

/// One line that a task logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When.
    pub at: Timestamp,
    /// The attempt that logged it.
    pub attempt: u32,
    /// Such as `info`.
    pub level: Arc<str>,
    /// The text.
    pub message: Arc<str>,
}

/// One attempt of a job.
#[derive(Clone, Debug)]
pub struct AttemptInfo {
    /// From 1.
    pub number: u32,
    /// The worker that ran it.
    pub worker: Arc<str>,
    /// When it was started.
    pub started: Timestamp,
    /// When it ended, where it has.
    pub finished: Option<Timestamp>,
    /// What it ended with, where it has.
    pub outcome: Option<OutcomeKind>,
    /// What went wrong, where something did.
    pub error: Option<Failure>,
    /// The most memory it was seen to use, in bytes, where it is isolated.
    pub peak_memory: Option<u64>,
    /// The processor time it used, where it is isolated.
    pub cpu_time: Option<Duration>,
    /// How its limits were enforced, where it is isolated: known once it has ended.
    pub isolation: Option<Isolation>,
    /// What of its sandbox it had, where it was to have one: known once it has ended.
    pub sandbox: Option<SandboxParts>,
    /// What it wrote beside its result, where the log lines were asked for too.
    pub outputs: Vec<Output>,
}

/// One snapshot of a job.
#[derive(Clone, Debug)]
pub struct JobInfo {
    /// The id.
    pub id: JobId,
    /// The store's sequence number: its place in the order of submission.
    pub sequence: u64,
    /// What the job declared.
    pub spec: Arc<Spec>,
    /// Its state.
    pub state: State,
    /// Its arguments; live arguments are let go when the job completes.
    pub args: Payload,
    /// The number of the newest attempt; 0 before the first.
    pub attempt: u32,
    /// When it was submitted.
    pub created: Timestamp,
    /// When it may run, for a delayed or retrying job.
    pub scheduled: Option<Timestamp>,
    /// When its newest attempt started.
    pub started: Option<Timestamp>,
    /// When it ended for good.
    pub finished: Option<Timestamp>,
    /// What it last said of its progress.
    pub progress: Option<Progress>,
    /// What it returned, once completed.
    pub result: Option<Payload>,
    /// What went wrong last.
    pub error: Option<Failure>,
    /// What it ended with, once it has.
    pub outcome: Option<OutcomeKind>,
    /// The worker of its newest attempt.
    pub worker: Option<Arc<str>>,
    /// The jobs that it waits for.
    pub waiting_on: Vec<JobId>,
    /// Its unique key.
    pub unique: Option<Arc<str>>,
    /// Whether it is a daemon.
    pub daemon: bool,
    /// The dead letter that this job is a retry of.
    pub retry_of: Option<JobId>,
    /// Its attempts, oldest first.
    pub attempts: Vec<AttemptInfo>,
    /// Its last log lines, oldest first, where they were asked for.
    pub logs: Vec<LogLine>,
}
