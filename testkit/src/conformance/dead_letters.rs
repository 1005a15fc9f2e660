//! Rules of [`Store::retry`](bursar_core::Store::retry) and
//! [`Store::delete`](bursar_core::Store::delete).

use bursar_core::{Deletion, ErrorKind, JobId, NewJob, Next, Payload, State, Timestamp};

use super::probe::{Maker, Probe, due_at, job, keyed};
use super::view::content;

/// The new job has the old one's declared part and arguments, and names it; the old one stays.
pub fn a_retry_is_a_new_linked_job(make: Maker<'_>) {
    let probe = Probe::new(make);
    let given = NewJob {
        args: Payload::json(*b"[7]"),
        due: Some(Timestamp::from_micros(5)),
        ..job()
    };
    let old = probe.ended(given, State::Failed);
    let before = super::view(&probe.get(old.id));
    probe.pass(5);
    let new = probe.retry(old.id).unwrap();
    assert_eq!((new.state, new.deduplicated), (State::Queued, false));
    assert!(new.sequence > old.sequence && new.id > old.id);
    let info = probe.get(new.id);
    assert_eq!((info.retry_of, info.attempt), (Some(old.id), 0));
    assert_eq!(
        (content(&info.args), info.created),
        ("[7]".into(), probe.now())
    );
    assert_eq!(info.spec, probe.get(old.id).spec);
    assert_eq!(super::view(&probe.get(old.id)), before);
    assert_eq!(probe.claim(&[new.sequence])[0].attempt, 1);
}

/// Jobs in any other state are refused, and nothing is made.
pub fn only_a_failed_job_is_retried(make: Maker<'_>) {
    let probe = Probe::new(make);
    let retrying = probe.running(job());
    probe.end(retrying.sequence, 1, Next::Retry(probe.in_seconds(9)));
    let others = [
        retrying,
        probe.add(job()),
        probe.add(due_at(probe.in_seconds(9))),
        probe.running(job()),
        probe.ended(job(), State::Completed),
        probe.ended(job(), State::Cancelled),
    ];
    let before = probe.all();
    for one in others {
        assert_eq!(probe.retry(one.id), Err(ErrorKind::Conflict));
    }
    assert_eq!(probe.all(), before);
}

/// A retry has the unique key of its job, and gives way to another that has it.
pub fn a_retry_keeps_the_unique_key(make: Maker<'_>) {
    let probe = Probe::new(make);
    let old = probe.ended(keyed("k"), State::Failed);
    let new = probe.retry(old.id).unwrap();
    assert_eq!(probe.get(new.id).unique.as_deref(), Some("k"));
    assert_eq!(probe.add(keyed("k")).id, new.id);
    let again = probe.retry(old.id).unwrap();
    assert_eq!((again.id, again.deduplicated), (new.id, true));
    probe.cancel(new.id);
    let other = probe.add(keyed("k"));
    assert_eq!(probe.retry(old.id).unwrap().id, other.id);
    assert_eq!(probe.get(other.id).retry_of, None);
}

/// A retry of no job says so.
pub fn an_unknown_job_cannot_be_retried(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.ended(job(), State::Failed);
    let forged = JobId::new(Timestamp::default(), one.sequence, 0);
    assert_eq!(probe.retry(forged), Err(ErrorKind::NotFound));
}

/// An ended job is gone from everywhere; any other stays, and the reply says where it stands.
pub fn only_an_ended_job_is_deleted(make: Maker<'_>) {
    let probe = Probe::new(make);
    let retrying = probe.running(job());
    probe.end(retrying.sequence, 1, Next::Retry(probe.in_seconds(9)));
    let unfinished = [
        (retrying, State::Retrying),
        (probe.add(job()), State::Queued),
        (probe.add(due_at(probe.in_seconds(9))), State::Scheduled),
        (probe.running(job()), State::Running),
    ];
    let before = probe.all();
    for (one, state) in unfinished {
        assert_eq!(probe.delete(one.id), Deletion::Unfinished(state));
    }
    assert_eq!(probe.all(), before);
    for state in [State::Completed, State::Failed, State::Cancelled] {
        let one = probe.ended(job(), state);
        assert_eq!(probe.delete(one.id), Deletion::Done);
        assert!(probe.find(one.id).is_none());
        assert_eq!(probe.delete(one.id), Deletion::NotFound);
    }
    assert_eq!(probe.all(), before);
}

/// A deletion of no job says so.
pub fn an_unknown_job_cannot_be_deleted(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.ended(job(), State::Completed);
    let forged = JobId::new(Timestamp::default(), one.sequence, 0);
    assert_eq!(probe.delete(forged), Deletion::NotFound);
    assert_eq!(probe.state(one.id), State::Completed);
}
