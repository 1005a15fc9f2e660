//! What a job declares when it is submitted. It never changes afterwards.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::demand::Demand;
use crate::limits::Limits;
use crate::payload::Payload;
use crate::priority::Priority;
use crate::retry::RetryPolicy;
use crate::sandbox::Sandbox;

/// What runs an attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExecutorKind {
    /// An asynchronous function on an event loop.
    #[default]
    Async,
    /// A blocking function on a thread.
    Thread,
    /// A function in a process of its own.
    Process,
    /// A program.
    Command,
}

impl ExecutorKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Async, Self::Thread, Self::Process, Self::Command];

    /// Whether each attempt runs in processes of its own, so that what it uses can be told and limited.
    pub fn is_isolated(self) -> bool {
        !matches!(self, Self::Async | Self::Thread)
    }

    /// The name of the kind, lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Async => "async",
            Self::Thread => "thread",
            Self::Process => "process",
            Self::Command => "command",
        }
    }
}

impl fmt::Display for ExecutorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The declared part that the jobs of one task share, unless a submit changes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// The stable name of the task.
    pub task: Arc<str>,
    /// Strict between priorities, first-in first-out within.
    pub priority: Priority,
    /// What is reserved while it runs.
    pub demand: Demand,
    /// What an attempt may use, where it runs in processes of its own; none elsewhere.
    pub limits: Limits,
    /// What an attempt is kept to, where it runs in processes of its own. None: neither the submit nor the
    /// task said, so its worker does.
    pub sandbox: Option<Sandbox>,
    /// What runs it.
    pub executor: ExecutorKind,
    /// How often and when it is tried again.
    pub retry: RetryPolicy,
    /// The longest that one attempt may run.
    pub timeout: Option<Duration>,
    /// How long after its submission it may still start.
    pub expires: Option<Duration>,
    /// How long its result is kept; none: as the store does by default.
    pub result_ttl: Option<Duration>,
}

/// A job on its way into the store.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// The shared declared part.
    pub spec: Arc<Spec>,
    /// The arguments.
    pub args: Payload,
    /// While an unfinished job has this key, a submit returns that job.
    pub unique: Option<Arc<str>>,
    /// Not before this time.
    pub due: Option<Timestamp>,
    /// Who runs it from the start: its first attempt begins with it, as if this worker had claimed it in
    /// the same moment, unless it is due later, has expired or is an earlier job with the same key.
    /// `None`: it waits for a claim.
    pub worker: Option<Arc<str>>,
}
