//! What a child uses for a job.

use std::fs::File;
use std::io::Write;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::time::{ClockId, clock_gettime};

/// The processor time of this process, job by job, and its peak of memory.
pub(super) struct Usage {
    told: Mutex<Duration>,
    /// Where its peak is forgotten; none where the system can't.
    peak: Option<File>,
}

impl Usage {
    pub(super) fn new() -> Self {
        let peak = File::options().write(true).open("/proc/self/clear_refs");
        Self {
            told: Mutex::new(processor_time()),
            peak: peak.ok(),
        }
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
