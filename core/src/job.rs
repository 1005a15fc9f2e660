//! One submitted call of a task: what it declares, and what can be read of it.

mod filter;
mod info;
mod spec;

pub use filter::{Cursor, JobFilter, Order};
pub use info::{AttemptInfo, JobInfo, LogLine, Progress};
pub use spec::{ExecutorKind, NewJob, Spec};
