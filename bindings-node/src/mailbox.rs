//! What other threads leave for the loop: numbers only.

use std::collections::VecDeque;

use parking_lot::Mutex;

use crate::bell::Bell;

/// Numbers for the loop to look at.
pub(crate) struct Mailbox {
    /// Jobs that have ended.
    pub(crate) ended: Tray,
    /// Waiters whose moment has come: listeners with an event, signals.
    pub(crate) ready: Tray,
    /// Live objects that nothing here refers to any more.
    pub(crate) released: Tray,
    /// How the loop learns of it.
    pub(crate) bell: Bell,
}

impl Mailbox {
    pub(crate) fn new(bell: Bell) -> Self {
        Self {
            ended: Tray::default(),
            ready: Tray::default(),
            released: Tray::default(),
            bell,
        }
    }

    /// The job with this number has ended.
    pub(crate) fn job_ended(&self, job: u32) {
        self.ended.put(job);
        self.bell.ring();
    }

    /// The moment of the waiter with this number has come.
    pub(crate) fn waiter_ready(&self, waiter: u32) {
        self.ready.put(waiter);
        self.bell.ring();
    }

    /// The live object with this number is let go. On the loop's own thread that can wait until it
    /// looks for another reason.
    pub(crate) fn object_released(&self, object: u32) {
        self.released.put(object);
        if !self.bell.is_home() {
            self.bell.ring();
        }
    }

    /// Whether something is there.
    pub(crate) fn is_empty(&self) -> bool {
        self.ended.is_empty() && self.ready.is_empty() && self.released.is_empty()
    }
}

/// Numbers that came, in their order. The loop takes many at a time, for the price of one.
#[derive(Default)]
pub(crate) struct Tray(Mutex<VecDeque<u32>>);

impl Tray {
    fn put(&self, number: u32) {
        self.0.lock().push_back(number);
    }

    /// Moves the first numbers, `most` of them at most, to `taken`.
    pub(crate) fn take(&self, most: usize, taken: &mut Vec<u32>) {
        let mut numbers = self.0.lock();
        let count = most.min(numbers.len());
        taken.extend(numbers.drain(..count));
    }

    fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }
}
