//! Whether an attempt ended because it could have no more memory: pure.

use crate::limits::{Breach, Isolation, Limits, Resource};
use crate::outcome::{Exit, Measured};

/// From how many percent of its limit on an end without a word counts as one for want of memory.
const CLOSE: u64 = 80;

/// Aborted: what C, C++ and Rust programs do that can't go on.
const SIGABRT: i32 = 6;
const SIGBUS: i32 = 7;
const SIGKILL: i32 = 9;
const SIGSEGV: i32 = 11;

/// What the end of an attempt looked like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// It said itself that it could have no more memory: a `MemoryError`, say.
    SaidSo,
    /// The control group says that the system has ended it for that.
    RanOut,
    /// It only ended.
    Exit(Exit),
}

/// How many lines are last words.
const LAST_LINES: usize = 3;

/// What programs say that can have no more memory, in whatever language they are written.
const WORDS: [&str; 6] = [
    "MemoryError",
    "std::bad_alloc",
    "Cannot allocate memory",
    "memory allocation of",
    "memory exhausted",
    "out of memory",
];

/// What they call memory that isn't the system's: that of a graphics card.
const ELSEWHERE: [&str; 3] = ["cuda", "gpu", "device"];

/// Whether the last words of a program say that it could have no more memory.
pub fn says_no_memory(last_words: &str) -> bool {
    let last = last_words.lines().rev().take(LAST_LINES);
    let mut lower = last.map(str::to_lowercase);
    lower.any(|line| {
        let says = |words: &[&str]| {
            words
                .iter()
                .any(|words| line.contains(&words.to_lowercase()))
        };
        says(&WORDS) && !says(&ELSEWHERE)
    })
}

/// The limit that an attempt went over which could have no more memory; `None` where it ended for
/// another reason. `requested` is what was reserved for it.
///
/// What the system refuses is never used, so what was seen is no proof: an attempt that says so itself is
/// believed where the system held it down; one that aborts or fails is where it was seen to use 80 % of
/// what it may.
pub fn judge(
    limits: &Limits,
    isolation: Isolation,
    seen: Option<Measured>,
    requested: u64,
    sign: Sign,
) -> Option<Breach> {
    let limit = limits.memory?;
    let peak = seen.map_or(0, |seen| seen.peak_memory);
    let close = u128::from(peak) * 100 >= u128::from(limit) * u128::from(CLOSE);
    let exceeded = match sign {
        Sign::RanOut => true,
        Sign::SaidSo => isolation != Isolation::Sampling,
        Sign::Exit(exit) => close && isolation != Isolation::Sampling && may_be(exit, isolation),
    };
    exceeded.then_some(Breach {
        resource: Resource::Memory,
        used: peak,
        limit,
        requested,
        peak,
    })
}

/// Whether programs end like this that can have no more memory.
fn may_be(exit: Exit, isolation: Isolation) -> bool {
    match exit {
        Exit::Code(code) => code != 0,
        Exit::Signal(SIGKILL) => isolation == Isolation::Cgroup,
        Exit::Signal(signal) => [SIGABRT, SIGBUS, SIGSEGV].contains(&signal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        memory: Some(100),
        ..Limits::NONE
    };

    fn judged(isolation: Isolation, peak: u64, sign: Sign) -> bool {
        let seen = Measured {
            peak_memory: peak,
            ..Measured::default()
        };
        judge(&LIMITS, isolation, Some(seen), 90, sign).is_some()
    }

    #[test]
    fn whoever_says_so_is_believed_where_it_was_held_down() {
        assert!(judged(Isolation::Rlimit, 5, Sign::SaidSo));
        assert!(judged(Isolation::Cgroup, 5, Sign::SaidSo));
        assert!(!judged(Isolation::Sampling, 99, Sign::SaidSo));
        assert!(judged(Isolation::Cgroup, 0, Sign::RanOut));
        let none = judge(&Limits::NONE, Isolation::Cgroup, None, 0, Sign::RanOut);
        assert_eq!(none, None);
    }

    #[test]
    fn an_end_without_a_word_counts_where_little_was_left() {
        let ends = [
            (Exit::Signal(SIGABRT), true),
            (Exit::Signal(SIGSEGV), true),
            (Exit::Code(1), true),
            (Exit::Code(0), false),
            (Exit::Signal(15), false),
            (Exit::Signal(SIGKILL), false),
        ];
        for (exit, counts) in ends {
            assert_eq!(
                judged(Isolation::Rlimit, 80, Sign::Exit(exit)),
                counts,
                "{exit}"
            );
            assert!(!judged(Isolation::Rlimit, 79, Sign::Exit(exit)), "{exit}");
            assert!(
                !judged(Isolation::Sampling, 100, Sign::Exit(exit)),
                "{exit}"
            );
        }
        assert!(judged(
            Isolation::Cgroup,
            99,
            Sign::Exit(Exit::Signal(SIGKILL))
        ));
    }

    #[test]
    fn last_words_are_understood() {
        for words in [
            "Traceback (most recent call last):\n  x\nMemoryError",
            "terminate called after throwing an instance of 'std::bad_alloc'",
            "memory allocation of 1073741824 bytes failed",
            "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
        ] {
            assert!(says_no_memory(words), "{words}");
        }
        for words in [
            "ValueError: the picture has no colours",
            "out of memory, trying with less\n1\n2\n3",
            "RuntimeError: CUDA error: out of memory",
            "",
        ] {
            assert!(!says_no_memory(words), "{words}");
        }
    }

    #[test]
    fn what_it_asked_for_and_used_is_told() {
        let seen = Measured {
            peak_memory: 97,
            ..Measured::default()
        };
        let breach = judge(&LIMITS, Isolation::Rlimit, Some(seen), 90, Sign::SaidSo).unwrap();
        let text = breach.to_string();
        assert!(
            text.contains("97") && text.contains("100") && text.contains("90"),
            "{text}"
        );
    }
}
