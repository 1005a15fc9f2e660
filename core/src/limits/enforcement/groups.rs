//! The strongest that a Unix system without control groups gives: limits of the system where they stop a
//! runaway, and sampling in any case.

use std::io;
use std::path::Path;

use rustix::process::Resource as System;

use crate::limits::{Isolation, Limits};
use crate::process::Launch;

/// Knows what this system gives, once for an engine.
#[derive(Debug)]
pub struct Enforcer {
    _private: (),
}

/// How the limits of one attempt are enforced besides sampling.
#[derive(Debug)]
pub struct Enforcement {
    /// What it counts for: sampling.
    pub isolation: Isolation,
    /// Limits of the system for each of its processes: resource, soft, hard.
    pub rlimits: Vec<(i32, u64, u64)>,
}

impl Enforcer {
    /// Finds out what this system gives.
    pub fn find() -> Self {
        Self { _private: () }
    }

    /// For a command that runs `program`. Memory is sampled only: what Unix systems other than Linux hold a
    /// process to (`RLIMIT_DATA`, `RLIMIT_AS`), allocators there don't use. A second more of processor time
    /// than it may have stops a process between two looks at it.
    pub fn prepare(&self, limits: &Limits, _program: &Path) -> Enforcement {
        let time = limits.cpu_time.map(|time| time.as_secs() + 2);
        let rlimits = time.map(|most| (System::Cpu as i32, most, most + 1));
        Enforcement {
            isolation: Isolation::Sampling,
            rlimits: rlimits.into_iter().collect(),
        }
    }
}

impl Enforcement {
    /// Holds what is launched to its limits.
    ///
    /// # Errors
    /// None.
    pub(crate) fn apply(&self, launch: &mut Launch) -> io::Result<()> {
        launch.limits.clone_from(&self.rlimits);
        Ok(())
    }

    /// Whether the system says that it has ended the tree for want of memory: it never does.
    pub(crate) fn ran_out(&self) -> bool {
        false
    }
}
