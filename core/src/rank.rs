//! A job's place in the order of starting.

use std::fmt;

use crate::Priority;

/// A job's place among the queued jobs: its [`Priority`], then the store's sequence.
/// The smallest rank is the best one.
///
/// Packed into 64 bits (2 of priority above 62 of sequence), so that comparing two is
/// one instruction and a queued job costs the scheduler 8 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank(u64);

impl Rank {
    /// The greatest sequence a rank can carry, 2^62 - 2: at a billion jobs a second,
    /// 146 years.
    pub const MAX_SEQUENCE: u64 = Self::SEQUENCE_MASK - 1;

    /// Worse than any rank of a real job; stands for "no job" in the scheduler.
    pub(crate) const NONE: Self = Self(u64::MAX);

    const SEQUENCE_BITS: u32 = 62;
    const SEQUENCE_MASK: u64 = (1 << Self::SEQUENCE_BITS) - 1;

    /// The rank of the job that the store numbered `sequence`. A sequence above
    /// [`Rank::MAX_SEQUENCE`] counts as that.
    #[must_use]
    pub const fn new(priority: Priority, sequence: u64) -> Self {
        let sequence = if sequence > Self::MAX_SEQUENCE {
            Self::MAX_SEQUENCE
        } else {
            sequence
        };
        Self((priority.as_u8() as u64) << Self::SEQUENCE_BITS | sequence)
    }

    /// The priority it was made with.
    #[must_use]
    pub const fn priority(self) -> Priority {
        match self.0 >> Self::SEQUENCE_BITS {
            0 => Priority::Critical,
            1 => Priority::High,
            2 => Priority::Normal,
            _ => Priority::Low,
        }
    }

    /// The sequence it was made with.
    #[must_use]
    pub const fn sequence(self) -> u64 {
        self.0 & Self::SEQUENCE_MASK
    }

    /// The packed form; orders as the rank does.
    pub(crate) const fn to_bits(self) -> u64 {
        self.0
    }

    /// The rank of a packed form.
    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

impl fmt::Debug for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.priority(), self.sequence())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_by_priority_then_by_sequence() {
        let best_first = [
            Rank::new(Priority::Critical, 9),
            Rank::new(Priority::High, 0),
            Rank::new(Priority::High, 1),
            Rank::new(Priority::Normal, 0),
            Rank::new(Priority::Low, 0),
            Rank::new(Priority::Low, u64::MAX),
        ];
        assert!(best_first.is_sorted());
        assert!(best_first.iter().all(|rank| *rank < Rank::NONE));
    }

    #[test]
    fn gives_back_what_it_was_made_of() {
        for priority in Priority::ALL {
            for sequence in [0, 1, 1 << 40, Rank::MAX_SEQUENCE] {
                let rank = Rank::new(priority, sequence);
                assert_eq!((rank.priority(), rank.sequence()), (priority, sequence));
            }
        }
        assert_eq!(
            Rank::new(Priority::High, u64::MAX),
            Rank::new(Priority::High, Rank::MAX_SEQUENCE)
        );
        assert_eq!(format!("{:?}", Rank::new(Priority::Low, 7)), "low#7");
    }
}
