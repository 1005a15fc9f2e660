//! The clocks of the operating system.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{Clock, Tick, Timestamp, Wait, micros};

/// The operating system's wall clock and monotonic clock.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the adapter of the clock"
    )]
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the adapter of the clock"
    )]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_micros(micros(since_epoch))
    }

    fn tick(&self) -> Tick {
        Tick::from_micros(micros(self.start.elapsed()))
    }

    fn wait_until(&self, tick: Tick) -> Wait<'_> {
        let deadline = self.start + Duration::from_micros(tick.micros());
        Box::pin(tokio::time::sleep_until(deadline.into()))
    }
}
