//! How long the jobs of a child take, and how many it may therefore be prefetched.

use std::time::Duration;

use crate::clock::{Tick, micros};

/// Work for so long may wait for its turn in a child: what is submitted meanwhile, and more urgent, waits as
/// long.
const PREFETCHED: Duration = Duration::from_millis(1);

/// So many jobs may wait for their turn in a child.
const MOST: u64 = 32;

/// After jobs were handed back that nobody asked for, none are prefetched for so many jobs; twice as many each
/// time, until one has begun in its turn.
const PAUSE: u32 = 8;
const LONGEST_PAUSE: u32 = 1_024;

/// How long jobs took that a child has run.
#[derive(Debug, Default)]
pub(super) struct Pace {
    began: Tick,
    /// For so many jobs nothing more is prefetched.
    pause: u32,
    /// The last such pause, where no job has begun in its turn since.
    last_pause: u32,
    /// The mean in microseconds, in which a job counts as much as all before it; none before the first one.
    mean: Option<u64>,
}

impl Pace {
    /// A job begins.
    pub(super) fn begins(&mut self, now: Tick) {
        self.began = now;
    }

    /// A job begins at the end of the one before it.
    pub(super) fn begins_in_turn(&mut self) {
        self.last_pause = 0;
    }

    /// Jobs were handed back, since they had waited for long, or couldn't follow by themselves.
    pub(super) fn stumbles(&mut self) {
        self.last_pause = (2 * self.last_pause).clamp(PAUSE, LONGEST_PAUSE);
        self.pause = self.last_pause;
    }

    /// It has ended, and whatever is next begins.
    pub(super) fn ends(&mut self, now: Tick) {
        self.pause = self.pause.saturating_sub(1);
        let took = micros(now.since(self.began));
        self.mean = Some(self.mean.map_or(took, |mean| mean.midpoint(took)));
        self.began = now;
    }

    /// How many jobs may wait.
    pub(super) fn room(&self) -> usize {
        let room = |mean: u64| (micros(PREFETCHED) / mean.max(1)).min(MOST);
        let mean = self.mean.filter(|_| self.pause == 0);
        mean.map_or(0, room) as usize
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
    fn what_is_handed_back_again_and_again_is_given_ahead_ever_less() {
        let mut pace = Pace::default();
        let mut given = 0;
        for _ in 0..10_000 {
            pace.ends(Tick::default());
            if pace.room() > 0 {
                given += 1;
                pace.stumbles();
            }
        }
        assert_eq!(given, 16);
        pace.begins_in_turn();
        pace.stumbles();
        (0..PAUSE).for_each(|_| pace.ends(Tick::default()));
        assert_eq!(pace.room(), 32);
    }

    #[test]
    fn a_long_job_counts_at_once_and_is_forgotten_soon() {
        assert_eq!(room_after(&[10, 10, 10, 50_000]), 0);
        assert_eq!(room_after(&[50_000, 10, 10, 10, 10]), 0);
        assert!(room_after(&[50_000, 10, 10, 10, 10, 10, 10, 10]) > 0);
    }
}
