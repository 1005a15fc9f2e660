//! Rules of [`Store::submit`](bursar_core::Store::submit).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::{
    JobFilter, JobId, NewJob, Next, Payload, Priority, Spec, State, Submit, Timestamp,
};

use super::probe::{Maker, Probe, due_at, expiring, job, job_of, keyed, spec};
use super::view::content;

/// Each id is new, and ids sort as their jobs were submitted, within a microsecond too.
pub fn ids_are_unique_and_sort_in_the_order_of_submission(make: Maker<'_>) {
    let probe = Probe::new(make);
    let mut ids: Vec<JobId> = Vec::new();
    for step in 0..50 {
        ids.extend(probe.submit([job(), job()]).iter().map(|job| job.id));
        probe.advance(Duration::from_micros(step * 100));
    }
    assert!(ids.is_sorted(), "{ids:?}");
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 100);
}

/// Sequence numbers grow with each job, and are never used again.
pub fn sequences_count_on(make: Maker<'_>) {
    let probe = Probe::new(make);
    let first = probe.ended(job(), State::Completed);
    probe.delete(first.id);
    let later: Vec<u64> = (0..20).map(|_| probe.add(job()).sequence).collect();
    assert!(first.sequence > 0 && first.sequence < later[0]);
    assert!(later.is_sorted_by(|a, b| a < b), "{later:?}");
}

/// The replies to a batch, and its jobs, are in the order of the request.
pub fn a_batch_keeps_its_order(make: Maker<'_>) {
    let probe = Probe::new(make);
    let names: Vec<String> = (0..40).map(|number| format!("task-{number}")).collect();
    let accepted = probe.submit(names.iter().map(|name| job_of(spec(name))));
    let read: Vec<String> = accepted
        .iter()
        .map(|job| probe.get(job.id).spec.task.to_string())
        .collect();
    assert_eq!(read, names);
    assert!(accepted.is_sorted_by_key(|job| job.sequence));
}

/// A batch with one job that is refused leaves nothing behind.
pub fn a_batch_is_accepted_whole_or_not_at_all(make: Maker<'_>) {
    let probe = Probe::new(make);
    let live = NewJob {
        args: Payload::Live(Arc::new(7_u8)),
        ..job()
    };
    let request = Submit {
        now: probe.now(),
        jobs: [job(), live, job()].into_iter().collect(),
    };
    let reply = probe.store.submit(request).wait();
    let stored = probe.count(JobFilter::default());
    if probe.store.capabilities().live_payloads {
        assert_eq!((reply.unwrap().len(), stored), (3, 3));
    } else {
        assert_eq!((reply.is_err(), stored), (true, 0));
    }
}

/// A batch without jobs is accepted.
pub fn an_empty_batch_is_no_jobs(make: Maker<'_>) {
    let probe = Probe::new(make);
    assert!(probe.submit([]).is_empty());
    assert_eq!(probe.count(JobFilter::default()), 0);
}

/// A job that is due later is `scheduled` until then.
pub fn a_job_whose_time_has_not_come_is_scheduled(make: Maker<'_>) {
    let probe = Probe::new(make);
    let due = probe.in_seconds(10);
    let accepted = probe.add(due_at(due));
    assert_eq!(
        (accepted.state, accepted.due),
        (State::Scheduled, Some(due))
    );
    let info = probe.get(accepted.id);
    assert_eq!((info.state, info.scheduled), (State::Scheduled, Some(due)));
}

/// A job that is due now, or was, is `queued`.
pub fn a_job_whose_time_has_come_is_queued(make: Maker<'_>) {
    let probe = Probe::new(make);
    for due in [probe.now(), Timestamp::from_micros(1), Timestamp::default()] {
        let accepted = probe.add(due_at(due));
        assert_eq!((accepted.state, accepted.due), (State::Queued, None));
        assert_eq!(probe.get(accepted.id).scheduled, None);
    }
}

