//! The contract of an executor: it runs attempts of one kind and reports how they ended.

mod async_task;
#[cfg(processes)]
mod command;
mod crew;
mod host;
#[cfg(processes = "warden")]
mod process;
mod ready;
mod thread;

use std::fmt::Debug;
use std::sync::Arc;

use crate::engine::{Attempt, Reporter};
use crate::outcome::Ended;
use crate::payload::Payload;
use crate::task::Handler;

pub use async_task::AsyncTasks;
#[cfg(processes)]
pub use command::Commands;
pub(crate) use crew::Crew;
pub use host::{HostEvent, HostLane};
#[cfg(processes = "warden")]
pub use process::{
    Birth, CHILD_SOCKET, ChildJob, ChildLine, ChildNext, ChildStop, ChildTemplate, Mirror,
    PoolOptions, ProcessPool, be_a_root,
};
pub(crate) use ready::Ready;
pub use thread::ThreadPool;

/// One attempt to run.
#[derive(Debug)]
pub struct Assignment {
    /// What it is, and how it is asked to stop.
    pub attempt: Arc<Attempt>,
    /// The arguments.
    pub args: Payload,
    /// The key of the attempt after whose end it begins: then the executor says so, by
    /// [`Reporter::begins`]. Only for an executor that has asked for such, by [`Reporter::prefetch`].
    pub after: Option<u64>,
}

impl Assignment {
    /// The function to run.
    pub fn handler(&self) -> Option<&Handler> {
        let task = self.attempt.ticket.plan()?.task()?;
        Some(&task.handler)
    }

    /// How it ended, where it was asked to stop before it was picked up.
    pub(crate) fn stopped(&self) -> Option<Ended> {
        let stop = self.attempt.stopped()?;
        Some(Ended::Cancelled(stop.reason.to_string()))
    }
}

/// Runs attempts. Its methods are called from any thread, never block and never run a handler
/// before they return.
pub trait Executor: Debug + Send + Sync + 'static {
    /// Tells it, once, where to report ends.
    fn attach(&self, reporter: Reporter);

    /// Queues an attempt.
    fn start(&self, assignment: Assignment);

    /// Called after one or several [`start`](Self::start): wakes what runs them.
    fn flush(&self);

    /// Whether everything that was started has been picked up. Whoever picks the last one up asks
    /// for more, by [`Reporter::more`], before it runs it: so what is submitted while this is
    /// `false` needs no grant of its own.
    fn is_hungry(&self) -> bool;

    /// Asks an attempt that was started to stop: its [`Attempt::stopped`] says why.
    fn stop(&self, attempt: &Arc<Attempt>);

    /// Ends an attempt by force that was asked to stop and has not within its grace. `true` where
    /// that can be done: its end is then reported, soon and surely. `false` where it can't, as with
    /// threads: it is given up on.
    fn kill(&self, _attempt: &Arc<Attempt>) -> bool {
        false
    }

    /// Freezes everything of an attempt where it stands; `false` where that can't be done, as with
    /// threads. One that is asked to stop goes on.
    fn freeze(&self, _attempt: &Arc<Attempt>) -> bool {
        false
    }

    /// Lets a frozen attempt go on.
    fn thaw(&self, _attempt: &Arc<Attempt>) {}

    /// Lets its threads and tasks end once nothing runs.
    fn close(&self);
}
