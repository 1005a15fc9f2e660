//! Where time comes from. Everything else is told the time, so that tests own it.

mod manual;
mod system;

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use manual::ManualClock;
pub use system::SystemClock;

/// A point in wall-clock time: microseconds since 1970-01-01T00:00:00Z. For people and for what
/// must survive a restart; nothing that happens within one process is measured with it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The time `micros` microseconds after the epoch.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// The time `millis` milliseconds after the epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> u64 {
        self.0 / 1_000
    }

    /// Seconds since the epoch.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The time `duration` later; the end of time where that overflows.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }

    /// How long after `earlier` this is; zero where it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// A point on the engine's monotonic clock, in microseconds from an arbitrary start. Timeouts,
/// grace and the escrow's patience are measured with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(u64);

impl Tick {
    /// The tick `micros` microseconds after the start.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds from the start.
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// The tick `duration` later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }

    /// How long after `earlier` this is; zero where it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// The microseconds of a duration; the most that there are where it has more.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The future that [`Clock::wait_until`] gives.
pub type Wait<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A source of time: [`SystemClock`] in programs, [`ManualClock`] in tests.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The wall-clock time now.
    fn now(&self) -> Timestamp;

    /// The monotonic time now.
    fn tick(&self) -> Tick;

    /// Waits until the monotonic clock has reached `tick`.
    fn wait_until(&self, tick: Tick) -> Wait<'_>;
}
