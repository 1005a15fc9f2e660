//! How often a tree is looked at: seldom at rest, more often the sooner it may reach its limit.

use std::time::Duration;

use super::level::is_near;

/// The shortest time between two looks.
const LEAST: Duration = Duration::from_millis(20);

/// The longest near the limit.
const NEAR: Duration = Duration::from_millis(50);

/// How many looks there are to be, at the least, until a tree that grows on as it does is at its limit.
const LOOKS: u32 = 4;

/// How fast something grows, in bytes per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Growth(u64);

impl Growth {
    /// How much it grows in a time, if it goes on.
    pub(super) fn saturating_mul(self, time: Duration) -> u64 {
        let grown = self.0 as f64 * time.as_secs_f64();
        // A number that is too large becomes the largest there is; nothing is as much as the first byte.
        (grown as u64).max(u64::from(self.0 > 0))
    }

    /// How long it takes to grow by so much; `None` for ever.
    fn time_for(self, amount: u64) -> Option<Duration> {
        Duration::try_from_secs_f64(amount as f64 / self.0 as f64).ok()
    }
}

#[derive(Debug)]
pub(super) struct Pace {
    rest: Duration,
    last: Option<(Duration, u64)>,
    growth: Growth,
    interval: Duration,
}

impl Pace {
    /// At rest, a tree is looked at every `rest`.
    pub(super) fn new(rest: Duration) -> Self {
        Self {
            rest: rest.max(LEAST),
            last: None,
            growth: Growth(0),
            interval: LEAST,
        }
    }

    /// Whether it is looked at as seldom as can be.
    pub(super) fn is_at_rest(&self) -> bool {
        self.interval == self.rest
    }

    /// How fast it grows, now that it has so much.
    pub(super) fn grows(&mut self, now: Duration, memory: u64) -> Growth {
        match self.last {
            // A closer look at the same moment says nothing of growth.
            Some((at, _)) if now <= at => {}
            Some((at, before)) => {
                let seconds = (now - at).as_secs_f64();
                let grown = memory.saturating_sub(before) as f64 / seconds;
                self.growth = Growth(grown as u64);
                self.last = Some((now, memory));
            }
            None => self.last = Some((now, memory)),
        }
        self.growth
    }

    /// How long until the next look. It must not be later than `soonest`, as far as that can be.
    pub(super) fn next(
        &mut self,
        memory: u64,
        limit: Option<u64>,
        soonest: Option<Duration>,
    ) -> Duration {
        // What has just begun may do anything: it is looked at often, and then less and less.
        self.interval = (self.interval * 2).min(self.rest);
        let mut next = self.interval;
        if let Some(limit) = limit {
            let left = limit.saturating_sub(memory);
            if let Some(time) = self.growth.time_for(left) {
                next = next.min(time / LOOKS);
            }
            if is_near(memory, limit) {
                next = next.min(NEAR);
            }
        }
        if next < self.interval {
            self.interval = next.max(LEAST);
        }
        next.min(soonest.unwrap_or(next)).max(LEAST)
    }
}