/// Everything that a job declares is read as it was submitted.
pub fn what_was_submitted_can_be_read(make: Maker<'_>) {
    let probe = Probe::new(make);
    let declared = Spec {
        priority: Priority::Critical,
        demand: bursar_core::Demand {
            memory: 64_000_000,
            cpu: 250,
            tokens: vec![("gpu".into(), 2), ("net".into(), 1)],
        },
        limits: bursar_core::Limits {
            memory: Some(0),
            cpu: Some(1_500),
            cpu_action: bursar_core::CpuAction::Warn,
            cpu_time: Some(Duration::from_micros(90_000_001)),
            files: Some(0),
            connections: None,
        },
        sandbox: Some(
            bursar_core::Sandbox::required()
                .write("/a b/\u{e9}")
                .network(true),
        ),
        executor: bursar_core::ExecutorKind::Process,
        retry: bursar_core::RetryPolicy {
            retries: 3,
            delay: Duration::from_millis(1_500),
            backoff: bursar_core::Backoff::Fixed,
        },
        timeout: Some(Duration::from_micros(300_000_001)),
        expires: Some(Duration::from_secs(77)),
        result_ttl: Some(Duration::from_secs(5)),
        ..spec("images.resize")
    };
    let args = Payload::json(*br#"["a.png",100]"#);
    let accepted = probe.add(NewJob {
        args: args.clone(),
        unique: Some("resize:a.png".into()),
        ..job_of(declared.clone())
    });
    let info = probe.get(accepted.id);
    assert_eq!(*info.spec, declared);
    assert_eq!(content(&info.args), content(&args));
    assert_eq!(info.unique.as_deref(), Some("resize:a.png"));
    assert_eq!(
        (info.id, info.sequence, info.created, info.attempt),
        (accepted.id, accepted.sequence, probe.now(), 0)
    );
    let absent = (info.started, info.finished, info.outcome, info.worker);
    assert_eq!(absent, (None, None, None, None));
    assert!(info.attempts.is_empty() && info.result.is_none() && info.error.is_none());
}

/// A job that names who runs it begins in the moment in which it is accepted.
pub fn a_job_with_a_worker_begins_at_once(make: Maker<'_>) {
    let probe = Probe::new(make);
    let accepted = probe.submit([begun(expiring(5)), job()]);
    let states = [accepted[0].state, accepted[1].state];
    assert_eq!(states, [State::Running, State::Queued]);
    let info = probe.get(accepted[0].id);
    assert_eq!((info.state, info.attempt), (State::Running, 1));
    assert_eq!(info.started, Some(probe.now()));
    assert_eq!(info.worker.as_deref(), Some("worker-1"));
    assert_eq!(info.attempts.len(), 1);
    let sequence = accepted[0].sequence;
    assert!(probe.claim(&[sequence]).is_empty());
    probe.pass(9);
    assert!(probe.promote().expired.is_empty(), "it has started in time");
    probe.end(sequence, 1, Next::Requeue);
    assert_eq!(probe.start(sequence), 2);
    probe.end(sequence, 2, Next::End(State::Completed));
    assert_eq!(probe.get(accepted[0].id).attempts.len(), 2);
}

/// What can't be claimed yet, or not any more, doesn't begin.
pub fn only_what_is_queued_begins_at_once(make: Maker<'_>) {
    let probe = Probe::new(make);
    let later = probe.add(begun(due_at(probe.in_seconds(9))));
    assert_eq!(later.state, State::Scheduled);
    let expired = probe.add(begun(expiring(0)));
    assert_eq!(expired.state, State::Queued);
    let first = probe.add(begun(keyed("k")));
    assert_eq!((first.state, first.deduplicated), (State::Running, false));
    let again = probe.add(begun(keyed("k")));
    assert_eq!((again.id, again.deduplicated), (first.id, true));
    assert_eq!(probe.get(first.id).attempt, 1);
}

fn begun(job: NewJob) -> NewJob {
    let worker = Some("worker-1".into());
    NewJob { worker, ..job }
}

/// While an unfinished job has the key, a submit gives that job, whatever its state.
pub fn an_unfinished_job_with_the_key_is_given_instead(make: Maker<'_>) {
    let probe = Probe::new(make);
    let first = probe.add(keyed("k"));
    assert!(!first.deduplicated);
    let check = |state: State| {
        let again = probe.add(keyed("k"));
        let seen = (again.id, again.sequence, again.state, again.deduplicated);
        assert_eq!(seen, (first.id, first.sequence, state, true));
    };
    check(State::Queued);
    let attempt = probe.start(first.sequence);
    check(State::Running);
    probe.end(first.sequence, attempt, Next::Retry(probe.in_seconds(1)));
    check(State::Retrying);
    probe.pass(1);
    probe.promote();
    let attempt = probe.start(first.sequence);
    probe.end(first.sequence, attempt, Next::Snooze(probe.in_seconds(1)));
    check(State::Scheduled);
    assert!(!probe.add(keyed("other")).deduplicated);
    assert_eq!(probe.count(JobFilter::default()), 2);
}

/// Two jobs of one batch with the same key are one job.
pub fn a_key_counts_within_a_batch(make: Maker<'_>) {
    let probe = Probe::new(make);
    let accepted = probe.submit([keyed("a"), keyed("b"), keyed("a")]);
    let deduplicated: Vec<bool> = accepted.iter().map(|job| job.deduplicated).collect();
    assert_eq!(deduplicated, [false, false, true]);
    assert_eq!(accepted[0].id, accepted[2].id);
}

/// The key is free again after each kind of end.
pub fn a_key_is_free_once_its_job_has_ended(make: Maker<'_>) {
    let probe = Probe::new(make);
    for state in [State::Completed, State::Failed, State::Cancelled] {
        let ended = probe.ended(keyed("k"), state);
        assert!(!ended.deduplicated, "before {state}");
    }
    let waiting = probe.add(keyed("k"));
    probe.cancel(waiting.id);
    let expired = NewJob {
        unique: Some("k".into()),
        ..expiring(1)
    };
    assert!(!probe.add(expired).deduplicated, "after a cancel");
    probe.pass(2);
    probe.promote();
    assert!(!probe.add(keyed("k")).deduplicated, "after an expiry");
}

/// However many threads submit a key at once, one job is made, and all are given it.
pub fn threads_with_one_key_make_one_job(make: Maker<'_>) {
    let probe = Probe::new(make);
    let (threads, rounds) = (8, 100);
    let barrier = std::sync::Barrier::new(threads);
    let all: Vec<Vec<JobId>> = std::thread::scope(|scope| {
        let submit = || {
            let ids = (0..rounds).map(|round| {
                barrier.wait();
                probe.add(keyed(&format!("round-{round}"))).id
            });
            ids.collect()
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(submit)).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(all.iter().all(|ids| *ids == all[0]));
    assert_eq!(probe.count(JobFilter::default()), rounds);
}
