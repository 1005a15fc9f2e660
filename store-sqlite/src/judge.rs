//! Whether a session that still holds its lock hangs.

use std::collections::HashMap;
use std::time::Duration;

use bursar_core::Tick;

/// A session as it stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) session: i64,
    pub(crate) beat: i64,
    /// Whether it runs jobs: only then its counter is raised.
    pub(crate) runs: bool,
}

/// Measures on its own clock how long the counters of others stand still.
#[derive(Debug)]
pub(crate) struct Judge {
    /// How long a counter may stand still.
    patience: Duration,
    /// The longest time between two looks that counts: whoever was stopped itself has not looked.
    gaze: Duration,
    looked: Option<Tick>,
    seen: HashMap<i64, (i64, Duration)>,
}

impl Judge {
    pub(crate) fn new(patience: Duration, gaze: Duration) -> Self {
        Self {
            patience,
            gaze,
            looked: None,
            seen: HashMap::new(),
        }
    }

    /// Looks at all sessions, and tells those that hang, with the counter that stands still. Time in
    /// which nobody `could` raise a counter, since somebody kept the turn to write, says nothing.
    pub(crate) fn look(&mut self, now: Tick, all: &[Life], could: bool) -> Vec<(i64, i64)> {
        let passed = self.looked.map_or(Duration::ZERO, |last| now.since(last));
        let passed = if could {
            passed.min(self.gaze)
        } else {
            Duration::ZERO
        };
        self.looked = Some(now);
        let mut seen = HashMap::new();
        for life in all.iter().filter(|life| life.runs) {
            let before = self.seen.get(&life.session);
            let still = before.filter(|(beat, _)| *beat == life.beat);
            let still = still.map_or(Duration::ZERO, |(_, still)| *still + passed);
            seen.insert(life.session, (life.beat, still));
        }
        self.seen = seen;
        let hang = self
            .seen
            .iter()
            .filter(|(_, (_, still))| *still >= self.patience);
        hang.map(|(session, (beat, _))| (*session, *beat)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(15);
    const GAZE: Duration = Duration::from_secs(2);

    fn at(seconds: u64) -> Tick {
        Tick::from_micros(seconds * 1_000_000)
    }

    fn life(beat: i64, runs: bool) -> [Life; 1] {
        let session = 7;
        [Life {
            session,
            beat,
            runs,
        }]
    }

    #[test]
    fn a_counter_that_stands_still_too_long_is_told() {
        let mut judge = Judge::new(PATIENCE, GAZE);
        for second in 0..15 {
            assert!(
                judge.look(at(second), &life(3, true), true).is_empty(),
                "{second}"
            );
        }
        assert_eq!(judge.look(at(15), &life(3, true), true), [(7, 3)]);
    }

    #[test]
    fn time_in_which_nobody_could_write_does_not_count() {
        let mut judge = Judge::new(PATIENCE, GAZE);
        judge.look(at(0), &life(3, true), true);
        for second in 1..60 {
            assert!(judge.look(at(second), &life(3, true), false).is_empty());
        }
        for second in 60..74 {
            assert!(judge.look(at(second), &life(3, true), true).is_empty());
        }
        assert_eq!(judge.look(at(74), &life(3, true), true), [(7, 3)]);
    }

    #[test]
    fn a_beat_or_a_rest_begins_again() {
        for between in [life(4, true), life(3, false)] {
            let mut judge = Judge::new(PATIENCE, GAZE);
            for second in 0..15 {
                judge.look(at(second), &life(3, true), true);
            }
            assert!(judge.look(at(15), &between, true).is_empty());
            assert!(
                judge
                    .look(at(16), &life(between[0].beat, true), true)
                    .is_empty()
            );
        }
    }

    #[test]
    fn time_in_which_the_observer_did_not_look_does_not_count() {
        let mut judge = Judge::new(PATIENCE, GAZE);
        for look in 0..8 {
            assert!(
                judge
                    .look(at(look * 3_600), &life(3, true), true)
                    .is_empty()
            );
        }
        assert_eq!(judge.look(at(8 * 3_600), &life(3, true), true), [(7, 3)]);
    }
}
