//! A process that runs, and everything that comes of it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::job_object::JobObject;
use super::sys;

/// A handle to a process and everything that it has started. Dropped, it ends them all.
pub struct Tree {
    pub(super) pid: u32,
    pub(super) job: Arc<JobObject>,
    /// Nothing is left, so that its number may be that of another one.
    pub(super) gone: Arc<AtomicBool>,
}

impl Tree {
    /// Asks the process and its group to end (CTRL_BREAK), where they share the console of this process.
    pub fn terminate(&self) {
        if !self.gone.load(Ordering::Acquire) {
            // Where there is no console, there is nothing to ask it by: it has its grace.
            let _ = sys::send_break(self.pid);
        }
    }

    /// Ends everything of the tree, at once and surely.
    pub fn kill(&self) {
        self.job.end();
    }

    /// Nothing: Windows has no call for it.
    pub fn freeze(&self) {}

    /// Nothing.
    pub fn thaw(&self) {}

    /// Nothing: no process of ours is there that could show it.
    pub fn title(&self, _: &str) {}
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tree")
            .field("pid", &self.pid)
            .finish_non_exhaustive()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        self.kill();
    }
}
