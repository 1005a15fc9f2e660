//! Slows a tree down to its share of the processors by freezing and thawing it: a token bucket of processor
//! time, whose debts are slept off.

use std::time::Duration;

/// How long a share may be saved up.
const BURST: f64 = 0.25;

/// The shortest and the longest time until the next look.
const LEAST: f64 = 0.02;
const MOST: f64 = 0.2;

#[derive(Debug)]
pub(super) struct Throttle {
    /// Cores.
    share: f64,
    /// Seconds of processor time that it may use now; below 0 it has used too much.
    credit: f64,
    /// When it was looked at last, and what it had used by then.
    last: (Duration, Duration),
    /// Cores that it used between the last two looks.
    speed: f64,
    frozen: bool,
    told: bool,
}

impl Throttle {
    pub(super) fn new(milli: u64, now: Duration, cpu_time: Duration) -> Self {
        let share = milli as f64 / 1_000.0;
        Self {
            share,
            credit: share * BURST,
            last: (now, cpu_time),
            speed: 0.0,
            frozen: false,
            told: false,
        }
    }

    /// `Some(true)` to freeze it now, `Some(false)` to thaw it.
    pub(super) fn observe(&mut self, now: Duration, cpu_time: Duration) -> Option<bool> {
        let (at, before) = self.last;
        let passed = now.saturating_sub(at).as_secs_f64();
        let used = cpu_time.saturating_sub(before).as_secs_f64();
        self.last = (now, cpu_time.max(before));
        if passed > 0.0 {
            self.speed = used / passed;
        }
        self.credit = (self.credit + self.share * passed).min(self.share * BURST) - used;
        let freeze = self.credit < 0.0;
        let changed = freeze != self.frozen;
        self.frozen = freeze;
        changed.then_some(freeze)
    }

    pub(super) fn is_frozen(&self) -> bool {
        self.frozen
    }

    /// The use in thousandths of a core, where this is the first time that it is frozen.
    pub(super) fn begins(&mut self) -> Option<u64> {
        let first = self.frozen && !self.told;
        self.told |= first;
        first.then_some((self.speed * 1_000.0) as u64)
    }

    /// How long until it may have to be frozen or thawed.
    pub(super) fn next(&self) -> Duration {
        let seconds = if self.frozen {
            -self.credit / self.share
        } else {
            self.credit / (self.speed - self.share).max(f64::MIN_POSITIVE)
        };
        Duration::from_secs_f64(seconds.clamp(LEAST, MOST))
    }
}
