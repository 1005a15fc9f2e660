//! What the processes of a tree use together, where the system itself says which belong to it.

use super::used::Used;
use crate::limits::{Limits, Root};
use crate::process::Meter;

/// A tree of processes.
#[derive(Debug)]
pub(super) struct Tree {
    meter: Meter,
    used: Used,
}

/// The root of a tree, to be watched again: nothing of it is kept on this system.
#[derive(Debug)]
pub(super) struct Top {
    pid: u32,
}

impl Top {
    /// The number of the process.
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether it has gone: nobody keeps it.
    pub(super) fn is_gone(&self) -> bool {
        true
    }
}

impl Tree {
    /// The tree from `root` on.
    pub(super) fn new(root: Root, _: Option<Top>) -> Self {
        Self {
            meter: Meter::new(root.pid()),
            used: Used::default(),
        }
    }

    /// The memory that its root had before: none.
    pub(super) fn memory_before(&self) -> u64 {
        0
    }

    /// Whether its root is a process that runs on without it: none does.
    pub(super) fn runs_on(&self) -> bool {
        false
    }

    /// Nothing.
    pub(super) fn take_top(&mut self) -> Option<Top> {
        None
    }

    /// Looks at everything; `None` once nothing is left.
    pub(super) fn look(&mut self, _: &Limits) -> Option<Used> {
        let (resident, cpu_time) = self.meter.look()?;
        self.used = Used {
            resident,
            cpu_time: cpu_time.max(self.used.cpu_time),
            ..Used::default()
        };
        Some(self.used)
    }

    /// The same: nothing is saved by looking at less.
    pub(super) fn look_again(&mut self, limits: &Limits) -> Option<Used> {
        self.look(limits)
    }

    /// The same: the root is not looked at by itself.
    pub(super) fn look_at_top(&mut self) -> Option<Used> {
        self.look(&Limits::NONE)
    }

    /// `None`: nothing is saved by asking first.
    pub(super) fn unmoved(&self) -> Option<Used> {
        None
    }

    /// The same: nothing is saved by looking at less.
    pub(super) fn glance(&mut self) -> Used {
        self.look(&Limits::NONE).unwrap_or(self.used)
    }

    /// Unknown on this system.
    pub(super) fn proportional(&self) -> Option<u64> {
        None
    }
}
