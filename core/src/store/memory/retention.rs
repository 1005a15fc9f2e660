//! Which ended jobs are kept: at most so many, the least recently used go first.
//!
//! Every use of a job appends its number with a new stamp; only the entry with the job's newest
//! stamp counts, the others are skipped when they come up. That makes a use cost an append, where
//! a linked list would cost an allocation and three pointers a job.

use std::collections::VecDeque;

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
    pub(super) fn keep(&mut self, sequence: u64, stamp: u32) {
        self.kept += 1;
        self.uses.push_back((sequence, stamp));
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

    /// The least recently used job, without removing it; stale entries before it are dropped.
    pub(super) fn oldest(&mut self, stamp_of: impl Fn(u64) -> Option<u32>) -> Option<u64> {
        while let Some((sequence, stamp)) = self.uses.front() {
            if stamp_of(*sequence) == Some(*stamp) {
                return Some(*sequence);
            }
            self.uses.pop_front();
        }
        None
    }
}
