//! Rules of [`Store::finish`](bursar_core::Store::finish).

use std::time::Duration;

use bursar_core::{
    AttemptEnd, Fenced, FinishedAttempt, Isolation, Next, OutcomeKind, Payload, SandboxParts,
    State, Submitted,
};

use super::probe::{Maker, Probe, end_for, failed, job};
use super::view::content;

/// The result is there, byte for byte, with the times.
pub fn a_completed_job_has_its_result(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.running(job());
    probe.pass(7);
    let end = AttemptEnd {
        peak_memory: Some(123_456_789),
        cpu_time: Some(Duration::from_micros(1_234_567)),
        isolation: Some(Isolation::Rlimit),
        sandbox: Some(had()),
        ..AttemptEnd::completed(Payload::json(*br#"{"a": [1, null]}"#))
    };
    let next = Next::End(State::Completed);
    assert_eq!(probe.finish(one.sequence, 1, end, next), Fenced::Applied);
    let info = probe.get(one.id);
    assert_eq!(info.state, State::Completed);
    assert_eq!(info.outcome, Some(OutcomeKind::Completed));
    assert_eq!(info.finished, Some(probe.now()));
    assert_eq!(content(&info.result.unwrap()), r#"{"a": [1, null]}"#);
    assert!(info.error.is_none());
    let attempt = &info.attempts[0];
    assert_eq!(attempt.finished, Some(probe.now()));
    assert_eq!(attempt.outcome, Some(OutcomeKind::Completed));
    assert_eq!(attempt.peak_memory, Some(123_456_789));
    assert_eq!(attempt.cpu_time, Some(Duration::from_micros(1_234_567)));
    assert_eq!(attempt.isolation, Some(Isolation::Rlimit));
    assert_eq!(attempt.sandbox, Some(had()));
}

fn had() -> SandboxParts {
    SandboxParts {
        no_new_privs: true,
        landlock: Some(7),
        seccomp: false,
    }
}

/// The error is there, and no result.
pub fn a_failed_job_has_its_error(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.running(job());
    let mut end = failed("no such file");
    if let Some(failure) = &mut end.failure {
        failure.traceback = Some("line 1\nline 2".into());
    }
    probe.finish(one.sequence, 1, end, Next::End(State::Failed));
    let info = probe.get(one.id);
    assert_eq!(info.state, State::Failed);
    assert_eq!(info.outcome, Some(OutcomeKind::Failed));
    assert!(info.result.is_none());
    let error = info.error.unwrap();
    assert_eq!(
        (&*error.kind, &*error.message),
        ("ValueError", "no such file")
    );
    assert_eq!(error.traceback.as_deref(), Some("line 1\nline 2"));
}

/// `Next::Retry` makes a job `retrying` until its time, and the next claim says how often it failed.
pub fn a_retry_waits_for_its_time_and_counts_a_failure(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.running(job());
    for failures in 1..4 {
        let due = probe.in_seconds(10);
        probe.end(one.sequence, failures, Next::Retry(due));
        let info = probe.get(one.id);
        let seen = (info.state, info.scheduled, info.finished);
        assert_eq!(seen, (State::Retrying, Some(due), None));
        assert!(info.error.is_some(), "what went wrong last is told");
        probe.pass(10);
        probe.promote();
        assert_eq!(probe.claim(&[one.sequence])[0].failures, failures);
    }
}

/// `Next::Snooze` makes a job `scheduled` until its time, and is no failure.
pub fn a_snooze_waits_for_its_time_and_counts_nothing(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.running(job());
    let due = probe.in_seconds(10);
    probe.end(one.sequence, 1, Next::Snooze(due));
    let info = probe.get(one.id);
    assert_eq!((info.state, info.scheduled), (State::Scheduled, Some(due)));
    probe.pass(10);
    probe.promote();
    let claimed = &probe.claim(&[one.sequence])[0];
    assert_eq!((claimed.attempt, claimed.failures), (2, 0));
}

/// `Next::Requeue` makes a job `queued` at once under its old sequence number, and counts nowhere.
pub fn a_requeued_job_keeps_its_place(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.running(job());
    let later = probe.add(job());
    probe.end(one.sequence, 1, Next::Requeue);
    let info = probe.get(one.id);
    assert_eq!((info.state, info.sequence), (State::Queued, one.sequence));
    assert!(info.sequence < later.sequence);
    let claimed = &probe.claim(&[one.sequence])[0];
    assert_eq!((claimed.attempt, claimed.failures), (2, 0));
}

/// The end of an attempt that has been succeeded changes nothing.
pub fn an_older_attempt_is_stale(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.running(job());
    probe.end(one.sequence, 1, Next::Requeue);
    assert_eq!(probe.start(one.sequence), 2);
    let before = probe.all();
    for attempt in [0, 1, 3, u32::MAX] {
        for next in all_nexts(&probe) {
            let fenced = probe.finish(one.sequence, attempt, end_for(next), next);
            assert_eq!(fenced, Fenced::Stale, "attempt {attempt} {next:?}");
        }
    }
    assert_eq!(probe.all(), before);
    probe.end(one.sequence, 2, Next::End(State::Completed));
}

/// A second end of an attempt changes nothing.
pub fn an_ended_job_is_stale(make: Maker<'_>) {
    let probe = Probe::new(make);
    for state in [State::Completed, State::Failed, State::Cancelled] {
        let one = probe.ended(job(), state);
        refuses_all(&probe, one, 1);
    }
}

/// The end of an attempt of a job that waits, or of no job, changes nothing.
pub fn a_job_that_does_not_run_is_stale(make: Maker<'_>) {
    let probe = Probe::new(make);
    let queued = probe.add(job());
    refuses_all(&probe, queued, 0);
    refuses_all(&probe, queued, 1);
    let retrying = probe.running(job());
    probe.end(retrying.sequence, 1, Next::Retry(probe.in_seconds(5)));
    refuses_all(&probe, retrying, 1);
    let requeued = probe.running(job());
    probe.end(requeued.sequence, 1, Next::Requeue);
    refuses_all(&probe, requeued, 1);
    let unknown = Submitted {
        sequence: 1_000_000,
        ..queued
    };
    refuses_all(&probe, unknown, 1);
}

fn refuses_all(probe: &Probe, one: Submitted, attempt: u32) {
    let before = probe.all();
    for next in all_nexts(probe) {
        let fenced = probe.finish(one.sequence, attempt, end_for(next), next);
        assert_eq!(fenced, Fenced::Stale, "{next:?}");
    }
    assert_eq!(probe.all(), before);
}

fn all_nexts(probe: &Probe) -> [Next; 6] {
    [
        Next::End(State::Completed),
        Next::End(State::Failed),
        Next::End(State::Cancelled),
        Next::Retry(probe.in_seconds(1)),
        Next::Snooze(probe.in_seconds(1)),
        Next::Requeue,
    ]
}

/// A stale end among others keeps none of them back; the replies are in the order of the request.
pub fn a_batch_is_judged_one_by_one(make: Maker<'_>) {
    let probe = Probe::new(make);
    let jobs: Vec<Submitted> = (0..3).map(|_| probe.running(job())).collect();
    let ended = |index: usize, attempt: u32| FinishedAttempt {
        sequence: jobs[index].sequence,
        attempt,
        end: AttemptEnd::completed(Payload::Null).into(),
        next: Next::End(State::Completed),
    };
    let fenced = probe.finish_all([ended(1, 1), ended(0, 2), ended(1, 1), ended(2, 1)]);
    use Fenced::{Applied, Stale};
    assert_eq!(fenced[..], [Applied, Stale, Stale, Applied]);
    let states: Vec<State> = jobs.iter().map(|job| probe.state(job.id)).collect();
    assert_eq!(states, [State::Running, State::Completed, State::Completed]);
    assert!(probe.finish_all([]).is_empty());
}

/// However many end in the same way at once: each answer is that of its own job.
pub fn many_that_end_alike_are_judged_one_by_one(make: Maker<'_>) {
    let probe = Probe::new(make);
    let jobs = probe.submit((0..300).map(|_| job()));
    let sequences: Vec<u64> = jobs.iter().map(|job| job.sequence).collect();
    // One waits still, one has ended, and one is in its second attempt.
    let (waits, over, again) = (17, 130, 290);
    let run: Vec<u64> = (0..300)
        .filter(|index| *index != waits)
        .map(|index| sequences[index])
        .collect();
    assert_eq!(probe.claim(&run).len(), 299);
    probe.end(sequences[over], 1, Next::End(State::Failed));
    probe.end(sequences[again], 1, Next::Requeue);
    probe.start(sequences[again]);
    let finish = |text: &'static str| {
        probe.finish_all(sequences.iter().map(|sequence| FinishedAttempt {
            sequence: *sequence,
            attempt: 1,
            end: AttemptEnd::completed(Payload::json(text.as_bytes())).into(),
            next: Next::End(State::Completed),
        }))
    };
    let stale = |fenced: &[Fenced]| -> Vec<usize> {
        let each = fenced.iter().enumerate();
        let stale = each.filter(|(_, fenced)| **fenced == Fenced::Stale);
        stale.map(|(index, _)| index).collect()
    };
    assert_eq!(stale(&finish("1")), [waits, over, again]);
    assert_eq!(stale(&finish("2")).len(), 300, "each has ended once");
    let states = [waits, over, again].map(|index| probe.state(jobs[index].id));
    assert_eq!(states, [State::Queued, State::Failed, State::Running]);
    let others = (0..300).filter(|index| ![waits, over, again].contains(index));
    for index in others {
        let info = probe.get(jobs[index].id);
        assert_eq!(info.state, State::Completed);
        assert_eq!(content(&info.result.unwrap()), "1");
    }
    let tally = probe.tally();
    let counts = [
        State::Queued,
        State::Running,
        State::Completed,
        State::Failed,
    ];
    assert_eq!(counts.map(|state| tally.of(state)), [1, 1, 297, 1]);
}

/// Nothing that can be asked of a store takes a job out of a terminal state.
pub fn terminal_states_never_change(make: Maker<'_>) {
    let probe = Probe::new(make);
    for state in [State::Completed, State::Failed, State::Cancelled] {
        let one = probe.ended(job(), state);
        let before = probe.all();
        assert!(probe.claim(&[one.sequence]).is_empty());
        probe.cancel(one.id);
        probe.pass(60);
        probe.promote();
        for next in all_nexts(&probe) {
            probe.finish(one.sequence, 1, end_for(next), next);
        }
        assert_eq!(probe.all(), before, "{state}");
    }
}

/// Each attempt is kept with its times, its outcome and its error, oldest first.
pub fn every_attempt_is_kept(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.add(job());
    let mut expected = Vec::new();
    for number in 1..=4_u32 {
        let started = probe.now();
        probe.start(one.sequence);
        probe.pass(2);
        let message = format!("broke for the {number}th time");
        let next = if number == 4 {
            Next::End(State::Failed)
        } else {
            Next::Retry(probe.in_seconds(1))
        };
        probe.finish(one.sequence, number, failed(&message), next);
        expected.push((number, started, Some(probe.now()), Some(message)));
        probe.pass(1);
        probe.promote();
    }
    let kept = probe.get(one.id).attempts.into_iter().map(|attempt| {
        assert_eq!(attempt.outcome, Some(OutcomeKind::Failed));
        assert_eq!(&*attempt.worker, "worker-1");
        let message = attempt.error.map(|error| error.message);
        (attempt.number, attempt.started, attempt.finished, message)
    });
    assert_eq!(kept.collect::<Vec<_>>(), expected);
}

/// Of several ends of one attempt, one is recorded.
pub fn threads_record_one_end(make: Maker<'_>) {
    let probe = Probe::new(make);
    for _ in 0..50 {
        let one = probe.running(job());
        let end = |number: usize| {
            let result = Payload::json(number.to_string().into_bytes());
            let end = AttemptEnd::completed(result);
            probe.finish(one.sequence, 1, end, Next::End(State::Completed)) == Fenced::Applied
        };
        let applied: Vec<bool> = std::thread::scope(|scope| {
            let end = &end;
            let ends: Vec<_> = (0..4).map(|n| scope.spawn(move || end(n))).collect();
            ends.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let winners: Vec<usize> = (0..4).filter(|number| applied[*number]).collect();
        assert_eq!(winners.len(), 1);
        let result = probe.get(one.id).result.unwrap();
        assert_eq!(content(&result), winners[0].to_string());
    }
}
