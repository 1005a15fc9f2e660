//! Attempts whose worker is gone: they are given back, but for a job that has lost too many.

use std::sync::Arc;

use crate::outcome::{AttemptEnd, End, Failure, OutcomeKind};
use crate::state::State;
use crate::store::{Batch, Fenced, FinishedAttempt, Next, Standing};

/// So many attempts lost within 72 h stop a job: it may be what takes its workers down.
const MOST_LOSSES: u32 = 3;

/// The ends of the attempts that nobody runs any more.
pub(super) fn lost(jobs: &[Standing]) -> Batch<FinishedAttempt> {
    let orphans = jobs.iter().filter(|job| job.orphaned);
    let lost = orphans.map(|job| {
        let (end, next) = end_of(job);
        FinishedAttempt {
            sequence: job.sequence,
            attempt: job.attempt,
            end: End::from(end),
            next,
        }
    });
    lost.collect()
}

fn end_of(job: &Standing) -> (AttemptEnd, Next) {
    if let Some(reason) = &job.stop {
        // Nobody is left to be asked.
        let failure = Failure::new("Cancelled", &**reason);
        let end = AttemptEnd::failed(OutcomeKind::Cancelled, failure);
        return (end, Next::End(State::Cancelled));
    }
    let losses = job.losses.saturating_add(1);
    let (message, next) = if losses >= MOST_LOSSES {
        let message = format!(
            "{losses} of its attempts were lost with their workers within 72 h: it may be what ends \
             them, and is not tried again"
        );
        (message, Next::End(State::Failed))
    } else {
        let message = "the worker that ran it ended without a word, or was not heard of any more";
        (message.to_owned(), Next::Requeue)
    };
    let failure = Failure::new("Lost", message);
    (AttemptEnd::failed(OutcomeKind::Lost, failure), next)
}

/// Where the jobs stand once the ends of [`lost`] were recorded. One that somebody else was quicker
/// to give back is left out: that is told as a change.
pub(super) fn after(jobs: &mut Vec<Standing>, fenced: &[Fenced]) {
    let mut fenced = fenced.iter();
    jobs.retain_mut(|job| {
        if !job.orphaned {
            return true;
        }
        let given_back = fenced.next() == Some(&Fenced::Applied);
        job.state = match end_of(job).1 {
            Next::End(state) => state,
            _ => State::Queued,
        };
        (job.orphaned, job.stop) = (false, None::<Arc<str>>);
        given_back
    });
}
