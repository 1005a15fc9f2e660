//! What a store is asked and what it answers.

use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;

use crate::clock::Timestamp;
use crate::id::JobId;
use crate::job::{Cursor, JobFilter, JobInfo, LogLine, NewJob, Order, Progress, Spec};
use crate::outcome::{AttemptEnd, End, Failure, Final, OutcomeKind};
use crate::payload::Payload;
use crate::spill::SpillFolder;
use crate::state::State;
use crate::units::format_duration;

/// A few things of a kind, most often one.
pub type Batch<T> = SmallVec<[T; 1]>;

/// What a store can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The name of the kind, such as `memory`.
    pub name: &'static str,
    /// Whether jobs outlive the process.
    pub durable: bool,
    /// Whether payloads may be live objects.
    pub live_payloads: bool,
    /// Where it keeps large output; `None` where it keeps all of it by itself.
    pub spill: Option<SpillFolder>,
}

/// New jobs.
#[derive(Debug)]
pub struct Submit {
    /// The time of the submission.
    pub now: Timestamp,
    /// The jobs, in their order.
    pub jobs: Batch<NewJob>,
}

/// A job that was accepted, or the unfinished one that has its unique key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Its id.
    pub id: JobId,
    /// Its sequence number.
    pub sequence: u64,
    /// Its state: `Running` for a new job that has begun with its submit.
    pub state: State,
    /// When it is due, for a scheduled job.
    pub due: Option<Timestamp>,
    /// Whether it has a unique key.
    pub keyed: bool,
    /// Whether this is an earlier job with the same unique key.
    pub deduplicated: bool,
}

/// Jobs to start.
#[derive(Debug)]
pub struct Claim {
    /// The time of the start.
    pub now: Timestamp,
    /// The worker that starts them.
    pub worker: Arc<str>,
    /// Their sequence numbers.
    pub jobs: SmallVec<[u64; 16]>,
}

/// A job that may now be run.
#[derive(Debug)]
pub struct Claimed {
    /// Its sequence number.
    pub sequence: u64,
    /// The number of this attempt, from 1.
    pub attempt: u32,
    /// How many attempts failed before.
    pub failures: u32,
    /// The arguments.
    pub args: Payload,
    /// The last checkpoint.
    pub checkpoint: Option<Payload>,
}

/// What follows the end of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The job ends in this terminal state.
    End(State),
    /// The attempt failed; the job is retried from then on.
    Retry(Timestamp),
    /// The task asked for it: the job is scheduled for then.
    Snooze(Timestamp),
    /// The job is queued again, in its old place.
    Requeue,
}

/// One attempt that has ended.
#[derive(Debug)]
pub struct FinishedAttempt {
    /// The sequence number of the job.
    pub sequence: u64,
    /// The number of the attempt.
    pub attempt: u32,
    /// How it ended.
    pub end: End,
    /// What follows.
    pub next: Next,
}

/// Attempts that have ended.
#[derive(Debug)]
pub struct Finish {
    /// The time of the end.
    pub now: Timestamp,
    /// The attempts.
    pub attempts: Batch<FinishedAttempt>,
}

/// Whether a write of an attempt was still its to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fenced {
    /// It was made.
    Applied,
    /// A newer attempt, or an end, came first: nothing was changed.
    Stale,
}

/// What a running attempt has to say.
#[derive(Debug)]
pub struct Note {
    /// The time.
    pub now: Timestamp,
    /// The sequence number of the job.
    pub sequence: u64,
    /// The number of the attempt.
    pub attempt: u32,
    /// What it says.
    pub kind: NoteKind,
}

/// The kinds of notes.
#[derive(Debug)]
pub enum NoteKind {
    /// How far it has come.
    Progress(Progress),
    /// A line for the log; only the newest 1,000 are kept.
    Log(LogLine),
    /// A state to go on from.
    Checkpoint(Payload),
}

/// A job to cancel.
#[derive(Debug)]
pub struct Cancel {
    /// The time.
    pub now: Timestamp,
    /// Its id.
    pub id: JobId,
    /// How it ends.
    pub end: End,
}

/// What became of a request to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It waited, and is cancelled.
    Done {
        /// Its sequence number.
        sequence: u64,
    },
    /// It runs: ask this attempt.
    Running {
        /// Its sequence number.
        sequence: u64,
        /// The number of the attempt.
        attempt: u32,
    },
    /// It had ended in this state.
    Ended(State),
    /// There is none with that id.
    NotFound,
}

/// A request to look at what time has brought.
#[derive(Clone, Copy, Debug)]
pub struct Promote {
    /// The time.
    pub now: Timestamp,
    /// The most jobs to change.
    pub limit: usize,
}

/// A job that became queued.
#[derive(Clone, Debug)]
pub struct Queued {
    /// Its id.
    pub id: JobId,
    /// Its sequence number.
    pub sequence: u64,
    /// What it declared.
    pub spec: Arc<Spec>,
}

