//! Processes on Unix systems without a warden: each tree is a process group.
//!
//! A process that leaves its group (`setsid`, `setpgid`) leaves its tree, and nothing here follows it. What
//! else there is of a group ends with it, and with the engine: where that is killed, a shell that watches it
//! ends what it has left.

mod keeper;
mod meter;
mod reactor;
mod starter;
mod tree;
mod wait;

pub(crate) use meter::Meter;
pub use reactor::Reactor;
pub use starter::Groups;
pub use tree::Tree;
