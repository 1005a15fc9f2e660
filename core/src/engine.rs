//! The engine: what a program owns to submit jobs, run them within a budget, and stop.

mod annotate;
mod attempt;
mod backlog;
mod desk;
mod dispatch;
mod driver;
mod finish;
mod handle;
mod inner;
mod lookup;
mod plan;
mod pool;
mod shutdown;
mod start;
mod stats;
mod stop;
mod submit;
mod ticket;
mod unanswered;
mod upkeep;
mod verdict;
mod waiting;
mod why;

pub use attempt::{Attempt, Stop, StopKind};
pub use finish::Reporter;
pub use handle::{Engine, EngineBuilder};
pub use plan::Plan;
pub use pool::Dimension;
pub use stats::{Share, Stats};
pub use submit::{Accepted, Submission};
pub use ticket::Ticket;
pub use waiting::SlotPause;
pub use why::{Reason, Why};
