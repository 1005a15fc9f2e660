//! The jobs that a child was given before their turn. It runs them in their order, and hands back those that it
//! doesn't come to soon, or is asked for.

use std::collections::VecDeque;
use std::sync::Arc;

use super::child::{Child, Seat};
use super::frame::Kind;
use super::pace::Pace;
use super::pool::PoolOptions;
use crate::clock::Tick;
use crate::engine::Attempt;

/// What waits in a child.
#[derive(Debug, Default)]
pub(super) struct Prefetched {
    /// In the order in which they were sent.
    queue: VecDeque<Arc<Attempt>>,
    pace: Pace,
    /// Whether its job was sent, so that others can be sent behind it.
    open: bool,
    /// Whether it was asked to hand back what has not begun, and hasn't done so.
    recalled: bool,
    /// The job that stands still, or is to as soon as nothing waits behind it.
    pub(super) paused: Option<u64>,
}

impl Prefetched {
    /// Another job begins that is not sent yet.
    pub(super) fn shut(&mut self) {
        (self.open, self.recalled, self.paused) = (false, false, None);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// A job has ended.
    pub(super) fn ends(&mut self, now: Option<Tick>) {
        if let Some(now) = now {
            self.pace.ends(now);
        }
    }

    /// The turn of the next one has come.
    pub(super) fn next(&mut self) -> Option<Arc<Attempt>> {
        self.paused = None;
        let next = self.queue.pop_front();
        match next {
            Some(_) => self.pace.begins_in_turn(),
            // Whoever has nothing has nothing to hand back.
            None => self.recalled = false,
        }
        next
    }
}

impl Child {
    /// Its job `key` was sent: others can be sent behind it.
    pub(super) fn open(&self, key: u64, now: Tick) {
        let mut seat = self.seat.lock();
        // It may have ended by now, and another one be about to be sent.
        if seat.running.as_ref().is_some_and(|job| job.key() == key) {
            seat.prefetched.pace.begins(now);
            seat.prefetched.open = true;
        }
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
        let limited = running.limits().cpu.is_some() || running.stop_signal().is_set();
        if limited || !seat.takes_more() {
            return None;
        }
        let left = options.max_jobs_per_child.map_or(usize::MAX, |most| {
            usize::try_from(u64::from(most).saturating_sub(seat.jobs + 1)).unwrap_or(usize::MAX)
        });
        let most = seat.prefetched.pace.room().min(left);
        let enough = most == 0 || 2 * seat.prefetched.queue.len() > most;
        (!enough).then(|| (Arc::clone(running), most))
    }

    /// Takes in an attempt that is to begin at the end of the attempt `after`, and is to be sent; `false`
    /// where that can't be here.
    pub(super) fn queue_up(&self, after: u64, attempt: &Arc<Attempt>) -> bool {
        let mut seat = self.seat.lock();
        let last = seat.prefetched.queue.back().or(seat.running.as_ref());
        let follows = last.is_some_and(|last| last.key() == after);
        let taken = follows && seat.takes_more();
        if taken {
            seat.prefetched.queue.push_back(Arc::clone(attempt));
        }
        taken
    }

    /// Whether the attempt `key` waits for its turn here.
    pub(super) fn has_prefetched(&self, key: u64) -> bool {
        let seat = self.seat.lock();
        seat.prefetched
            .queue
            .iter()
            .any(|attempt| attempt.key() == key)
    }

    /// Has it hand back what it has not begun.
    pub(super) fn recall(&self) {
        self.seat.lock().prefetched.recalled = true;
        // It is shorter than a frame can be.
        let _ = self.link.send(Kind::Recall, 0, [&[], &[]]);
    }

    /// What was to follow its job couldn't.
    pub(super) fn stumbles(&self) {
        self.seat.lock().prefetched.pace.stumbles();
    }

    /// It hands back jobs, whether it was asked to or not.
    pub(super) fn hands_back(&self) {
        let prefetched = &mut self.seat.lock().prefetched;
        if !std::mem::take(&mut prefetched.recalled) {
            prefetched.pace.stumbles();
        }
    }

    /// Takes out the attempt `key`, whose turn had not come.
    pub(super) fn take_out(&self, key: u64) -> Option<Arc<Attempt>> {
        let queue = &mut self.seat.lock().prefetched.queue;
        let at = queue.iter().rposition(|attempt| attempt.key() == key)?;
        queue.remove(at)
    }

    /// It has ended: takes out all whose turn had not come. No other one is taken in.
    pub(super) fn take_out_all(&self) -> Vec<Arc<Attempt>> {
        let mut seat = self.seat.lock();
        seat.fate.doomed = true;
        seat.unseen = None;
        seat.prefetched.shut();
        seat.prefetched.queue.drain(..).collect()
    }
}

impl Seat {
    /// Whether another job may be sent behind those that it has.
    fn takes_more(&self) -> bool {
        let sound = self.ready && self.next.is_none() && self.fate.goes_on();
        sound && self.prefetched.open && self.prefetched.paused.is_none()
    }
}
