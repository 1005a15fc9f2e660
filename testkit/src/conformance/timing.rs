//! Rules of [`Store::promote`](bursar_core::Store::promote).

use std::time::Duration;

use bursar_core::{NewJob, Next, OutcomeKind, Promoted, State};

use super::probe::{Maker, Probe, due_at, expiring, job};

fn queued(promoted: &Promoted) -> Vec<u64> {
    promoted.queued.iter().map(|job| job.sequence).collect()
}

fn expired(promoted: &Promoted) -> Vec<u64> {
    promoted.expired.iter().map(|job| job.sequence).collect()
}

/// What was due first is queued first, then by sequence; what is not due stays.
pub fn due_jobs_are_queued_in_the_order_of_their_times(make: Maker<'_>) {
    let probe = Probe::new(make);
    let jobs: Vec<u64> = [30, 10, 20, 10, 40]
        .map(|seconds| probe.add(due_at(probe.in_seconds(seconds))).sequence)
        .to_vec();
    probe.advance(Duration::from_micros(9_999_999));
    assert!(queued(&probe.promote()).is_empty());
    probe.advance(Duration::from_micros(1));
    assert_eq!(queued(&probe.promote()), [jobs[1], jobs[3]]);
    probe.pass(20);
    assert_eq!(queued(&probe.promote()), [jobs[2], jobs[0]]);
    assert!(queued(&probe.promote()).is_empty());
}

/// Later attempts are queued like first ones.
pub fn retrying_and_snoozed_jobs_are_queued_when_due(make: Maker<'_>) {
    let probe = Probe::new(make);
    let retrying = probe.running(job());
    let snoozed = probe.running(job());
    probe.end(retrying.sequence, 1, Next::Retry(probe.in_seconds(20)));
    probe.end(snoozed.sequence, 1, Next::Snooze(probe.in_seconds(10)));
    probe.pass(20);
    let promoted = probe.promote();
    assert_eq!(queued(&promoted), [snoozed.sequence, retrying.sequence]);
    assert_eq!(promoted.queued[0].id, snoozed.id);
    assert_eq!(probe.start(retrying.sequence), 2);
}

/// At most so many jobs are changed, those that expired first; the rest is due at once.
pub fn the_limit_bounds_how_many_change(make: Maker<'_>) {
    let probe = Probe::new(make);
    let due: Vec<u64> = (1..=3)
        .map(|seconds| probe.add(due_at(probe.in_seconds(seconds))).sequence)
        .collect();
    let late: Vec<u64> = (1..=2)
        .map(|seconds| probe.add(expiring(seconds)).sequence)
        .collect();
    probe.pass(9);
    let nothing = probe.promote_at_most(0);
    assert!(queued(&nothing).is_empty() && expired(&nothing).is_empty());
    let first = probe.promote_at_most(3);
    assert_eq!((expired(&first), queued(&first)), (late, vec![due[0]]));
    assert!(first.next.is_some_and(|next| next <= probe.now()));
    let second = probe.promote_at_most(3);
    assert_eq!(queued(&second), due[1..]);
    assert_eq!(second.next, None);
}

/// The reply says when something is next to be done, and nothing where nothing is.
pub fn the_next_time_is_told(make: Maker<'_>) {
    let probe = Probe::new(make);
    assert_eq!(probe.promote().next, None);
    probe.add(job());
    assert_eq!(probe.promote().next, None);
    let later = probe.in_seconds(50);
    probe.add(due_at(later));
    assert_eq!(probe.promote().next, Some(later));
    let sooner = probe.in_seconds(20);
    let one = probe.add(expiring(20));
    assert_eq!(probe.promote().next, Some(sooner));
    probe.start(one.sequence);
    assert_eq!(probe.promote().next, Some(later));
}

/// A queued job that was to start by now is cancelled, and the reply tells its end.
pub fn a_job_that_did_not_start_in_time_is_cancelled(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.add(expiring(10));
    probe.advance(Duration::from_micros(9_999_999));
    assert!(expired(&probe.promote()).is_empty());
    probe.advance(Duration::from_micros(1));
    let promoted = probe.promote();
    assert_eq!(expired(&promoted), [one.sequence]);
    let told = &promoted.expired[0].outcome;
    assert_eq!(told.state, State::Cancelled);
    assert_eq!(told.end.kind, OutcomeKind::Cancelled);
    let info = probe.get(one.id);
    assert_eq!(info.state, State::Cancelled);
    let (stored, told) = (info.error.unwrap(), told.end.failure.clone().unwrap());
    assert_eq!((&*stored.kind, &stored.message), ("Expired", &told.message));
    assert!(stored.message.contains("10s"), "{}", stored.message);
    assert!(info.attempts.is_empty());
}

/// So is one whose time had not even come.
pub fn a_scheduled_job_expires_too(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.add(NewJob {
        due: Some(probe.in_seconds(60)),
        ..expiring(10)
    });
    probe.pass(10);
    assert_eq!(expired(&probe.promote()), [one.sequence]);
    probe.pass(60);
    let promoted = probe.promote();
    assert!(queued(&promoted).is_empty() && promoted.next.is_none());
}

/// A job that has started once may be tried again after its expiry.
pub fn a_started_job_does_not_expire(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.running(expiring(10));
    probe.end(one.sequence, 1, Next::Requeue);
    let two = probe.running(expiring(10));
    probe.end(two.sequence, 1, Next::Retry(probe.in_seconds(20)));
    probe.pass(30);
    let promoted = probe.promote();
    assert!(promoted.expired.is_empty());
    assert_eq!(queued(&promoted), [two.sequence]);
    assert_eq!(probe.claim(&[one.sequence, two.sequence]).len(), 2);
}

/// Whoever is told that a job is queued can run it: its declared part comes along.
pub fn what_is_queued_tells_its_spec(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.add(due_at(probe.in_seconds(1)));
    probe.pass(1);
    let promoted = probe.promote();
    let told = &promoted.queued[0];
    assert_eq!((told.id, told.sequence), (one.id, one.sequence));
    assert_eq!(told.spec, probe.get(one.id).spec);
}