/// A job that was to start before now, and is cancelled.
#[derive(Clone, Debug)]
pub struct Expired {
    /// Its sequence number.
    pub sequence: u64,
    /// How it ended.
    pub outcome: Final,
}

impl Expired {
    /// The end of a job that did not start within `expires` of its submission.
    pub fn new(sequence: u64, expires: Duration) -> Self {
        let after = format_duration(expires);
        let message = format!("it did not start within {after} of its submission");
        let failure = Failure::new("Expired", message);
        let outcome = Final {
            state: State::Cancelled,
            end: End::from(AttemptEnd::failed(OutcomeKind::Cancelled, failure)),
        };
        Self { sequence, outcome }
    }
}

/// What time has brought.
#[derive(Clone, Debug, Default)]
pub struct Promoted {
    /// Jobs that became queued.
    pub queued: Vec<Queued>,
    /// Jobs that were to start before now.
    pub expired: Vec<Expired>,
    /// When there is something to do again.
    pub next: Option<Timestamp>,
}

/// One job, by id.
#[derive(Clone, Copy, Debug)]
pub struct Ref {
    /// The time.
    pub now: Timestamp,
    /// Its id.
    pub id: JobId,
}

/// What became of a request to delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// It is gone.
    Done,
    /// It has not ended: it is in this state.
    Unfinished(State),
    /// There is none with that id.
    NotFound,
}

/// One job to read.
#[derive(Clone, Copy, Debug)]
pub struct Get {
    /// The time: reading a result keeps it from being the least recently used.
    pub now: Timestamp,
    /// Its id.
    pub id: JobId,
    /// Whether to read its log lines too, and what its attempts wrote beside their results.
    pub logs: bool,
}

/// A page of jobs to read.
#[derive(Clone, Debug)]
pub struct List {
    /// Which.
    pub filter: JobFilter,
    /// In what order.
    pub order: Order,
    /// How many at most.
    pub limit: usize,
    /// How many to leave out first.
    pub offset: usize,
    /// Only those after this one.
    pub after: Option<Cursor>,
}

/// A page of jobs.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The jobs, in the order asked for.
    pub jobs: Vec<JobInfo>,
    /// Where the next page begins, where there is one.
    pub next: Option<Cursor>,
}

/// Jobs to count.
#[derive(Clone, Debug)]
pub struct Count {
    /// Which.
    pub filter: JobFilter,
}

/// How many jobs are in each state, indexed by [`State`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally(pub [u64; State::ALL.len()]);

impl Tally {
    /// How many are in `state`.
    pub fn of(&self, state: State) -> u64 {
        self.0[state as usize]
    }

    /// How many have not ended.
    pub fn unfinished(&self) -> u64 {
        State::ALL
            .iter()
            .filter(|state| !state.is_terminal())
            .map(|state| self.of(*state))
            .sum()
    }
}

/// How far somebody has followed what is in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// The jobs that have not ended, after this sequence number: where everybody begins, at 0.
    Unfinished(u64),
    /// What others have changed since the change with this number.
    Changed(u64),
}

/// What has not ended, and then what others change.
#[derive(Clone, Copy, Debug)]
pub struct Follow {
    /// How far it was followed before.
    pub from: Position,
    /// How many jobs at most.
    pub limit: usize,
}

/// Where a job stands at the moment.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Its id.
    pub id: JobId,
    /// Its sequence number.
    pub sequence: u64,
    /// What it declared.
    pub spec: Arc<Spec>,
    /// Its state.
    pub state: State,
    /// The number of its newest attempt; 0 before the first.
    pub attempt: u32,
    /// It runs, but whatever ran it is gone.
    pub orphaned: bool,
    /// How many of its attempts were lost with what ran them in the last 72 h, by the latest time that
    /// this handle was told with a request.
    pub losses: u32,
    /// Why it is not to run any more, where it was cancelled while it ran; until it has ended.
    pub stop: Option<Arc<str>>,
}

/// Where jobs stand, and how far that is.
#[derive(Clone, Debug)]
pub struct Followed {
    /// The jobs, each at most once: by their sequence numbers, or in the order of their changes.
    pub jobs: Vec<Standing>,
    /// The sequence numbers of jobs that were changed and are not there any more: they have ended,
    /// and were deleted or forgotten since.
    pub gone: Vec<u64>,
    /// Where to go on.
    pub next: Position,
    /// What was changed in between is not known any more: it begins again with what has not ended.
    pub gap: bool,
}

/// A request to forget what is past its time.
#[derive(Clone, Copy, Debug)]
pub struct Prune {
    /// The time.
    pub now: Timestamp,
    /// The most jobs to forget.
    pub limit: usize,
}

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// How many jobs.
    pub removed: usize,
    /// When there is something to forget again.
    pub next: Option<Timestamp>,
}
