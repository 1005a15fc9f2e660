//! What waits for a runner of an executor.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;

use crate::hot_mutex::HotMutex;
use crate::sync::AtomicBool;

/// A queue that can be asked without its lock whether it is empty.
///
/// Whoever leaves work for the one who fills this queue, and then finds that it is not
/// [`is_hungry`](Self::is_hungry), need do nothing more: whoever takes the last one out looks for
/// more work after that. For if it looked before the work was left, what it had said of the queue
/// is seen by whoever left the work, since both took the lock of the place where it is left.
#[derive(Debug)]
pub(crate) struct Ready<T> {
    queue: HotMutex<VecDeque<T>>,
    /// Changed under the lock, and only when it changes: so looking at it costs nobody anything.
    hungry: AtomicBool,
}

impl<T> Ready<T> {
    pub(crate) fn new() -> Self {
        Self {
            queue: HotMutex::new(VecDeque::new()),
            hungry: AtomicBool::new(true),
        }
    }

    pub(crate) fn push(&self, one: T) {
        let mut queue = self.queue.lock();
        if queue.is_empty() {
            self.hungry.store(false, Ordering::Release);
        }
        queue.push_back(one);
    }

    /// Takes the first, and says whether it was the last: who gets that looks for more.
    pub(crate) fn pop(&self) -> Option<(T, bool)> {
        let mut queue = self.queue.lock();
        let one = queue.pop_front()?;
        let last = queue.is_empty();
        if last {
            self.hungry.store(true, Ordering::Release);
        }
        Some((one, last))
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.lock().len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it was empty a moment ago.
    pub(crate) fn is_hungry(&self) -> bool {
        self.hungry.load(Ordering::Acquire)
    }
}
