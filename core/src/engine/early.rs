//! What became of jobs before the submit that made them was answered here.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

/// What can become of a job before its submitter has heard of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its time has come.
    Queued,
    /// It has ended.
    Ended,
}

/// What others have said of a job that its submitter has not heard of yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// The number of its newest attempt.
    pub(super) attempt: u32,
    /// Whether that one is over.
    pub(super) over: bool,
    /// Why the job is cancelled, if it is.
    pub(super) stop: Option<Arc<str>>,
}

/// What is known of a job, and the newest request that was under way then.
#[derive(Debug, Default)]
struct Known {
    at: u64,
    fate: Option<Fate>,
    heard: Option<Heard>,
}

/// Requests under way that bring jobs, and what became of jobs meanwhile. What was noted before
/// the oldest of them began can't be about a job that one of them brings, and is forgotten.
#[derive(Debug, Default)]
pub(super) struct Early {
    begun: u64,
    under_way: BTreeSet<u64>,
    noted: VecDeque<(u64, u64)>,
    known: HashMap<u64, Known>,
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
        if let Some(known) = self.known(sequence) {
            known.fate = Some(fate);
        }
    }

    /// Notes what others say of a job that may be on its way here still.
    pub(super) fn hear(&mut self, sequence: u64, heard: Heard) {
        if let Some(known) = self.known(sequence) {
            // The first reason stands.
            let earlier = known.heard.take().and_then(|heard| heard.stop);
            let stop = earlier.or(heard.stop);
            known.heard = Some(Heard { stop, ..heard });
        }
    }

    /// A job that may be on its way here still is not to run.
    pub(super) fn unwanted(&mut self, sequence: u64, reason: &Arc<str>) {
        if let Some(known) = self.known(sequence) {
            let heard = known.heard.get_or_insert_default();
            heard.stop.get_or_insert_with(|| Arc::clone(reason));
        }
    }

    /// Where to note something now; nowhere while nothing is under way.
    fn known(&mut self, sequence: u64) -> Option<&mut Known> {
        if self.under_way.is_empty() {
            return None;
        }
        self.noted.push_back((self.begun, sequence));
        let known = self.known.entry(sequence).or_default();
        known.at = self.begun;
        Some(known)
    }

    /// What became of a job that comes here now.
    pub(super) fn get(&self, sequence: u64) -> Option<Fate> {
        self.known.get(&sequence)?.fate
    }

    /// What others have said of a job that comes here now.
    pub(super) fn heard(&self, sequence: u64) -> Option<&Heard> {
        self.known.get(&sequence)?.heard.as_ref()
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
            let known = self.known.get(&sequence);
            if known.is_some_and(|known| known.at == begun) {
                self.known.remove(&sequence);
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
        assert!(early.known.is_empty() && early.noted.is_empty());
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
