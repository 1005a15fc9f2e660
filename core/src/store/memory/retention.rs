//! Which ended jobs are kept: at most so many, the least recently used go first.
//!
//! Every use of a job appends its number with a new stamp; only the entry with the job's newest
//! stamp counts, the others are skipped when they come up. That makes a use cost an append, where
//! a linked list would cost an allocation and three pointers a job.

use std::collections::VecDeque;

use crate::clock::Timestamp;

/// The order in which ended jobs were last used.
#[derive(Debug, Default)]
pub(super) struct Retention {
    uses: VecDeque<(u64, u32)>,
    kept: usize,
}

impl Retention {
    /// How many jobs are kept.
    pub(super) fn kept(&self) -> usize {
        self.kept
    }

    /// Begins to keep a job.
    pub(super) fn keep(
        &mut self,
        sequence: u64,
        stamp: u32,
        stamp_of: impl Fn(u64) -> Option<u32>,
    ) {
        self.kept += 1;
        self.touch(sequence, stamp, stamp_of);
    }

    /// Marks a kept job as just used; the caller has given it this new `stamp`.
    pub(super) fn touch(
        &mut self,
        sequence: u64,
        stamp: u32,
        stamp_of: impl Fn(u64) -> Option<u32>,
    ) {
        self.uses.push_back((sequence, stamp));
        if self.uses.len() > 2 * self.kept + 64 {
            self.uses
                .retain(|(sequence, stamp)| stamp_of(*sequence) == Some(*stamp));
        }
    }

    /// Counts a job that was removed by its number.
    pub(super) fn forget(&mut self) {
        self.kept = self.kept.saturating_sub(1);
    }

    /// Takes out the least recently used jobs, `count` of them or what there is. The caller
    /// removes them, which [`forget`](Self::forget) counts. Looking at many first and removing
    /// them then lets the processor fetch their records, long out of its caches, side by side.
    pub(super) fn take_oldest(
        &mut self,
        count: usize,
        stamp_of: impl Fn(u64) -> Option<u32>,
    ) -> Vec<u64> {
        let mut oldest = Vec::with_capacity(count);
        while oldest.len() < count
            && let Some((sequence, stamp)) = self.uses.pop_front()
        {
            if stamp_of(sequence) == Some(stamp) {
                oldest.push(sequence);
            }
        }
        oldest
    }
}

/// When ended jobs are forgotten that have no `result_ttl` of their own: in the order of their
/// ends. Numbers of jobs that went before are skipped when they come up.
#[derive(Debug, Default)]
pub(super) struct Ages(VecDeque<(Timestamp, u64)>);

impl Ages {
    /// Adds one of `kept` jobs, last as a rule: the clock of the host may have been set back.
    pub(super) fn add(
        &mut self,
        at: Timestamp,
        sequence: u64,
        kept: usize,
        is_kept: impl Fn(u64) -> bool,
    ) {
        let place = match self.0.back() {
            Some(last) if *last > (at, sequence) => {
                self.0.partition_point(|one| *one < (at, sequence))
            }
            _ => self.0.len(),
        };
        self.0.insert(place, (at, sequence));
        if self.0.len() > 2 * kept + 64 {
            self.0.retain(|(_, sequence)| is_kept(*sequence));
        }
    }

    /// Drops a job that is gone if it is the first, as it is as a rule.
    pub(super) fn drop_first(&mut self, sequence: u64) {
        if self.0.front().is_some_and(|first| first.1 == sequence) {
            self.0.pop_front();
        }
    }

    /// The job that is forgotten first, and when.
    pub(super) fn first(&mut self, is_kept: impl Fn(u64) -> bool) -> Option<(Timestamp, u64)> {
        while let Some(first) = self.0.front() {
            if is_kept(first.1) {
                return Some(*first);
            }
            self.0.pop_front();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_before_its_time_leaves_nothing_behind() {
        let (mut retention, mut ages) = (Retention::default(), Ages::default());
        let newest = |sequence: u64| (sequence == 1).then_some(0);
        retention.keep(1, 0, newest);
        ages.add(Timestamp::from_micros(1), 1, 1, |sequence| sequence == 1);
        for sequence in 2..10_000 {
            retention.keep(sequence, 0, newest);
            retention.forget();
            let at = Timestamp::from_micros(sequence);
            ages.add(at, sequence, 1, |sequence| sequence == 1);
        }
        assert!(retention.uses.len() < 100 && ages.0.len() < 100);
        assert_eq!(retention.take_oldest(2, newest), [1]);
    }

    #[test]
    fn ages_are_in_order_though_the_clock_is_set_back() {
        let mut ages = Ages::default();
        for (at, sequence) in [(5, 1), (9, 2), (3, 3), (9, 1), (4, 9)] {
            ages.add(Timestamp::from_micros(at), sequence, 9, |_| true);
        }
        assert!(ages.0.iter().is_sorted(), "{ages:?}");
    }
}
