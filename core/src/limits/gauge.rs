//! How much memory this process and its children may use, and how much they do.

#[cfg(target_os = "linux")]
mod cgroup;
mod host;

use std::fmt::Debug;

pub use host::HostGauge;

use crate::units::format_size;

/// From how many percent on nothing is started, and below how many it goes on.
const PAUSE: u64 = 80;
const RESUME: u64 = 70;

/// Memory in bytes: used by this process and its children, and the most that they may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// What is used.
    pub used: u64,
    /// The part of it that jobs in processes of their own use.
    pub children: u64,
    /// What may be used.
    pub limit: u64,
    /// The share of the last ten seconds in which something waited for memory, in percent; 0 where the
    /// system doesn't say.
    pub stalled: u8,
}

impl Usage {
    /// Whether admission is paused: from 80 % on, and until 70 % once it is.
    pub fn presses(self, paused: bool) -> bool {
        let bound = if paused { RESUME } else { PAUSE };
        u128::from(self.used) * 100 >= u128::from(self.limit) * u128::from(bound)
    }

    /// Whether so much waits for memory that nothing more is started: from 20 % of the time on, and until
    /// 10 % once it is.
    pub fn stalls(self, paused: bool) -> bool {
        self.stalled >= if paused { 10 } else { 20 }
    }

    /// Why nothing is started, with the numbers.
    pub(crate) fn explain(self) -> String {
        let (used, limit) = (format_size(self.used), format_size(self.limit));
        let mut text = format!("the process nears the memory that it may use: {used} of {limit}");
        if self.children > 0 {
            let children = format_size(self.children);
            text.push_str(&format!(", {children} of it in processes of its jobs"));
        }
        let below = format_size(self.limit / 100 * RESUME);
        text.push_str(&format!("; it goes on below {below}"));
        if self.stalls(true) {
            let stalled = self.stalled;
            text.push_str(&format!(
                "; {stalled} % of the time something waits for memory"
            ));
        }
        text
    }
}

/// Something that measures memory.
pub trait Gauge: Debug + Send + Sync + 'static {
    /// What is used and what may be; `None` where that can't be known.
    fn usage(&self) -> Option<Usage>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admission_pauses_at_80_percent_and_resumes_below_70() {
        let at = |used| Usage {
            used,
            limit: 100,
            ..Usage::default()
        };
        assert!(!at(79).presses(false) && at(80).presses(false));
        assert!(at(70).presses(true) && !at(69).presses(true));
    }

    #[test]
    fn what_is_short_is_said_in_numbers() {
        let usage = Usage {
            used: 850_000_000,
            children: 640_000_000,
            limit: 1_000_000_000,
            stalled: 0,
        };
        assert_eq!(
            usage.explain(),
            "the process nears the memory that it may use: 850MB of 1GB, 640MB of it in processes of its \
             jobs; it goes on below 700MB"
        );
        let stalled = Usage {
            stalled: 20,
            ..usage
        };
        assert!(stalled.stalls(false) && !usage.stalls(true));
        assert!(
            stalled
                .explain()
                .ends_with("20 % of the time something waits for memory")
        );
    }
}
