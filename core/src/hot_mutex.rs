//! A mutex for critical sections of well under a microsecond.

use crate::sync::{Mutex, MutexGuard};

/// How often a taken lock is looked at again before its waiter goes to sleep: a few microseconds,
/// about what going to sleep and being woken costs. A model would go through each look.
const SPINS: u32 = if cfg!(loom) { 0 } else { 100 };

/// A mutex that is held so briefly that waiting for it awake is cheaper than asleep.
#[derive(Debug, Default)]
pub(crate) struct HotMutex<T>(Mutex<T>);

impl<T> HotMutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        for _ in 0..SPINS {
            if let Some(guard) = self.0.try_lock() {
                return guard;
            }
            std::hint::spin_loop();
        }
        self.0.lock()
    }
}
