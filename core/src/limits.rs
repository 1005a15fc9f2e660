//! What a job may use, how that is enforced, and how much memory the engine's process may use itself.

mod breach;
mod declared;
#[cfg(all(target_os = "linux", not(loom)))]
mod enforcement;
mod gauge;
#[cfg(all(target_os = "linux", not(loom)))]
mod group;
mod isolation;
mod notice;
#[cfg_attr(
    any(not(target_os = "linux"), loom),
    allow(dead_code, reason = "nothing is sampled")
)]
mod policy;
#[cfg(all(target_os = "linux", not(loom)))]
mod sign;
#[cfg(all(target_os = "linux", not(loom)))]
mod watchdog;

pub use breach::{Breach, Resource};
pub use declared::{CpuAction, Limits};
#[cfg(all(target_os = "linux", not(loom)))]
pub use enforcement::{Enforcement, Enforcer, HeldDown};
pub use gauge::{Gauge, HostGauge, Usage};
#[cfg(all(target_os = "linux", not(loom)))]
pub use group::{Group, Groups};
pub use isolation::Isolation;
pub use notice::{Notice, NoticeKind};
#[cfg(all(target_os = "linux", not(loom)))]
pub use sign::{Sign, judge, says_no_memory};
#[cfg(all(target_os = "linux", not(loom)))]
pub use watchdog::{Brake, Root, Watchdog, Watched};
