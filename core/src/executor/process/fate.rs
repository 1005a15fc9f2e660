//! What is to become of a child: whether it goes on, is replaced or is killed, and for what.

use std::fs::File;

use super::child::Child;
use super::message::Breakage;
use super::pool::PoolOptions;
use crate::process::Sizes;

/// What is known of a child's end.
#[derive(Debug, Default)]
pub(super) struct Fate {
    /// Whether it is being killed.
    pub(super) doomed: bool,
    /// The job that it is killed for.
    killed_for: Option<u64>,
    /// What it did that it must not, and is killed for.
    fault: Option<String>,
    /// What breaks it while it runs its job.
    pub(super) breakage: Option<Breakage>,
    /// Whether another is to take its place.
    spent: bool,
    /// What says how large it is, where that matters.
    pub(super) size: Option<File>,
}

impl Fate {
    /// Whether it is to run more than what it has.
    pub(super) fn goes_on(&self) -> bool {
        !self.doomed && !self.spent
    }
}

impl Child {
    /// Whether it is to be replaced: it is being killed, it has run so many jobs, or has grown so large.
    pub(super) fn is_used_up(&self, options: PoolOptions) -> bool {
        let seat = self.seat.lock();
        let resident = |statm| Sizes::read(statm).unwrap_or_default().resident;
        let size = || seat.fate.size.as_ref().map_or(0, resident);
        let (most_jobs, largest) = (options.max_jobs_per_child, options.max_memory_per_child);
        !seat.fate.goes_on()
            || most_jobs.is_some_and(|most| seat.jobs >= u64::from(most))
            || largest.is_some_and(|most| size() > most)
    }

    /// Another is to take its place after its job.
    pub(super) fn replace(&self) {
        self.seat.lock().fate.spent = true;
    }

    /// Ends it by force if it runs the attempt `key`: under the lock, so that it is no other one.
    pub(super) fn kill_with(&self, key: u64) {
        let mut seat = self.seat.lock();
        let runs = seat.running.as_ref().map(|attempt| attempt.key());
        if runs == Some(key) {
            seat.fate.doomed = true;
            seat.fate.killed_for = Some(key);
            self.nursery.kill(self.number);
        }
    }

    /// Whether it was killed for another job than `key`, which had ended by then.
    pub(super) fn was_killed_for_another(&self, key: u64) -> bool {
        let fate = &self.seat.lock().fate;
        fate.fault.is_none() && fate.killed_for.is_some_and(|job| job != key)
    }

    /// Ends it by force, now that it is born, where it was to be ended before.
    pub(super) fn end_if_doomed(&self) -> bool {
        let doomed = self.seat.lock().fate.doomed;
        if doomed {
            self.nursery.kill(self.number);
        }
        doomed
    }

    /// Ends it by force, for what it did.
    pub(super) fn condemn(&self, fault: Option<String>) {
        let fate = &mut self.seat.lock().fate;
        fate.fault = fate.fault.take().or(fault);
        fate.doomed = true;
        self.nursery.kill(self.number);
    }

    /// What it did that it was killed for.
    pub(super) fn fault(&self) -> Option<String> {
        self.seat.lock().fate.fault.clone()
    }

    /// It says what breaks it.
    pub(super) fn breaks(&self, breakage: Breakage) {
        self.seat.lock().fate.breakage = Some(breakage);
    }

    /// What broke it, as far as it could say.
    pub(super) fn breakage(&self) -> Option<Breakage> {
        self.seat.lock().fate.breakage.take()
    }
}
