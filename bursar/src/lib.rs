//! Background jobs inside your program, within a budget.
//!
//! Every job declares what it needs (memory, processors, named tokens), and nothing starts that
//! the budget can't carry. There is no broker: an engine is a part of your program.
//!
//! # Quick start
//!
//! ```
//! use bursar::{Engine, Priority};
//!
//! #[bursar::task(memory = "64MB", retries = 3)]
//! async fn resize(path: String, width: u32) -> Result<String, std::io::Error> {
//!     Ok(format!("{path} at {width}"))
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let engine = Engine::open("memory:").memory("256MB").start().await?;
//!
//! let job = engine.submit(resize::call("a.png".into(), 100)).priority(Priority::High).await?;
//! assert_eq!(job.result().await?, "a.png at 100");
//!
//! // A plain call stays a plain call.
//! assert_eq!(resize("b.png".into(), 50).await?, "b.png at 50");
//!
//! engine.shutdown().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What there is
//!
//! - [`#[bursar::task]`](task) on a function, or [`Engine::task`] for a closure; asynchronous ones
//!   run on tokio, blocking ones on threads.
//! - [`Engine`]: [`submit`](Engine::submit), [`submit_many`](Engine::submit_many),
//!   [`jobs`](Engine::jobs), [`stats`](Engine::stats), [`drain`](Engine::drain),
//!   [`shutdown`](Engine::shutdown).
//! - [`Job`]: [`result`](Job::result), [`open_result`](Job::open_result), [`why`](Job::why), [`cancel`](Job::cancel),
//!   [`retry`](Job::retry), [`events`](Job::events).
//! - [`JobContext`]: what a running job asks about itself and says of itself.
//! - [`Retry`], [`Fail`] and [`Cancel`]: errors that say what the engine should make of them.
//!
//! A job may run more than once, after a crash or a timeout; its outcome is recorded once. The
//! job's id is the idempotency key to pass on to whatever it calls.
//!
//! # Without asynchronous code
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! #[bursar::task]
//! fn add(a: u32, b: u32) -> u32 {
//!     a + b
//! }
//!
//! let engine = bursar::Engine::open("memory:").start().wait()?;
//! let job = engine.submit(add::call(40, 2)).wait()?;
//! assert_eq!(job.wait()?, 42);
//! engine.shutdown().wait()?;
//! # Ok(())
//! # }
//! ```
//!
//! Arguments and results are JSON, by way of serde, so that other languages can submit what Rust
//! runs and run what Rust submits, by the name of the task.

mod arguments;
mod builder;
mod call;
mod command;
mod context;
mod definition;
mod engine;
mod handler;
mod job;
mod json;
mod limits;
mod options;
mod output;
mod query;
mod registry;
mod runtime;
mod submit;
mod task;
mod url;
mod values;
mod verdict;

/// The engine room: what the bindings for other languages are built on.
pub mod core {
    pub use bursar_core::*;
}

/// What tests need: a clock that stands still until it is moved.
pub mod testing {
    pub use bursar_core::{Clock, Gauge, ManualClock, Usage};
}

/// What `#[bursar::task]` expands to. Not for people: it changes without notice.
#[doc(hidden)]
pub mod expanded {
    pub use crate::arguments::Collect;
    pub use crate::definition::{Definition, Literal};
    pub use crate::handler::{asynchronous, blocking};
    pub use crate::output::returned;
    pub use bursar_core::{ExecutorKind, Handler};
}

pub use bursar_core::{
    AttemptInfo, Backoff, Captured, CommandOutput, CpuAction, Cursor, Dimension, Durability, Error,
    ErrorKind, EscrowPolicy, Event, EventKind, Events, ExecutorKind, Exit, Input, Isolation,
    JobFilter, JobId, JobInfo, Limits, Listed, LogLine, Notice, NoticeKind, Order, OutcomeKind,
    Output, Payload, Priority, Progress, Reason, Reply, Resource, Result, SPILL_ABOVE, Sandbox,
    SandboxLevel, SandboxParts, Share, SpillReader, Spilled, State, Stats, Tally, Tick, Timestamp,
    Why, format_duration, format_size, parse_duration, parse_size,
};
pub use bursar_macros::task;

pub use builder::EngineBuilder;
pub use call::Call;
pub use command::Command;
pub use context::JobContext;
pub use engine::Engine;
pub use job::{Job, JobError, JobEvents, JobFailure};
pub use limits::CommandLimits;
pub use output::{Json, TaskOutput};
pub use query::JobQuery;
pub use submit::Submit;
pub use task::{Task, TaskBuilder, TaskHandle};
pub use url::open_engine;
pub use values::{BackoffValue, CpuValue, DurationValue, PriorityValue, SizeValue};
pub use verdict::{Cancel, Fail, Retry};
