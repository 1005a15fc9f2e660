//! The file `stat` of a process.

use std::time::Duration;

use crate::limits::watchdog::Times;

/// The parts of `stat` that matter.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) times: Times,
    pub(super) threads: usize,
    /// When it began: another one with its number began later.
    pub(super) began: u64,
}

impl Stat {
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        // The name, in brackets, may have blanks and brackets itself.
        let end = text.iter().rposition(|byte| *byte == b')')?;
        let rest = text.get(end + 2..)?;
        // The state, the third of all, is the first of these.
        let field = |index: usize| number(rest, index - 3);
        Some(Self {
            times: Times {
                own: time(field(14)? + field(15)?),
                reaped: time(field(16)? + field(17)?),
            },
            threads: usize::try_from(field(20)?).ok()?,
            began: field(22)?,
        })
    }
}

/// The word at `index`, from 0, as a number.
fn number(text: &[u8], index: usize) -> Option<u64> {
    let mut words = text.split(|byte| *byte == b' ');
    let word = words.nth(index)?;
    std::str::from_utf8(word).ok()?.trim().parse().ok()
}

/// So many ticks as a time.
fn time(ticks: u64) -> Duration {
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Duration::from_micros(ticks.saturating_mul(1_000_000) / per_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_is_no_trap() {
        let text =
            b"42 (a ) R 1) (b) S 1 42 42 0 -1 4194560 153 0 0 0 7 8 90 100 20 0 3 0 5555 1 2 3";
        let times = Times {
            own: time(15),
            reaped: time(190),
        };
        let stat = Stat {
            times,
            threads: 3,
            began: 5_555,
        };
        assert_eq!(Stat::parse(text), Some(stat));
        assert_eq!(Stat::parse(b"42 (cut"), None);
        assert_eq!(Stat::parse(b""), None);
    }
}
