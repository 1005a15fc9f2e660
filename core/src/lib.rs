//! The engine of Bursar: jobs, priorities, budget, scheduler, executors, the Store contract and
//! the memory store. Programs depend on the crate `bursar`, which re-exports what they need.
#![cfg_attr(
    loom,
    expect(
        dead_code,
        unused_imports,
        reason = "what runs processes is left out of the models, and what only that uses stays"
    )
)]

mod amounts;
mod clock;
mod command;
mod context;
mod demand;
mod engine;
mod error;
mod event;
mod executor;
mod hot_mutex;
mod id;
mod inbox;
mod job;
mod ledger;
mod limits;
#[cfg(loom)]
pub mod model;
mod options;
mod outcome;
mod payload;
mod priority;
#[cfg(processes)]
pub mod process;
mod rank;
mod retry;
mod sandbox;
mod scheduler;
mod seq_map;
mod signal;
mod spill;
mod state;
mod store;
mod sync;
mod task;
mod units;

pub use amounts::Amounts;
pub use clock::{Clock, ManualClock, SystemClock, Tick, Timestamp, Wait};
pub use command::{COMMAND_TASK, CommandCall, CommandOutput, Input};
pub use context::JobContext;
pub use demand::Demand;
pub use engine::{
    Accepted, Attempt, Dimension, Engine, EngineBuilder, Plan, Reason, Reporter, Share, SlotPause,
    Stats, Stop, StopKind, Submission, Ticket, Why,
};
pub use error::{Error, ErrorKind, Result};
pub use event::{Event, EventKind, Events};
#[cfg(processes)]
pub use executor::Commands;
pub use executor::{Assignment, AsyncTasks, Executor, HostEvent, HostLane, ThreadPool};
#[cfg(processes = "warden")]
pub use executor::{
    Birth, CHILD_SOCKET, ChildJob, ChildLine, ChildNext, ChildStop, ChildTemplate, Mirror,
    PoolOptions, ProcessPool, be_a_root,
};
pub use id::JobId;
pub use job::{
    AttemptInfo, Cursor, ExecutorKind, JobFilter, JobInfo, LogLine, NewJob, Order, Progress, Spec,
};
pub use ledger::{Ledger, Permit, Shortage};
#[cfg(processes)]
pub use limits::{
    Brake, Enforcement, Enforcer, Had, Root, Sign, Times, Watchdog, Watched, judge, says_no_memory,
};
pub use limits::{
    Breach, CpuAction, Gauge, HostGauge, Isolation, Limits, Notice, NoticeKind, Resource, Usage,
};
#[cfg(processes = "warden")]
pub use limits::{Group, Groups, HeldDown};
pub use options::{
    Defaults, Durability, EngineOptions, LimitOptions, OptionValue, Style, TaskOptions,
};
pub use outcome::{AttemptEnd, End, Ended, Exit, Failure, Final, Measured, OutcomeKind};
pub use payload::{ContentType, Payload};
pub use priority::{ParsePriorityError, Priority};
pub use rank::Rank;
pub use retry::{Backoff, RetryPolicy};
pub use sandbox::{Sandbox, SandboxLevel, SandboxParts};
pub use scheduler::{EscrowPolicy, EscrowView, Scheduler};
pub use signal::{Signal, Waiting};
pub use spill::{
    Captured, Output, PREVIEW, SPILL_ABOVE, SpillFolder, SpillHold, SpillName, SpillReader,
    SpillWriter, Spilled,
};
pub use state::State;
pub use store::{
    Backup, Batch, Cancel, Cancelled, Capabilities, Claim, Claimed, Count, Deletion, Expired,
    Fenced, Finish, FinishedAttempt, Follow, Followed, Get, Later, List, Listed, MemoryOptions,
    MemoryStore, Next, Note, NoteKind, Position, Promise, Promote, Promoted, Prune, Pruned, Queued,
    Ref, Reply, Standing, Store, Submit, Submitted, Tally,
};
pub use task::{Handler, HandlerFuture, Task};
pub use units::{format_duration, format_size, parse_duration, parse_patience, parse_size};
