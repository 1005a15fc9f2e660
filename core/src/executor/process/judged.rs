//! How a job of a child ended, where its memory may have been the reason.

use crate::engine::Attempt;
use crate::limits::{Isolation, Sign, judge};
use crate::outcome::{Ended, Exit, Failure};

/// What Python raises where it can have no more memory.
const MEMORY_ERROR: &str = "MemoryError";

/// How a job ended, where the reason may be that it could have no more memory.
pub(super) fn judged(attempt: &Attempt, ended: Ended) -> Ended {
    let (failure, sign) = match &ended {
        Ended::Raised(failure) if failure.kind == MEMORY_ERROR => (failure, Sign::SaidSo),
        Ended::Crashed(failure) => match failure.exit {
            Some(exit @ Exit::Signal(_)) => (failure, Sign::Exit(exit)),
            _ => return ended,
        },
        _ => return ended,
    };
    let isolation = attempt.isolation().unwrap_or(Isolation::Sampling);
    let (requested, _) = attempt.requested();
    let breach = judge(
        &attempt.limits(),
        isolation,
        attempt.measured(),
        requested,
        sign,
    );
    match breach {
        Some(breach) => Ended::MemoryExceeded(Failure {
            traceback: failure.traceback.clone(),
            exit: failure.exit,
            ..breach.failure()
        }),
        None => ended,
    }
}
