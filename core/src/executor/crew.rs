//! How many runners there are for what waits, and when one may go without leaving work behind.

use std::sync::atomic::Ordering;

use crate::sync::AtomicUsize;

/// The count of the runners of one queue. Whoever puts something on the queue asks afterwards
/// whether the crew [`lacks`](Self::lacks) a runner; whoever finds the queue empty
/// [`leave`](Self::leave)s.
#[derive(Debug)]
pub(crate) struct Crew {
    runners: AtomicUsize,
    most: usize,
}

impl Crew {
    /// No runners yet, and about `most` of them at once.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            runners: AtomicUsize::new(0),
            most,
        }
    }

    /// Whether one more runner is called for, where so many wait.
    pub(crate) fn lacks(&self, ready: usize) -> bool {
        self.runners.load(Ordering::SeqCst) < ready.min(self.most)
    }

    /// Counts a runner that is about to look at the queue.
    pub(crate) fn join(&self) {
        self.runners.fetch_add(1, Ordering::SeqCst);
    }

    /// Counts out a runner that found nothing. `false` where it must go on after all.
    pub(crate) fn leave(&self, is_empty: impl FnOnce() -> bool) -> bool {
        self.runners.fetch_sub(1, Ordering::SeqCst);
        // What came between the last look and the count above would wait for nobody.
        if is_empty() {
            return true;
        }
        self.join();
        false
    }
}
