//! A clock that a test moves by hand.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::{Clock, Tick, Timestamp, Wait, micros};

/// A clock that stands still until [`advance`](Self::advance) moves it. Both its times move
/// together, and whoever waits for a time that has come is woken.
#[derive(Debug)]
pub struct ManualClock {
    epoch: Timestamp,
    elapsed: Mutex<u64>,
    moved: watch::Sender<u64>,
}

impl ManualClock {
    /// A clock that shows `start` and stands still.
    pub fn new(start: Timestamp) -> Self {
        Self {
            epoch: start,
            elapsed: Mutex::new(0),
            moved: watch::Sender::new(0),
        }
    }

    /// Moves the clock `by` forward and wakes those whose time has come.
    pub fn advance(&self, by: Duration) {
        let elapsed = {
            let mut elapsed = self.elapsed.lock();
            *elapsed = elapsed.saturating_add(micros(by));
            *elapsed
        };
        self.moved.send_replace(elapsed);
    }
}

impl Default for ManualClock {
    /// A clock that starts at 2026-01-01T00:00:00Z.
    fn default() -> Self {
        Self::new(Timestamp::from_millis(1_767_225_600_000))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.epoch
            .after(Duration::from_micros(*self.elapsed.lock()))
    }

    fn tick(&self) -> Tick {
        Tick::from_micros(*self.elapsed.lock())
    }

    fn wait_until(&self, tick: Tick) -> Wait<'_> {
        let mut moved = self.moved.subscribe();
        Box::pin(async move {
            // The sender lives in `self`, which this future borrows: waiting cannot fail.
            let _ = moved.wait_for(|elapsed| *elapsed >= tick.micros()).await;
        })
    }
}
