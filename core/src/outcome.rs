//! What an attempt ended with: data, never one of our errors.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::limits::Isolation;
use crate::payload::Payload;
use crate::sandbox::SandboxParts;
use crate::spill::{Output, Spilled};
use crate::state::State;

/// What an attempt ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// The handler returned.
    Completed,
    /// The handler failed.
    Failed,
    /// The attempt ran longer than its timeout.
    TimedOut,
    /// The process or thread of the attempt broke.
    Crashed,
    /// The attempt used more memory than it asked for.
    MemoryExceeded,
    /// The worker of the attempt was lost.
    Lost,
    /// The job was cancelled.
    Cancelled,
    /// A clean shutdown gave the job back, or it was not begun where it was sent.
    Released,
    /// The task asked to be run again later.
    Snoozed,
}

impl OutcomeKind {
    /// The name of the outcome, lower case with underscores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Crashed => "crashed",
            Self::MemoryExceeded => "memory_exceeded",
            Self::Lost => "lost",
            Self::Cancelled => "cancelled",
            Self::Released => "released",
            Self::Snoozed => "snoozed",
        }
    }
}

impl fmt::Display for OutcomeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the user's code said when it failed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Failure {
    /// The type of the exception or error, such as `ValueError`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its message.
    pub message: String,
    /// Where it came from, as the host language shows it.
    pub traceback: Option<String>,
    /// How its process ended, where it ran in one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<Exit>,
    /// The exception itself, where the store lives and ends with the process.
    #[serde(skip)]
    pub live: Payload,
}

impl Failure {
    /// A failure of type `kind` that says `message`.
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            message: message.into(),
            ..Self::default()
        }
    }

    /// What a panic said.
    pub(crate) fn from_panic(panic: &(dyn std::any::Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Self::new("panic", text.unwrap_or("the handler panicked"))
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// It returned this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

impl Exit {
    /// The name of the signal, such as `SIGSEGV`, or its number where it has none.
    pub fn signal_name(self) -> Option<String> {
        let Self::Signal(signal) = self else {
            return None;
        };
        let name = signal_name(signal).map(str::to_owned);
        Some(name.unwrap_or_else(|| signal.to_string()))
    }

    /// Whether this is how programs crash: by a signal; on Windows with the code of an error of the system,
    /// such as 0xC0000005.
    pub fn is_crash(self) -> bool {
        match self {
            Self::Code(code) => is_system_error(code),
            Self::Signal(_) => true,
        }
    }

    /// From the status that a Unix system gives.
    pub fn from_status(status: i32) -> Self {
        match status & 0x7f {
            0 => Self::Code((status >> 8) & 0xff),
            signal => Self::Signal(signal),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) if is_system_error(*code) => write!(f, "exit code {code:#X}"),
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => match signal_name(*signal) {
                Some(name) => write!(f, "signal {signal} ({name})"),
                None => write!(f, "signal {signal}"),
            },
        }
    }
}

/// Whether Windows ends programs with this code that crash: an NTSTATUS of severity "error".
fn is_system_error(code: i32) -> bool {
    cfg!(windows) && code.cast_unsigned() >> 30 == 3
}

/// The name of a signal of Linux, such as `SIGSEGV`.
fn signal_name(signal: i32) -> Option<&'static str> {
    const NAMES: [&str; 31] = [
        "SIGHUP",
        "SIGINT",
        "SIGQUIT",
        "SIGILL",
        "SIGTRAP",
        "SIGABRT",
        "SIGBUS",
        "SIGFPE",
        "SIGKILL",
        "SIGUSR1",
        "SIGSEGV",
        "SIGUSR2",
        "SIGPIPE",
        "SIGALRM",
        "SIGTERM",
        "SIGSTKFLT",
        "SIGCHLD",
        "SIGCONT",
        "SIGSTOP",
        "SIGTSTP",
        "SIGTTIN",
        "SIGTTOU",
        "SIGURG",
        "SIGXCPU",
        "SIGXFSZ",
        "SIGVTALRM",
        "SIGPROF",
        "SIGWINCH",
        "SIGIO",
        "SIGPWR",
        "SIGSYS",
    ];
    let index = usize::try_from(signal).ok()?.checked_sub(1)?;
    NAMES.get(index).copied()
}

