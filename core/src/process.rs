//! Processes that an engine starts, with everything that comes of them: each is a *tree* that can be
//! stopped, frozen and ended as a whole, and none outlives its engine, as far as the system lets it.
//!
//! There is one interface, and a kind of it for each system (decision 17), which `build.rs` picks:
//!
//! | `processes` | on | a tree is | by |
//! |---|---|---|---|
//! | `warden` | Linux | what descends from a guard | the *warden*, a small program that the library carries (`warden/`, decision 13) |
//! | `groups` | macOS, other Unix systems | a process group | `killpg`, and a shell that ends what a killed engine leaves |
//! | `job_objects` | Windows | a Job Object | the system |
//!
//! Each has a `Starter`, whose `launch` gives a `Tree` and tells a [`Watch`] what becomes of it; a
//! `Reactor`, which waits for descriptors where there are any, and a `Timer`. What a tree uses is told by the
//! [watchdog](crate::Watchdog), and what holds it to its limits by the [enforcer](crate::Enforcer).

#[cfg(all(test, processes = "warden"))]
#[path = "../warden/filter.rs"]
mod filter;
#[cfg(processes = "groups")]
mod groups;
mod head;
#[cfg(processes = "job_objects")]
mod job_objects;
mod launch;
#[cfg(processes = "warden")]
#[allow(dead_code, reason = "one half of what is said is the warden's")]
#[path = "../warden/order.rs"]
mod order;
mod processes;
#[cfg(processes = "warden")]
mod reactor;
#[cfg(unix)]
mod readiness;
#[cfg(processes = "warden")]
mod signals;
#[cfg(processes = "warden")]
mod statm;
#[cfg_attr(not(processes = "warden"), path = "process/timer/thread.rs")]
mod timer;
mod title;
#[cfg(processes = "warden")]
mod tree;
#[cfg(processes = "warden")]
mod warden;

/// Whether a tree can be frozen on this system.
pub const CAN_FREEZE: bool = cfg!(unix);

#[cfg(processes = "groups")]
pub(crate) use groups::Meter;
#[cfg(processes = "groups")]
pub use groups::{Groups as Starter, Reactor, Tree};
pub use head::Head;
#[cfg(processes = "job_objects")]
pub(crate) use job_objects::Meter;
#[cfg(processes = "job_objects")]
pub use job_objects::{JobObject, JobObjects as Starter, Reactor, Tree};
pub use launch::{Descriptor, Launch, Refusal, TreeUsage, Watch};
pub use processes::Processes;
#[cfg(processes = "warden")]
pub use reactor::Reactor;
#[cfg(unix)]
pub use readiness::{Interest, Readiness, Source, Token};
#[cfg(test)]
#[cfg(processes = "warden")]
pub(crate) use signals::is_stopped;
#[cfg(processes = "warden")]
pub(crate) use signals::send_to_tree;
#[cfg(processes = "warden")]
pub(crate) use statm::Sizes;
pub use timer::Timer;
pub use title::title;
#[cfg(processes = "warden")]
pub use tree::Tree;
#[cfg(processes = "warden")]
pub use warden::Warden;
#[cfg(processes = "warden")]
use warden::Warden as Starter;
