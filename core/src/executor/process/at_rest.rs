//! What a child has while it runs nothing. It tells that with the end of a job, so that its pool need not look
//! at it when the next one begins at once.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::io::Errno;
use rustix::process::{WaitId, WaitIdOptions, waitid};
use rustix::time::{ClockId, clock_gettime};

use super::message::AtRest;
use crate::limits::Times;
use crate::process::Sizes;

/// Looks at the process that it is part of.
#[derive(Debug)]
pub struct Mirror {
    /// None where the system has no such file.
    statm: Option<File>,
}

impl Mirror {
    /// One of this process, and of none that it forks.
    pub fn new() -> Self {
        Self {
            statm: File::open("/proc/self/statm").ok(),
        }
    }

    /// What this process has; its children that it has waited for have used `reaped`. `None` where one lives
    /// that it hasn't waited for, or where the system doesn't say.
    pub fn at_rest(&self, reaped: Duration) -> Option<AtRest> {
        None
    }
}
