//! What a job may use, how that is enforced, and how much memory the engine's process may use itself.

mod breach;
mod declared;
#[cfg(processes)]
#[cfg_attr(processes = "groups", path = "limits/enforcement/groups.rs")]
#[cfg_attr(processes = "job_objects", path = "limits/enforcement/job_objects.rs")]
mod enforcement;
mod gauge;
#[cfg(processes = "warden")]
mod group;
mod isolation;
mod notice;
#[cfg_attr(not(processes), allow(dead_code, reason = "nothing is sampled"))]
mod policy;
#[cfg(processes)]
mod sign;
#[cfg(processes)]
mod watchdog;

pub use breach::{Breach, Resource};
pub use declared::{CpuAction, Limits};
#[cfg(processes = "warden")]
pub use enforcement::HeldDown;
#[cfg(processes)]
pub use enforcement::{Enforcement, Enforcer};
pub use gauge::{Gauge, HostGauge, Usage};
#[cfg(processes = "warden")]
pub use group::{Group, Groups};
pub use isolation::Isolation;
pub use notice::{Notice, NoticeKind};
#[cfg(processes)]
pub use sign::{Sign, judge, says_no_memory};
#[cfg(processes = "warden")]
pub(crate) use watchdog::Unseen;
#[cfg(processes)]
pub use watchdog::{Brake, Had, Root, Times, Watchdog, Watched};
