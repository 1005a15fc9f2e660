//! How what is used of one thing stands to its limit.

use std::time::Duration;

/// From how many percent of a limit on it is near; below the second it is no longer.
const NEAR: u64 = 90;
const FAR: u64 = 80;

/// Whether so much is near its limit, or above it.
pub(super) fn is_near(used: u64, limit: u64) -> bool {
    used > 0 && reaches(used, limit, NEAR)
}

fn reaches(used: u64, limit: u64, percent: u64) -> bool {
    u128::from(used) * 100 >= u128::from(limit) * u128::from(percent)
}

/// What there is to say of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Nothing, or nothing new.
    Fine,
    /// It has come near its limit.
    Near,
    /// It was above its limit for as long as it may be.
    Over,
}

/// What is used of one thing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Level {
    peak: u64,
    told: Option<Seen>,
    over_since: Option<Duration>,
}

impl Level {
    /// The most that was used.
    pub(super) fn peak(&self) -> u64 {
        self.peak
    }

    /// What there is to say of it, once for each time that it gets there.
    pub(super) fn observe(
        &mut self,
        now: Duration,
        used: u64,
        limit: u64,
        grace: Duration,
    ) -> Seen {
        self.peak = self.peak.max(used);
        if used > limit {
            let since = *self.over_since.get_or_insert(now);
            if now.saturating_sub(since) >= grace {
                return self.tell(Seen::Over);
            }
        } else {
            self.over_since = None;
        }
        if is_near(used, limit) {
            return self.tell(Seen::Near);
        }
        if !reaches(used, limit, FAR) {
            self.told = None;
        }
        Seen::Fine
    }

    fn tell(&mut self, seen: Seen) -> Seen {
        match (self.told, seen) {
            (None, _) | (Some(Seen::Near), Seen::Over) => {
                self.told = Some(seen);
                seen
            }
            _ => Seen::Fine,
        }
    }

    /// How long until it was above its limit for `grace`, where it is above it.
    pub(super) fn until(&self, now: Duration, grace: Duration) -> Option<Duration> {
        let since = self.over_since?;
        let waits = self.told != Some(Seen::Over);
        waits.then(|| (since + grace).saturating_sub(now))
    }
}
