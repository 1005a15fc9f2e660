//! The memory of this process as its operating system tells it.

use std::sync::OnceLock;

use parking_lot::Mutex;
use sysinfo::{MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};

use super::{Gauge, Usage};

/// The part of what this process may use that an engine shares out where it isn't told, in percent.
const DEFAULT_SHARE: u64 = 75;

/// Measures this process: against the limit of its cgroup where there is one, else against the
/// machine's memory.
#[derive(Debug)]
pub struct HostGauge {
    system: Mutex<System>,
    limit: OnceLock<u64>,
}

impl HostGauge {
    /// A gauge for this process.
    pub fn new() -> Self {
        let kinds = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
        Self {
            system: Mutex::new(System::new_with_specifics(kinds)),
            limit: OnceLock::new(),
        }
    }

    /// The memory that an engine shares out where it isn't told: 75 % of what this process may use.
    pub fn default_budget(&self) -> u64 {
        self.limit() / 100 * DEFAULT_SHARE
    }

    fn limit(&self) -> u64 {
        *self.limit.get_or_init(|| {
            let system = self.system.lock();
            let machine = system.total_memory();
            system
                .cgroup_limits()
                .map_or(machine, |cgroup| cgroup.total_memory.min(machine))
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
        Some(Usage {
            used: self.own_memory()?,
            limit: self.limit(),
        })
    }
}
