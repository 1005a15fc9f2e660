//! When a job of a process begins, as the pool says it and the child hears it.

use std::time::Duration;

use crate::clock::{Timestamp, micros};

/// Marks a job that is given before its turn.
pub(super) const PREFETCHED: u8 = 8;

/// When a job begins, and how long it may run, if that is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// At once; its timeout is over at that time.
    Now(Option<Timestamp>),
    /// At the end of the one before it; its timeout begins then.
    Next(Option<Duration>),
}

impl Turn {
    pub(super) fn is_next(self) -> bool {
        matches!(self, Self::Next(_))
    }

    /// As a flag, and microseconds since 1970 or since the begin; 0 where there is no timeout.
    pub(super) fn encode(self) -> (u8, u64) {
        match self {
            Self::Now(deadline) => (0, deadline.map_or(0, Timestamp::micros)),
            Self::Next(timeout) => {
                let timeout = timeout.map(|timeout| micros(timeout).max(1));
                (PREFETCHED, timeout.unwrap_or(0))
            }
        }
    }

    pub(super) fn decode(flags: u8, micros: u64) -> Self {
        let micros = Some(micros).filter(|micros| *micros > 0);
        match flags & PREFETCHED {
            0 => Self::Now(micros.map(Timestamp::from_micros)),
            _ => Self::Next(micros.map(Duration::from_micros)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_child_hears_what_the_pool_says() {
        for turn in [
            Turn::Now(None),
            Turn::Now(Some(Timestamp::from_micros(1_800_000_000_000_000))),
            Turn::Next(None),
            Turn::Next(Some(Duration::from_secs(1))),
        ] {
            let (flag, micros) = turn.encode();
            assert_eq!(Turn::decode(flag, micros), turn);
        }
        // None would be no limit.
        let (flag, micros) = Turn::Next(Some(Duration::ZERO)).encode();
        let least = Duration::from_micros(1);
        assert_eq!(Turn::decode(flag, micros), Turn::Next(Some(least)));
    }
}
