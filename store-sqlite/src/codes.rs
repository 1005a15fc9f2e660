//! States and outcomes as the small numbers that stand in the file. They never change.

use bursar_core::{OutcomeKind, State};

const OUTCOMES: [OutcomeKind; 9] = [
    OutcomeKind::Completed,
    OutcomeKind::Failed,
    OutcomeKind::TimedOut,
    OutcomeKind::Crashed,
    OutcomeKind::MemoryExceeded,
    OutcomeKind::Lost,
    OutcomeKind::Cancelled,
    OutcomeKind::Released,
    OutcomeKind::Snoozed,
];

pub(crate) fn state_code(state: State) -> i64 {
    state as i64
}

pub(crate) fn state_of(code: i64) -> rusqlite::Result<State> {
    let state = usize::try_from(code).ok().and_then(|at| State::ALL.get(at));
    state.copied().ok_or_else(|| out_of_range(code))
}

pub(crate) fn outcome_code(kind: OutcomeKind) -> i64 {
    kind as i64
}

pub(crate) fn outcome_of(code: i64) -> rusqlite::Result<OutcomeKind> {
    let kind = usize::try_from(code).ok().and_then(|at| OUTCOMES.get(at));
    kind.copied().ok_or_else(|| out_of_range(code))
}

fn out_of_range(code: i64) -> rusqlite::Error {
    rusqlite::Error::IntegralValueOutOfRange(0, code)
}

/// A number as SQLite has it; the largest there is stands for all that are larger.
pub(crate) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that was stored.
pub(crate) fn read(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_that_files_were_written_with() {
        let states = State::ALL.map(|state| (state_code(state), state.as_str()));
        assert_eq!(
            states,
            [
                (0, "scheduled"),
                (1, "blocked"),
                (2, "queued"),
                (3, "running"),
                (4, "retrying"),
                (5, "completed"),
                (6, "failed"),
                (7, "cancelled"),
            ]
        );
        let outcomes = OUTCOMES.map(|kind| (outcome_code(kind), kind.as_str()));
        assert_eq!(
            outcomes,
            [
                (0, "completed"),
                (1, "failed"),
                (2, "timed_out"),
                (3, "crashed"),
                (4, "memory_exceeded"),
                (5, "lost"),
                (6, "cancelled"),
                (7, "released"),
                (8, "snoozed"),
            ]
        );
        assert!(state_of(8).is_err() && state_of(-1).is_err() && outcome_of(9).is_err());
    }
}
