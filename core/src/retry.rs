//! When a failed job is tried again: a pure function of the attempt, with the randomness passed in.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How the delay grows from one retry to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backoff {
    /// Doubles each time, at most [`RetryPolicy::LONGEST_DELAY`], with full jitter: a uniformly
    /// random part of it ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
    #[default]
    Exponential,
    /// Always the same.
    Fixed,
}

/// How often and when a failed job is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Attempts after the first; default 0.
    pub retries: u32,
    /// The delay before the first retry; default 1 s.
    pub delay: Duration,
    /// How the delay grows; default exponential.
    pub backoff: Backoff,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            retries: 0,
            delay: Duration::from_secs(1),
            backoff: Backoff::default(),
        }
    }
}

impl RetryPolicy {
    /// No exponential delay grows past this: 10 minutes.
    pub const LONGEST_DELAY: Duration = Duration::from_secs(600);

    /// The delay before the retry that follows failure number `failures` (from 1). `luck` is a
    /// uniformly random number in [0, 1).
    pub fn delay_after(&self, failures: u32, luck: f64) -> Duration {
        match self.backoff {
            Backoff::Fixed => self.delay,
            Backoff::Exponential => self.ceiling(failures).mul_f64(luck.clamp(0.0, 1.0)),
        }
    }

    /// The longest that an exponential delay can be after `failures` failures. A first delay
    /// above the cap is itself the cap.
    pub fn ceiling(&self, failures: u32) -> Duration {
        let cap = Self::LONGEST_DELAY.max(self.delay);
        let doublings = failures.saturating_sub(1).min(31);
        self.delay
            .checked_mul(1 << doublings)
            .map_or(cap, |delay| delay.min(cap))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_cap_and_never_overflow() {
        let policy = RetryPolicy::default();
        let seconds = |failures| policy.ceiling(failures).as_secs();
        assert_eq!(
            [seconds(1), seconds(2), seconds(3), seconds(10)],
            [1, 2, 4, 512]
        );
        assert_eq!(
            [seconds(11), seconds(34), seconds(1_000), seconds(u32::MAX)],
            [600; 4]
        );
    }

    #[test]
    fn jitter_takes_a_part_of_the_delay() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.delay_after(3, 0.0), Duration::ZERO);
        assert_eq!(policy.delay_after(3, 0.5), Duration::from_secs(2));
    }

    #[test]
    fn a_fixed_delay_stays() {
        let policy = RetryPolicy {
            backoff: Backoff::Fixed,
            ..RetryPolicy::default()
        };
        assert_eq!(policy.delay_after(1_000, 0.0), Duration::from_secs(1));
    }
}
