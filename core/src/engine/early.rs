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
}