/// How an executor's attempt ended, before the engine decides what that means for the job.
#[derive(Debug)]
pub enum Ended {
    /// The handler returned this.
    Returned(Payload),
    /// The handler failed: the job is tried again while it has retries.
    Raised(Failure),
    /// The handler asks to be run again after a delay (none: the task's own). It spends no retry.
    Retry(Option<Duration>, Failure),
    /// The handler failed and no retry will help.
    GaveUp(Failure),
    /// The handler ended the job.
    Cancelled(String),
    /// What ran the handler broke.
    Crashed(Failure),
    /// The handler used more memory than it was given.
    MemoryExceeded(Failure),
    /// What ran the handler was ended for no fault of its own: the job is run again, and that
    /// counts nowhere.
    Released,
}

/// What an attempt that ran in processes of its own was seen to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// The most memory at once, in bytes; what a process had before the attempt is not part of it.
    pub peak_memory: u64,
    /// Processor time of all its processes.
    pub cpu_time: Duration,
}

/// The recorded end of one attempt.
#[derive(Clone, Debug)]
pub struct AttemptEnd {
    /// What it ended with.
    pub kind: OutcomeKind,
    /// What the handler returned, for `Completed`.
    pub result: Payload,
    /// What went wrong, for everything else.
    pub failure: Option<Box<Failure>>,
    /// The most memory that the attempt was seen to use, in bytes, where it is isolated.
    pub peak_memory: Option<u64>,
    /// The processor time that the attempt used, where it is isolated.
    pub cpu_time: Option<Duration>,
    /// How its limits were enforced, where it is isolated.
    pub isolation: Option<Isolation>,
    /// What of its sandbox it had, where it was to have one.
    pub sandbox: Option<SandboxParts>,
    /// What it wrote beside its result: kept with the job, for as long.
    pub outputs: Vec<Output>,
}

impl AttemptEnd {
    /// An end of `kind` with neither result nor failure.
    pub fn new(kind: OutcomeKind) -> Self {
        Self {
            kind,
            result: Payload::Null,
            failure: None,
            peak_memory: None,
            cpu_time: None,
            isolation: None,
            sandbox: None,
            outputs: Vec::new(),
        }
    }

    /// A completed attempt that returned `result`.
    pub fn completed(result: Payload) -> Self {
        Self {
            result,
            ..Self::new(OutcomeKind::Completed)
        }
    }

    /// An attempt that ended badly.
    pub fn failed(kind: OutcomeKind, failure: Failure) -> Self {
        Self {
            failure: Some(Box::new(failure)),
            ..Self::new(kind)
        }
    }
}

/// A shared [`AttemptEnd`], which it dereferences to. The commonest one, a handler that returned
/// nothing, takes no memory of its own.
#[derive(Clone, Default)]
pub struct End(Option<Arc<AttemptEnd>>);

/// What `None` stands for in an [`End`].
static NOTHING_RETURNED: AttemptEnd = AttemptEnd {
    kind: OutcomeKind::Completed,
    result: Payload::Null,
    failure: None,
    peak_memory: None,
    cpu_time: None,
    isolation: None,
    sandbox: None,
    outputs: Vec::new(),
};

impl End {
    /// The files that are named in it.
    pub fn files(&self) -> impl Iterator<Item = &Arc<Spilled>> {
        let outputs = self.outputs.iter();
        let outputs = outputs.filter_map(|output| output.data.as_file());
        self.result.as_spilled().into_iter().chain(outputs)
    }

    /// The end itself, to be changed: a copy where somebody else holds it too.
    pub(crate) fn to_mut(&mut self) -> &mut AttemptEnd {
        let end = self
            .0
            .get_or_insert_with(|| Arc::new(AttemptEnd::new(OutcomeKind::Completed)));
        Arc::make_mut(end)
    }
}

impl Deref for End {
    type Target = AttemptEnd;

    fn deref(&self) -> &AttemptEnd {
        self.0.as_deref().unwrap_or(&NOTHING_RETURNED)
    }
}

impl From<AttemptEnd> for End {
    fn from(end: AttemptEnd) -> Self {
        let nothing = matches!(
            &end,
            AttemptEnd {
                kind: OutcomeKind::Completed,
                result: Payload::Null,
                failure: None,
                peak_memory: None,
                cpu_time: None,
                isolation: None,
                sandbox: None,
                outputs,
            } if outputs.is_empty()
        );
        Self((!nothing).then(|| Arc::new(end)))
    }
}

impl fmt::Debug for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// The end of a job: its terminal state and the end of its last attempt.
#[derive(Clone, Debug)]
pub struct Final {
    /// `Completed`, `Failed` or `Cancelled`.
    pub state: State,
    /// The end of the last attempt, or what stood in for one.
    pub end: End,
}
