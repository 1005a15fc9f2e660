//! What a child uses for a job.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::process::getppid;
use rustix::time::{ClockId, clock_gettime};

use crate::process::Sizes;

/// The processor time of this process, job by job, its memory and that at its peak, and its children.
pub(super) struct Usage {
    told: Mutex<Duration>,
    /// These are none where the system doesn't say.
    statm: Option<File>,
    children: Option<File>,
    /// The children of its parent, which takes in what loses its parent here and has no other child.
    adopted: Option<File>,
    /// Where its peak is forgotten; none where the system can't.
    peak: Option<File>,
}

impl Usage {
    /// Of the process, and of the children of this thread.
    pub(super) fn new() -> Self {
        let peak = File::options().write(true).open("/proc/self/clear_refs");
        let parent = getppid().map_or(0, |parent| parent.as_raw_nonzero().get());
        let adopted = File::open(format!("/proc/{parent}/task/{parent}/children"));
        Self {
            told: Mutex::new(processor_time()),
            statm: File::open("/proc/self/statm").ok(),
            children: File::open("/proc/thread-self/children").ok(),
            adopted: adopted.ok(),
            peak: peak.ok(),
        }
    }

    /// The memory that this process has.
    pub(super) fn sizes(&self) -> Sizes {
        let read = |statm| Sizes::read(statm).ok();
        self.statm.as_ref().and_then(read).unwrap_or_default()
    }

    /// Whether the thread that made this has started a process that has not been waited for, or one that has
    /// lost its parent since; or that may be so.
    pub(super) fn has_children(&self) -> bool {
        let mut text = [0; 32];
        let mut read = |children: &File| {
            let length = children.read_at(&mut text, 0).ok()?;
            let text = str::from_utf8(&text[..length]).ok()?;
            // No two numbers of processes need more.
            let whole = length < 32;
            let mut pids = text.split_whitespace().map(str::parse::<u32>);
            let others = pids.any(|pid| pid != Ok(std::process::id()));
            Some(others || !whole)
        };
        [&self.children, &self.adopted].into_iter().any(|children| {
            let others = children.as_ref().and_then(&mut read);
            others.unwrap_or(true)
        })
    }

    /// Begins to measure the peak anew: proc(5), clear_refs.
    pub(super) fn forget_peak(&self) {
        if let Some(mut peak) = self.peak.as_ref() {
            // A peak that can't be forgotten is one of an earlier job.
            let _ = peak.write_all(b"5");
        }
    }

    /// The processor time since this was asked last. What a process did between two jobs was for the next
    /// one.
    pub(super) fn processor_time(&self) -> Duration {
        let now = processor_time();
        let before = std::mem::replace(&mut *self.told.lock(), now);
        now.saturating_sub(before)
    }
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
