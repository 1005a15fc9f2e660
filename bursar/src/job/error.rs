//! How a job ended, where it didn't end well.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use bursar_core::{End, Error, Exit, JobId, OutcomeKind, format_duration};

/// Why there is no result.
#[derive(Debug)]
#[non_exhaustive]
pub enum JobError {
    /// The task failed, and has no retries left.
    Failed(JobFailure),
    /// Its last attempt ran longer than its timeout.
    TimedOut(JobFailure),
    /// It was cancelled, or had expired.
    Cancelled(JobFailure),
    /// The task panicked, or its process broke.
    Crashed(JobFailure),
    /// It used more memory than it asked for.
    MemoryExceeded(JobFailure),
    /// The wait was over before the job was; the job goes on.
    Elapsed(Duration),
    /// Nothing is known of the job's end: asking for it failed.
    Bursar(Error),
}

/// What is recorded of a job that ended badly.
#[derive(Clone)]
pub struct JobFailure {
    job: JobId,
    end: End,
}

impl JobFailure {
    /// The id of the job.
    pub fn job(&self) -> JobId {
        self.job
    }

    /// What its last attempt ended with.
    pub fn outcome(&self) -> OutcomeKind {
        self.end.kind
    }

    /// The type of the error, such as `my_app::ImageError` or `ValueError`.
    pub fn kind(&self) -> &str {
        self.end
            .failure
            .as_ref()
            .map_or("", |failure| &failure.kind)
    }

    /// What the error said.
    pub fn message(&self) -> &str {
        self.end
            .failure
            .as_ref()
            .map_or("", |failure| &failure.message)
    }

    /// How its process ended, where it ran in one of its own and that has ended by itself.
    pub fn exit(&self) -> Option<Exit> {
        self.end.failure.as_ref()?.exit
    }

    /// The most memory that it was seen to use at once, in bytes, where it ran in processes of its own.
    pub fn peak_memory(&self) -> Option<u64> {
        self.end.peak_memory
    }

    /// Where it came from, as its language shows it: in Rust, the error and its sources.
    pub fn traceback(&self) -> Option<&str> {
        self.end.failure.as_ref()?.traceback.as_deref()
    }
}

impl fmt::Debug for JobFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobFailure")
            .field("job", &self.job)
            .field("outcome", &self.outcome())
            .field("kind", &self.kind())
            .field("message", &self.message())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for JobFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job {} {}", self.job, self.outcome())?;
        match (self.kind(), self.message()) {
            ("", "") => Ok(()),
            (kind, message) => write!(f, ": {kind}: {message}"),
        }
    }
}

impl JobError {
    pub(crate) fn of(job: JobId, end: End) -> Self {
        let kind = end.kind;
        let failure = JobFailure { job, end };
        match kind {
            OutcomeKind::TimedOut => Self::TimedOut(failure),
            OutcomeKind::Cancelled | OutcomeKind::Released => Self::Cancelled(failure),
            OutcomeKind::Crashed => Self::Crashed(failure),
            OutcomeKind::MemoryExceeded => Self::MemoryExceeded(failure),
            _ => Self::Failed(failure),
        }
    }

    /// What is recorded of the job; `None` where the job didn't end badly, or nothing is known.
    pub fn failure(&self) -> Option<&JobFailure> {
        match self {
            Self::Failed(failure)
            | Self::TimedOut(failure)
            | Self::Cancelled(failure)
            | Self::Crashed(failure)
            | Self::MemoryExceeded(failure) => Some(failure),
            Self::Elapsed(_) | Self::Bursar(_) => None,
        }
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elapsed(timeout) => {
                let timeout = format_duration(*timeout);
                write!(
                    f,
                    "the job has not ended within {timeout}: it goes on, ask again"
                )
            }
            Self::Bursar(error) => error.fmt(f),
            other => other.failure().map_or(Ok(()), |failure| failure.fmt(f)),
        }
    }
}

impl StdError for JobError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Bursar(error) => error.source(),
            _ => None,
        }
    }
}

impl From<Error> for JobError {
    fn from(error: Error) -> Self {
        Self::Bursar(error)
    }
}
