//! The jobs that a child was given before their turn. It runs them in their order, and gives back those that it
//! doesn't come to soon, or is asked for.

use std::collections::VecDeque;
use std::sync::Arc;

use super::child::Child;
use super::frame::Kind;
use super::pace::Pace;
use super::pool::PoolOptions;
use crate::clock::Tick;
use crate::engine::Attempt;

/// What waits in a child.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// In the order in which they were sent.
    line: VecDeque<Arc<Attempt>>,
    pub(super) pace: Pace,
    /// Whether its job was sent, so that others can be sent behind it.
    open: bool,
    /// The job that is to stand still as soon as nothing waits behind it.
    pausing: Option<u64>,
}

impl Ahead {
    /// Another job begins that is not sent yet.
    pub(super) fn shut(&mut self) {
        (self.open, self.pausing) = (false, None);
    }

    /// The turn of the next one has come, at the end of the one before it.
    pub(super) fn next(&mut self, now: Option<Tick>) -> Option<Arc<Attempt>> {
        self.pausing = None;
        if let Some(now) = now {
            self.pace.ends(now);
        }
        self.line.pop_front()
    }
}

impl Child {
    /// Its job was sent.
    pub(super) fn open_line(&self, now: Tick) {
        let mut seat = self.seat.lock();
        seat.ahead.pace.begins(now);
        seat.ahead.open = true;
    }

    /// Behind which attempt it may be given more, and how many may wait there then.
    pub(super) fn room(&self, options: PoolOptions) -> Option<(Arc<Attempt>, usize)> {
        // Who is measured after each job, or can't be measured by itself, has one at a time.
        if !self.nursery.holding().prefetches
            || !self.sandbox.is_off()
            || options.max_memory_per_child.is_some()
        {
            return None;
        }
        let seat = self.seat.lock();
        let running = seat.running.as_ref()?;
        if !seat.is_sound() || !seat.ahead.open || running.stop_signal().is_set() {
            return None;
        }
        let left = options.max_jobs_per_child.map_or(usize::MAX, |most| {
            usize::try_from(u64::from(most).saturating_sub(seat.jobs + 1)).unwrap_or(usize::MAX)
        });
        let most = seat.ahead.pace.room().min(left);
        let limited = running.limits().cpu.is_some() || seat.ahead.pausing.is_some();
        let enough = most == 0 || 2 * seat.ahead.line.len() > most;
        (!limited && !enough).then(|| (Arc::clone(running), most))
    }

    /// Takes in an attempt that is to begin at the end of the attempt `before`, and is to be sent; `false`
    /// where that can't be here.
    pub(super) fn queue_up(&self, before: u64, attempt: &Arc<Attempt>) -> bool {
        let mut seat = self.seat.lock();
        let last = seat.ahead.line.back().or(seat.running.as_ref());
        let follows = last.is_some_and(|last| last.key() == before);
        let open = seat.is_sound() && seat.ahead.open && seat.ahead.pausing.is_none();
        if follows && open {
            seat.ahead.line.push_back(Arc::clone(attempt));
        }
        follows && open
    }

    /// Whether the attempt `key` waits for its turn here.
    pub(super) fn has_ahead(&self, key: u64) -> bool {
        let seat = self.seat.lock();
        seat.ahead.line.iter().any(|attempt| attempt.key() == key)
    }

    /// Has it give back what it has not begun.
    pub(super) fn recall(&self) {
        // It is shorter than a frame can be.
        let _ = self.link.send(Kind::Recall, 0, [&[], &[]]);
    }

    /// It gives back the attempt `key`, whose turn had not come.
    pub(super) fn return_one(&self, key: u64) -> Option<Arc<Attempt>> {
        let line = &mut self.seat.lock().ahead.line;
        let at = line.iter().rposition(|attempt| attempt.key() == key)?;
        line.remove(at)
    }

    /// It has ended: all whose turn had not come.
    pub(super) fn return_all(&self) -> Vec<Arc<Attempt>> {
        let mut seat = self.seat.lock();
        seat.ahead.shut();
        seat.ahead.line.drain(..).collect()
    }

    /// Stops its job `key` where it stands, as soon as nothing waits behind that; `false` where it doesn't
    /// run that in a process.
    pub(super) fn pause(&self, key: u64) -> bool {
        let waits = {
            let mut seat = self.seat.lock();
            let runs = seat.running.as_ref().is_some_and(|job| job.key() == key);
            let waits = runs && !seat.ahead.line.is_empty();
            seat.ahead.pausing = waits.then_some(key);
            waits
        };
        if waits {
            self.recall();
            return true;
        }
        self.hold(key, |frozen| frozen.paused = true)
    }

    /// Lets its job `key` run on.
    pub(super) fn resume(&self, key: u64) {
        self.seat.lock().ahead.pausing.take_if(|job| *job == key);
        self.hold(key, |frozen| frozen.paused = false);
    }

    /// Stops the job where it stands that was to stand still once nothing waits behind it.
    pub(super) fn pause_if_alone(&self) {
        let pausing = {
            let mut seat = self.seat.lock();
            let alone = seat.ahead.line.is_empty();
            alone.then(|| seat.ahead.pausing.take()).flatten()
        };
        if let Some(key) = pausing {
            self.hold(key, |frozen| frozen.paused = true);
        }
    }
}
