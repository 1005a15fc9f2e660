//! How much memory this process and its children may use, and how much they do.

mod host;

use std::fmt::Debug;

pub use host::HostGauge;

/// Memory in bytes: used by this process and its children, and the most that they may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// What is used.
    pub used: u64,
    /// What may be used.
    pub limit: u64,
}

impl Usage {
    /// Whether admission is paused: from 80 % on, and until 70 % once it is.
    pub fn presses(self, paused: bool) -> bool {
        let bound = if paused { 70 } else { 80 };
        u128::from(self.used) * 100 >= u128::from(self.limit) * bound
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
        let at = |used| Usage { used, limit: 100 };
        assert!(!at(79).presses(false) && at(80).presses(false));
        assert!(at(70).presses(true) && !at(69).presses(true));
    }
}
