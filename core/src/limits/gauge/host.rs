//! The memory of this process as its operating system tells it.

use std::fmt;
#[cfg(target_os = "linux")]
use std::path::PathBuf;
use std::sync::OnceLock;

use parking_lot::Mutex;
use sysinfo::{MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};

#[cfg(target_os = "linux")]
use super::cgroup;
use super::{Gauge, Usage};

/// The part of what this process may use that an engine shares out where it isn't told, in percent.
const DEFAULT_SHARE: u64 = 75;

/// Measures this process and what its jobs use in processes of their own: against the limit of its cgroup
/// where there is one, else against the machine's memory.
pub struct HostGauge {
    system: Mutex<System>,
    limit: OnceLock<u64>,
    children: Option<Box<dyn Fn() -> u64 + Send + Sync>>,
}

impl HostGauge {
    /// A gauge for this process.
    pub fn new() -> Self {
        let kinds = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
        Self {
            system: Mutex::new(System::new_with_specifics(kinds)),
            limit: OnceLock::new(),
            children: None,
        }
    }

    /// Counts what `children` says that other processes use, in bytes, too.
    #[must_use]
    pub fn counting(mut self, children: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.children = Some(Box::new(children));
        self
    }

    /// The memory that an engine shares out where it isn't told: 75 % of what this process may use.
    pub fn default_budget(&self) -> u64 {
        self.limit() / 100 * DEFAULT_SHARE
    }

    fn limit(&self) -> u64 {
        *self.limit.get_or_init(|| {
            let system = self.system.lock();
            let machine = system.total_memory();
            group_limit().map_or(machine, |limit| limit.min(machine))
        })
    }

    fn own_memory(&self) -> Option<u64> {
        let pid = Pid::from_u32(std::process::id());
        let mut system = self.system.lock();
        let kind = ProcessRefreshKind::nothing().with_memory();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, kind);
        system.process(pid).map(sysinfo::Process::memory)
    }
}

impl Default for HostGauge {
    fn default() -> Self {
        Self::new()
    }
}

impl Gauge for HostGauge {
    fn usage(&self) -> Option<Usage> {
        let children = self.children.as_ref().map_or(0, |children| children());
        Some(Usage {
            used: self.own_memory()?.saturating_add(children),
            children,
            limit: self.limit(),
            stalled: stalled(),
        })
    }
}

impl fmt::Debug for HostGauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostGauge")
            .field("limit", &self.limit.get())
            .finish_non_exhaustive()
    }
}

#[cfg(target_os = "linux")]
fn group_limit() -> Option<u64> {
    cgroup::MemoryGroup::own()?.limit()
}

#[cfg(not(target_os = "linux"))]
fn group_limit() -> Option<u64> {
    None
}

/// In how many percent of the last time something waited for memory: in the group of this process, else on
/// the whole machine.
#[cfg(target_os = "linux")]
fn stalled() -> u8 {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    let file = FILE.get_or_init(|| {
        let own = cgroup::MemoryGroup::own().and_then(|group| group.pressure());
        own.unwrap_or_else(|| PathBuf::from("/proc/pressure/memory"))
    });
    let text = std::fs::read_to_string(file).unwrap_or_default();
    cgroup::stalled(&text).unwrap_or(0)
}

#[cfg(not(target_os = "linux"))]
fn stalled() -> u8 {
    0
}
