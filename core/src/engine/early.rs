//! What became of jobs before the submit that made them was answered here.

use std::collections::{BTreeSet, HashMap, VecDeque};

/// What can become of a job before its submitter has heard of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its time has come.
    Queued,
    /// It has ended.
    Ended,
}

/// Requests under way that bring jobs, and what became of jobs meanwhile. What was noted before
/// the oldest of them began can't be about a job that one of them brings, and is forgotten.
#[derive(Debug, Default)]
pub(super) struct Early {
    begun: u64,
    under_way: BTreeSet<u64>,
    noted: VecDeque<(u64, u64)>,
    fates: HashMap<u64, (u64, Fate)>,
    /// The newest request that was under way when a reading ended: see [`doubt`](Self::doubt).
    doubted: u64,
}

impl Early {
    /// A request that brings jobs begins: its number, to [`end`](Self::end) it by.
    pub(super) fn begin(&mut self) -> u64 {
        self.begun += 1;
        self.under_way.insert(self.begun);
        self.begun
    }

    /// Notes what became of a job that may be on its way here still.
    pub(super) fn note(&mut self, sequence: u64, fate: Fate) {
        if self.under_way.is_empty() {
            return;
        }
        self.noted.push_back((self.begun, sequence));
        self.fates.insert(sequence, (self.begun, fate));
    }

    /// What became of a job that comes here now.
    pub(super) fn get(&self, sequence: u64) -> Option<Fate> {
        self.fates.get(&sequence).map(|(_, fate)| *fate)
    }

    /// What has not ended was read. Jobs that are still on their way here may have ended before that,
    /// which is then told nowhere.
    pub(super) fn doubt(&mut self) {
        self.doubted = self.begun;
    }

    /// Whether what this request brings must be looked up.
    pub(super) fn is_doubtful(&self, number: u64) -> bool {
        number <= self.doubted
    }

    /// A request was answered, and what it brought was taken in.
    pub(super) fn end(&mut self, number: u64) {
        self.under_way.remove(&number);
        let oldest = self.under_way.first().copied().unwrap_or(u64::MAX);
        while let Some((begun, sequence)) = self.noted.front().copied() {
            if begun >= oldest {
                return;
            }
            self.noted.pop_front();
            let fate = self.fates.get(&sequence);
            if fate.is_some_and(|(at, _)| *at == begun) {
                self.fates.remove(&sequence);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_kept_for_as_long_as_it_may_matter() {
        let mut early = Early::default();
        early.note(1, Fate::Ended);
        assert_eq!(early.get(1), None, "nothing is under way");
        let first = early.begin();
        early.note(2, Fate::Queued);
        let second = early.begin();
        early.note(2, Fate::Ended);
        early.note(3, Fate::Ended);
        assert_eq!(early.get(2), Some(Fate::Ended));
        early.end(first);
        assert_eq!(early.get(2), Some(Fate::Ended), "noted again since");
        early.end(second);
        assert!(early.fates.is_empty() && early.noted.is_empty());
    }

    #[test]
    fn what_was_under_way_at_the_end_of_a_reading_is_doubtful() {
        let mut early = Early::default();
        let before = early.begin();
        assert!(!early.is_doubtful(before));
        early.doubt();
        let after = early.begin();
        assert!(early.is_doubtful(before) && !early.is_doubtful(after));
    }
}
