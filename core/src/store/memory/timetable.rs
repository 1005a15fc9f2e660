//! Which jobs time will change, and when.

use std::collections::BTreeSet;

use crate::clock::Timestamp;

/// Times with the sequence numbers of the jobs that they are for.
#[derive(Debug, Default)]
pub(super) struct Timetable(BTreeSet<(Timestamp, u64)>);

impl Timetable {
    pub(super) fn add(&mut self, at: Timestamp, sequence: u64) {
        self.0.insert((at, sequence));
    }

    pub(super) fn remove(&mut self, at: Timestamp, sequence: u64) {
        self.0.remove(&(at, sequence));
    }

    /// The first job, and when.
    pub(super) fn first(&self) -> Option<(Timestamp, u64)> {
        self.0.first().copied()
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.0.first().map(|(at, _)| *at)
    }

    /// Takes the first job whose time has come.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Option<u64> {
        self.next().filter(|at| *at <= now)?;
        self.0.pop_first().map(|(_, sequence)| sequence)
    }
}
