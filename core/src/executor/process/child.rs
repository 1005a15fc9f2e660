//! One child of a pool, as its parent sees it.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use parking_lot::Mutex;

use super::kept::{Frozen, Kept, keep, set_frozen};
use super::link::Link;
use super::nursery::Nursery;
use crate::engine::Attempt;
use crate::executor::Assignment;
use crate::process::Processes;

/// One child.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) number: u64,
    pub(super) link: Arc<Link>,
    pub(super) nursery: Arc<dyn Nursery>,
    seat: Mutex<Seat>,
}

#[derive(Debug, Default)]
struct Seat {
    /// Its process, once it is born.
    pid: Option<u32>,
    /// What it is given next: once it is born, or by whoever has seated it.
    next: Option<Assignment>,
    running: Option<Arc<Attempt>>,
    /// It is looked after while it runs something.
    kept: Option<Kept>,
    frozen: Frozen,
    /// How many jobs it has run.
    jobs: u64,
    /// What says how large it is.
    size: Option<File>,
    /// Whether it is being killed.
    doomed: bool,
    /// What it did that it must not, and is killed for.
    fault: Option<String>,
}

impl Child {
    /// A child to be, which will run `first`.
    pub(super) fn new(
        number: u64,
        link: Arc<Link>,
        nursery: Arc<dyn Nursery>,
        first: Assignment,
    ) -> Self {
        let seat = Seat {
            running: Some(Arc::clone(&first.attempt)),
            next: Some(first),
            ..Seat::default()
        };
        Self {
            number,
            link,
            nursery,
            seat: Mutex::new(seat),
        }
    }

    /// It runs.
    pub(super) fn born(&self, pid: u32, measured: bool) {
        let mut seat = self.seat.lock();
        seat.pid = Some(pid);
        seat.size = measured
            .then(|| File::open(format!("/proc/{pid}/status")).ok())
            .flatten();
    }

    /// What it is to be given now, unless that was taken back.
    pub(super) fn take_next(&self) -> Option<Assignment> {
        self.seat.lock().next.take()
    }

    /// Takes back what it was to do, if it was not given that yet.
    pub(super) fn take_back(&self) -> Option<Assignment> {
        let mut seat = self.seat.lock();
        let next = seat.next.take()?;
        seat.running = None;
        Some(next)
    }

    /// Takes back what it was to do and was not given, after it had been born.
    pub(super) fn take_from_born(&self) -> Option<Assignment> {
        self.seat.lock().pid?;
        self.take_back()
    }

    /// It runs this from now on, and is to be given it.
    pub(super) fn occupy(&self, assignment: Assignment) {
        let mut seat = self.seat.lock();
        seat.running = Some(Arc::clone(&assignment.attempt));
        seat.next = Some(assignment);
    }

    /// What it runs, if that is the attempt `key`.
    pub(super) fn runs(&self, key: u64) -> Option<Arc<Attempt>> {
        let seat = self.seat.lock();
        seat.running.clone().filter(|attempt| attempt.key() == key)
    }

    /// Looks after it from now on, while it runs `attempt`.
    pub(super) fn look_after(self: &Arc<Self>, processes: &Processes, attempt: &Arc<Attempt>) {
        let Some(pid) = self.seat.lock().pid else {
            return;
        };
        let kept = keep(processes, self, pid, attempt);
        let before = self.seat.lock().kept.replace(kept);
        drop(before);
    }

    /// Changes who wants it to stand still; `false` where it has no process.
    pub(super) fn hold(&self, change: impl FnOnce(&mut Frozen)) -> bool {
        // What is sent to it is in the order of what was wanted.
        let mut seat = self.seat.lock();
        change(&mut seat.frozen);
        let (pid, frozen) = (seat.pid, seat.frozen);
        if let Some(pid) = pid {
            set_frozen(pid, frozen);
        }
        pid.is_some()
    }

    /// What it ran, which has ended. It is looked at for a last time.
    pub(super) fn vacate(&self) -> Option<Arc<Attempt>> {
        let (attempt, kept) = {
            let mut seat = self.seat.lock();
            seat.jobs += 1;
            seat.frozen = Frozen::default();
            (seat.running.take(), seat.kept.take())
        };
        drop(kept);
        attempt
    }

    /// Whether it is to be replaced: it is being killed, it has run so many jobs, or has grown so large.
    pub(super) fn is_used_up(&self, most_jobs: Option<u32>, largest: Option<u64>) -> bool {
        let seat = self.seat.lock();
        let size = || seat.size.as_ref().map_or(0, resident);
        seat.doomed
            || most_jobs.is_some_and(|most| seat.jobs >= u64::from(most))
            || largest.is_some_and(|most| size() > most)
    }

    /// It runs the attempt `key` no longer, if nobody else has found that out yet.
    pub(super) fn leave(&self, key: u64) -> bool {
        let left = {
            let mut seat = self.seat.lock();
            let left = seat.running.take_if(|attempt| attempt.key() == key);
            left.map(|attempt| (attempt, seat.kept.take()))
        };
        left.is_some()
    }

    /// Ends it by force if it runs the attempt `key`: under the lock, so that it is no other one.
    pub(super) fn kill_with(&self, key: u64) {
        let mut seat = self.seat.lock();
        if seat
            .running
            .as_ref()
            .is_some_and(|attempt| attempt.key() == key)
        {
            seat.doomed = true;
            self.nursery.kill(self.number);
        }
    }

    /// Ends it by force, now that it is born, where it was to be ended before.
    pub(super) fn end_if_doomed(&self) -> bool {
        let doomed = self.seat.lock().doomed;
        if doomed {
            self.nursery.kill(self.number);
        }
        doomed
    }

    /// Ends it by force, for what it did.
    pub(super) fn condemn(&self, fault: Option<String>) {
        let mut seat = self.seat.lock();
        seat.fault = seat.fault.take().or(fault);
        seat.doomed = true;
        self.nursery.kill(self.number);
    }

    /// What it did that it was killed for.
    pub(super) fn fault(&self) -> Option<String> {
        self.seat.lock().fault.clone()
    }
}

/// The resident bytes of a process, by its file `status`: proc(5).
fn resident(size: &File) -> u64 {
    let mut text = [0; 4_096];
    let length = size.read_at(&mut text, 0).unwrap_or(0);
    let text = String::from_utf8_lossy(&text[..length]);
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1_024
}
