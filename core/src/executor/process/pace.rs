//! How long the jobs of a child take, and how many it may therefore be given ahead.

use std::time::Duration;

use crate::clock::{Tick, micros};

/// Work for so long may wait for its turn in a child: what is submitted meanwhile, and more urgent, waits as
/// long.
const AHEAD: Duration = Duration::from_millis(1);

/// So many jobs may wait for their turn in a child.
const MOST: u64 = 32;

/// How long jobs took that a child has run.
#[derive(Debug, Default)]
pub(super) struct Pace {
    began: Tick,
    /// The mean in microseconds, in which a job counts as much as all before it; none before the first one.
    mean: Option<u64>,
}

impl Pace {
    /// A job begins.
    pub(super) fn begins(&mut self, now: Tick) {
        self.began = now;
    }

    /// It has ended, and whatever is next begins.
    pub(super) fn ends(&mut self, now: Tick) {
        let took = micros(now.since(self.began));
        self.mean = Some(self.mean.map_or(took, |mean| mean.midpoint(took)));
        self.began = now;
    }

    /// How many jobs may wait.
    pub(super) fn room(&self) -> usize {
        let room = |mean: u64| (micros(AHEAD) / mean.max(1)).min(MOST);
        self.mean.map_or(0, room) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The room after jobs that took so many microseconds.
    fn room_after(jobs: &[u64]) -> usize {
        let (mut pace, mut now) = (Pace::default(), Tick::from_micros(1_000));
        pace.begins(now);
        for took in jobs {
            now = now.after(Duration::from_micros(*took));
            pace.ends(now);
        }
        pace.room()
    }

    #[test]
    fn only_short_jobs_wait_for_each_other() {
        assert_eq!(room_after(&[]), 0, "nothing is known");
        assert_eq!(room_after(&[10]), 32);
        assert_eq!(room_after(&[100]), 10);
        assert_eq!(room_after(&[1_001]), 0);
    }

    #[test]
    fn a_long_job_counts_at_once_and_is_forgotten_soon() {
        assert_eq!(room_after(&[10, 10, 10, 50_000]), 0);
        assert_eq!(room_after(&[50_000, 10, 10, 10, 10]), 0);
        assert!(room_after(&[50_000, 10, 10, 10, 10, 10, 10, 10]) > 0);
    }
}
