//! What other threads leave for the loop: numbers only.

use crossbeam_queue::SegQueue;

use crate::bell::Bell;

/// Numbers for the loop to look at.
pub(crate) struct Mailbox {
    /// Jobs that have ended.
    pub(crate) ended: SegQueue<u32>,
    /// Waiters whose moment has come: listeners with an event, signals.
    pub(crate) ready: SegQueue<u32>,
    /// Live objects that nothing here refers to any more.
    pub(crate) released: SegQueue<u32>,
    /// How the loop learns of it.
    pub(crate) bell: Bell,
}

impl Mailbox {
    pub(crate) fn new(bell: Bell) -> Self {
        Self {
            ended: SegQueue::new(),
            ready: SegQueue::new(),
            released: SegQueue::new(),
            bell,
        }
    }

    /// The job with this number has ended.
    pub(crate) fn job_ended(&self, job: u32) {
        self.ended.push(job);
        self.bell.ring();
    }

    /// The moment of the waiter with this number has come.
    pub(crate) fn waiter_ready(&self, waiter: u32) {
        self.ready.push(waiter);
        self.bell.ring();
    }

    /// The live object with this number is let go. On the loop's own thread that can wait until it
    /// looks for another reason.
    pub(crate) fn object_released(&self, object: u32) {
        self.released.push(object);
        if !self.bell.is_home() {
            self.bell.ring();
        }
    }

    /// Whether something is there.
    pub(crate) fn is_empty(&self) -> bool {
        self.ended.is_empty() && self.ready.is_empty() && self.released.is_empty()
    }
}
