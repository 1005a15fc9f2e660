//! What the processes in a Job Object use.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::job_object::JobObject;

/// The Job Objects in use, by the numbers of their first processes, which are theirs until they are gone.
static IN_USE: Mutex<Option<HashMap<u32, Weak<JobObject>>>> = Mutex::new(None);

/// A tree begins with this process.
pub(super) fn enter(pid: u32, job: &Arc<JobObject>) {
    let mut known = IN_USE.lock();
    let known = known.get_or_insert_default();
    known.insert(pid, Arc::downgrade(job));
}

/// Nothing is left of that tree.
pub(super) fn leave(pid: u32) {
    if let Some(known) = &mut *IN_USE.lock() {
        known.remove(&pid);
    }
}

/// Looks at the processes in a Job Object.
pub(crate) struct Meter {
    job: Weak<JobObject>,
    system: System,
}

impl Meter {
    /// For the tree that begins with the process `pid`.
    pub(crate) fn new(pid: u32) -> Self {
        let known = IN_USE.lock();
        let job = known.as_ref().and_then(|known| known.get(&pid).cloned());
        Self {
            job: job.unwrap_or_default(),
            system: System::new(),
        }
    }

    /// The resident bytes (working sets) of all, and the processor time of all that have been in it; `None`
    /// where nothing is there.
    pub(crate) fn look(&mut self) -> Option<(u64, Duration)> {
        let job = self.job.upgrade()?;
        let pids: Vec<Pid> = job.processes().into_iter().map(Pid::from_u32).collect();
        if pids.is_empty() {
            return None;
        }
        let kind = ProcessRefreshKind::nothing().with_memory();
        let which = ProcessesToUpdate::Some(&pids);
        self.system.refresh_processes_specifics(which, true, kind);
        let found = pids.iter().filter_map(|pid| self.system.process(*pid));
        let resident = found.map(sysinfo::Process::memory).sum();
        Some((resident, job.usage()?.cpu_time))
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter").finish_non_exhaustive()
    }
}
