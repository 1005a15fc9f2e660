//! What the end of an attempt means for its job: pure.

use crate::clock::Timestamp;
use crate::engine::attempt::{Attempt, Stop, StopKind};
use crate::engine::seen::Seen;
use crate::limits::Resource;
use crate::outcome::{AttemptEnd, End, Ended, Failure, OutcomeKind};
use crate::retry::RetryPolicy;
use crate::state::State;
use crate::store::Next;

/// How an attempt ended, for the record, and what follows.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) end: End,
    pub(super) next: Next,
}

impl Verdict {
    fn new(end: AttemptEnd, next: Next) -> Self {
        Self {
            end: End::from(end),
            next,
        }
    }

    fn cancelled(reason: &str) -> Self {
        let failure = Failure::new("Cancelled", reason);
        Self::new(
            AttemptEnd::failed(OutcomeKind::Cancelled, failure),
            Next::End(State::Cancelled),
        )
    }

    /// The same, with what the attempt was seen to use, how that was limited, and what of its sandbox it had.
    fn with_seen(self, seen: &Seen) -> Self {
        let end = AttemptEnd {
            peak_memory: seen.measured.map(|measured| measured.peak_memory),
            cpu_time: seen.measured.map(|measured| measured.cpu_time),
            isolation: seen.isolation,
            sandbox: seen.sandbox,
            ..(*self.end).clone()
        };
        Self::new(end, self.next)
    }

    /// The attempt was given back: by a shutdown, by a process that didn't come to it, or since it was too large
    /// to be prefetched there. It counts nowhere.
    pub(super) fn released() -> Self {
        Self::new(AttemptEnd::new(OutcomeKind::Released), Next::Requeue)
    }
}

/// The spent and the allowed retries of a job, and the time and luck for the next one.
struct Retries<L> {
    policy: RetryPolicy,
    failures: u32,
    now: Timestamp,
    luck: L,
}

impl<L: FnOnce() -> f64> Retries<L> {
    fn failed(self, kind: OutcomeKind, failure: Failure) -> Verdict {
        let next = if self.failures < self.policy.retries {
            Next::Retry(
                self.now
                    .after(self.policy.delay_after(self.failures + 1, (self.luck)())),
            )
        } else {
            Next::End(State::Failed)
        };
        Verdict::new(AttemptEnd::failed(kind, failure), next)
    }
}

/// Judges how `attempt` ended. A request to stop decides over what the handler made of it: a
/// result that comes after the timeout is refused, and a job that was asked to cancel is cancelled.
pub(super) fn verdict(
    attempt: &Attempt,
    ended: Ended,
    now: Timestamp,
    luck: impl FnOnce() -> f64,
) -> Verdict {
    let spec = attempt.ticket.plan().map(|plan| plan.spec());
    let policy = spec.map(|spec| spec.retry).unwrap_or_default();
    let retries = Retries {
        policy,
        failures: attempt.failures(),
        now,
        luck,
    };
    let verdict = match (attempt.job_cancelled(), attempt.stopped()) {
        (Some(reason), _) => Verdict::cancelled(reason),
        (None, None) => judge(ended, retries),
        (None, Some(stop)) => judge_stopped(attempt, &stop, ended, retries),
    };
    match &*attempt.seen() {
        Some(seen) => verdict.with_seen(seen),
        None => verdict,
    }
}

fn judge<L: FnOnce() -> f64>(ended: Ended, retries: Retries<L>) -> Verdict {
    match ended {
        Ended::Returned(result) => {
            Verdict::new(AttemptEnd::completed(result), Next::End(State::Completed))
        }
        Ended::Raised(failure) => retries.failed(OutcomeKind::Failed, failure),
        Ended::Crashed(failure) => retries.failed(OutcomeKind::Crashed, failure),
        Ended::MemoryExceeded(failure) => retries.failed(OutcomeKind::MemoryExceeded, failure),
        Ended::Released => Verdict::released(),
        Ended::GaveUp(failure) => Verdict::new(
            AttemptEnd::failed(OutcomeKind::Failed, failure),
            Next::End(State::Failed),
        ),
        Ended::Cancelled(reason) => Verdict::cancelled(&reason),
        Ended::Retry(delay, failure) => {
            let due = retries.now.after(delay.unwrap_or(retries.policy.delay));
            Verdict::new(
                AttemptEnd::failed(OutcomeKind::Snoozed, failure),
                Next::Snooze(due),
            )
        }
    }
}

fn judge_stopped<L: FnOnce() -> f64>(
    attempt: &Attempt,
    stop: &Stop,
    ended: Ended,
    retries: Retries<L>,
) -> Verdict {
    match (stop.kind, ended) {
        (StopKind::Cancelled, _) => Verdict::cancelled(&stop.reason),
        (StopKind::TimedOut, _) => timed_out(stop, retries),
        (StopKind::OverLimit(resource), _) => over_limit(attempt, resource, stop, retries),
        (StopKind::Shutdown, ended @ (Ended::Returned(_) | Ended::GaveUp(_))) => {
            judge(ended, retries)
        }
        // A lost one is recorded nowhere.
        (StopKind::Shutdown | StopKind::Lost, _) => Verdict::released(),
    }
}

fn over_limit<L: FnOnce() -> f64>(
    attempt: &Attempt,
    resource: Resource,
    stop: &Stop,
    retries: Retries<L>,
) -> Verdict {
    let failure = match attempt.breached() {
        Some(breach) => breach.failure(),
        None => Failure::new(resource.failure_type(), &*stop.reason),
    };
    retries.failed(resource.outcome(), failure)
}

fn timed_out<L: FnOnce() -> f64>(stop: &Stop, retries: Retries<L>) -> Verdict {
    retries.failed(
        OutcomeKind::TimedOut,
        Failure::new("Timeout", &*stop.reason),
    )
}

/// What an attempt that doesn't stop is recorded as, while it still runs.
pub(super) fn abandoned(attempt: &Attempt, now: Timestamp, luck: impl FnOnce() -> f64) -> Verdict {
    verdict(
        attempt,
        Ended::Cancelled("it was abandoned".into()),
        now,
        luck,
    )
}
