//! Rules of [`Store::cancel`](bursar_core::Store::cancel).

use bursar_core::{Cancelled, JobId, NewJob, Next, OutcomeKind, State, Submitted, Timestamp};

use super::probe::{Maker, Probe, due_at, expiring, job};

/// The job is cancelled, for good: time and claims pass it by.
fn is_cancelled(probe: &Probe, one: Submitted) {
    let sequence = one.sequence;
    assert_eq!(probe.cancel(one.id), Cancelled::Done { sequence });
    let info = probe.get(one.id);
    assert_eq!(info.state, State::Cancelled);
    assert_eq!(info.outcome, Some(OutcomeKind::Cancelled));
    assert_eq!(info.finished, Some(probe.now()));
    assert_eq!(info.error.unwrap().message, "not needed");
    probe.pass(1_000);
    let promoted = probe.promote();
    assert!(promoted.queued.is_empty() && promoted.expired.is_empty());
    assert_eq!(promoted.next, None, "time still holds something for it");
    assert!(probe.claim(&[sequence]).is_empty());
    assert_eq!(probe.state(one.id), State::Cancelled);
}

/// A job in the queue ends at once.
pub fn a_queued_job_is_cancelled(make: Maker<'_>) {
    let probe = Probe::new(make);
    is_cancelled(&probe, probe.add(job()));
    is_cancelled(&probe, probe.add(expiring(5)));
    let requeued = probe.running(job());
    probe.end(requeued.sequence, 1, Next::Requeue);
    is_cancelled(&probe, requeued);
}

/// A job whose time has not come ends at once.
pub fn a_scheduled_job_is_cancelled(make: Maker<'_>) {
    let probe = Probe::new(make);
    is_cancelled(&probe, probe.add(due_at(probe.in_seconds(5))));
    let both = NewJob {
        due: Some(probe.in_seconds(5)),
        ..expiring(50)
    };
    is_cancelled(&probe, probe.add(both));
    let snoozed = probe.running(job());
    probe.end(snoozed.sequence, 1, Next::Snooze(probe.in_seconds(5)));
    is_cancelled(&probe, snoozed);
}

/// A job that waits for its next attempt ends at once.
pub fn a_retrying_job_is_cancelled(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.running(job());
    probe.end(one.sequence, 1, Next::Retry(probe.in_seconds(5)));
    is_cancelled(&probe, one);
}

/// A running job is not changed; the reply names the attempt to ask.
pub fn a_running_job_is_left_to_be_asked(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.running(job());
    probe.end(one.sequence, 1, Next::Requeue);
    probe.start(one.sequence);
    let before = probe.all();
    let running = Cancelled::Running {
        sequence: one.sequence,
        attempt: 2,
    };
    assert_eq!(probe.cancel(one.id), running);
    assert_eq!(probe.all(), before);
    probe.end(one.sequence, 2, Next::End(State::Completed));
}

/// An ended job is not changed; the reply says how it had ended.
pub fn an_ended_job_stays_as_it_is(make: Maker<'_>) {
    let probe = Probe::new(make);
    for state in [State::Completed, State::Failed, State::Cancelled] {
        let one = probe.ended(job(), state);
        let before = probe.all();
        assert_eq!(probe.cancel(one.id), Cancelled::Ended(state));
        assert_eq!(probe.all(), before);
    }
}

/// An id that no job has is told as such, also where a job has its sequence number.
pub fn an_unknown_job_is_not_found(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.add(job());
    let forged = JobId::new(Timestamp::default(), one.sequence, 0);
    assert_eq!(probe.cancel(forged), Cancelled::NotFound);
    assert_eq!(probe.state(one.id), State::Queued);
}

/// The attempts of a job that was cancelled while it waited are those that it had.
pub fn a_cancel_is_no_attempt(make: Maker<'_>) {
    let probe = Probe::new(make);
    let never = probe.add(job());
    probe.cancel(never.id);
    assert!(probe.get(never.id).attempts.is_empty());
    let one = probe.running(job());
    probe.end(one.sequence, 1, Next::Retry(probe.in_seconds(5)));
    probe.cancel(one.id);
    let attempts = probe.get(one.id).attempts;
    let seen: Vec<_> = attempts.iter().map(|a| (a.number, a.outcome)).collect();
    assert_eq!(seen, [(1, Some(OutcomeKind::Failed))]);
}
