//! What a child has while it runs nothing. It tells that with the end of a job, so that its pool need not look
//! at it where the next one begins at once.

use std::fs::File;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{WaitId, WaitIdOptions, waitid};
use rustix::time::{ClockId, clock_gettime};

use super::message::{LEFT, left};
use crate::limits::Times;
use crate::process::Sizes;

/// Looks at the process that it is part of.
#[derive(Debug)]
pub struct Mirror {
    /// None where the system has no such file.
    statm: Option<File>,
}

impl Mirror {
    /// One of this process, and of none that is forked from it.
    pub fn new() -> Self {
        Self {
            statm: File::open("/proc/self/statm").ok(),
        }
    }

    /// What this process has, as its pool reads it; `reaped` is the processor time of its children that it has
    /// waited for. `None` where one lives that it hasn't waited for, or where the system doesn't say.
    pub fn left(&self, reaped: Duration) -> Option<[u8; LEFT]> {
        if !has_no_child() {
            return None;
        }
        let sizes = Sizes::read(self.statm.as_ref()?).ok()?;
        let own = Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).ok()?;
        Some(left(sizes, Times { own, reaped }))
    }
}

impl Default for Mirror {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether all that this process has started has ended and was waited for.
fn has_no_child() -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    matches!(waitid(WaitId::All, options), Err(Errno::CHILD))
}
