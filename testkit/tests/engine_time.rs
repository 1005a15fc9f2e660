//! Delay, retries and their times, snooze, expiry.

use std::sync::Arc;
use std::time::Duration;

use bursar_core::{Backoff, Clock, Ended, Failure, OutcomeKind, State, TaskOptions, Timestamp};
use bursar_testkit::{Rig, until};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_delayed_job_starts_when_its_time_comes() {
    let rig = Rig::new();
    let job = rig.submit_with(|options| options.delay = Some(SECOND * 10));
    rig.pass(Duration::from_micros(9_999_900));
    assert_eq!((rig.state(&job), rig.script.total()), (State::Scheduled, 0));
    rig.pass(Duration::from_micros(100));
    assert_eq!(rig.script.next().job(), job.id());
}

#[test]
fn n_retries_are_n_plus_one_attempts_each_after_its_delay() {
    let rig = Rig::new();
    let job = rig.submit_with(|options| {
        options.retries = Some(3);
        options.backoff = Some(Backoff::Fixed);
        options.retry_delay = Some(SECOND * 7);
    });
    for number in 1..=4 {
        let attempt = rig.script.next();
        assert_eq!((attempt.number(), attempt.failures()), (number, number - 1));
        rig.script.fail(&attempt);
        if number < 4 {
            assert_eq!(rig.state(&job), State::Retrying);
            rig.pass(Duration::from_micros(6_999_900));
            assert_eq!(rig.script.total(), number as usize, "too soon");
            rig.pass(Duration::from_micros(100));
        }
    }
    assert_eq!(rig.final_state(&job), State::Failed);
    assert_eq!(rig.info(&job).attempts.len(), 4);
    rig.is_at_rest();
}

/// The delays between the attempts of one job that always fails, in microseconds.
fn delays(seed: u64) -> Vec<u128> {
    let rig = Rig::builder()
        .options(|options| options.seed = Some(seed))
        .start();
    let job = rig.submit_with(|options| options.retries = Some(12));
    let mut delays = Vec::new();
    for _ in 0..12 {
        let failed = rig.clock.now();
        rig.script.fail(&rig.script.next());
        let due = rig.info(&job).scheduled.unwrap_or_default();
        delays.push(due.since(failed).as_micros());
        rig.pass(due.since(failed));
    }
    delays
}

#[test]
fn backoff_doubles_with_jitter_up_to_its_cap_and_replays_from_its_seed() {
    let first = delays(7);
    for (number, delay) in first.iter().enumerate() {
        let ceiling = (1_000_000_u128 << number).min(600_000_000);
        assert!(*delay <= ceiling, "retry {number} after {delay} us");
    }
    assert!(
        first.iter().sum::<u128>() > 60_000_000,
        "hardly any delay: {first:?}"
    );
    assert_eq!(delays(7), first);
    assert_ne!(delays(8), first);
}

#[test]
fn a_snooze_spends_no_retry() {
    let rig = Rig::new();
    let job = rig.submit_with(|options| options.retries = Some(1));
    for number in 1..=5 {
        let attempt = rig.script.next();
        assert_eq!((attempt.number(), attempt.failures()), (number, 0));
        let failure = Failure::new("Retry", "not ready");
        rig.script
            .end(&attempt, Ended::Retry(Some(SECOND * 3), failure));
        assert_eq!(rig.state(&job), State::Scheduled);
        rig.pass(SECOND * 3);
    }
    rig.script.fail(&rig.script.next());
    assert_eq!(rig.state(&job), State::Retrying);
    assert_eq!(
        rig.info(&job).attempts[0].outcome,
        Some(OutcomeKind::Snoozed)
    );
}

#[test]
fn giving_up_ends_a_job_with_retries_left() {
    let rig = Rig::new();
    let job = rig.submit_with(|options| options.retries = Some(9));
    let failure = Failure::new("Fail", "hopeless");
    rig.script.end(&rig.script.next(), Ended::GaveUp(failure));
    assert_eq!(rig.final_state(&job), State::Failed);
    let again = rig.engine.retry(job.id()).wait().unwrap();
    let attempt = rig.script.next();
    assert_eq!((attempt.job(), attempt.number()), (again.ticket.id(), 1));
    assert_eq!(rig.info(&again.ticket).retry_of, Some(job.id()));
}

#[test]
fn what_is_ended_for_no_fault_of_its_own_is_run_again_and_costs_no_retry() {
    let rig = Rig::new();
    let job = rig.submit_with(|options| options.retries = Some(1));
    for _ in 0..3 {
        rig.script.end(&rig.script.next(), Ended::Released);
        assert_eq!(rig.state(&job), State::Running, "it waits for nothing");
    }
    rig.script.fail(&rig.script.next());
    assert_eq!(rig.state(&job), State::Retrying);
    rig.pass(SECOND * 60);
    rig.script.fail(&rig.script.next());
    assert_eq!(rig.final_state(&job), State::Failed);
    let outcomes: Vec<_> = rig
        .info(&job)
        .attempts
        .iter()
        .map(|one| one.outcome)
        .collect();
    let expected = [
        OutcomeKind::Released,
        OutcomeKind::Released,
        OutcomeKind::Released,
        OutcomeKind::Failed,
        OutcomeKind::Failed,
    ];
    assert_eq!(outcomes, expected.map(Some));
    rig.is_at_rest();
}

#[test]
fn one_that_is_cancelled_is_not_run_again_though_its_end_was_no_fault_of_its_own() {
    let rig = Rig::new();
    let job = rig.submit();
    let attempt = rig.script.next();
    assert!(rig.cancel(&job));
    rig.script.end(&attempt, Ended::Released);
    assert_eq!(rig.final_state(&job), State::Cancelled);
    rig.is_at_rest();
}

#[test]
fn a_job_that_is_not_started_in_time_is_cancelled() {
    let rig = Rig::builder().slots(1).start();
    let first = rig.submit();
    let attempt = rig.script.next();
    let expires = |options: &mut TaskOptions| options.expires = Some(SECOND * 10);
    let late = rig.submit_with(expires);
    rig.pass(SECOND * 9);
    assert_eq!(rig.state(&late), State::Queued);
    rig.pass(SECOND);
    let end = rig.end_of(&late);
    assert_eq!(end.state, State::Cancelled);
    assert_eq!(end.end.failure.as_ref().unwrap().kind, "Expired");
    rig.script.complete(&attempt);
    assert_eq!(rig.final_state(&first), State::Completed);
    let started = rig.submit_with(expires);
    let attempt = rig.script.next();
    rig.pass(SECOND * 20);
    rig.script.complete(&attempt);
    assert_eq!(rig.final_state(&started), State::Completed);
    rig.is_at_rest();
}

#[test]
fn a_checkpoint_and_the_log_are_there_for_the_next_attempt() {
    let rig = Rig::new();
    let job = rig.submit_with(|options| options.retries = Some(1));
    let first = rig.script.next();
    let state = bursar_core::Payload::json(*b"[3]");
    first.save_checkpoint(state).unwrap().wait().unwrap();
    first.progress(50.0, Some("half")).unwrap().wait().unwrap();
    first.log("info", "three done").wait().unwrap();
    rig.script.fail(&first);
    rig.pass(SECOND);
    let second = rig.script.next();
    assert_eq!(second.checkpoint().unwrap().as_json(), Some(&b"[3]"[..]));
    let info = rig.info(&job);
    assert_eq!(&*info.logs[0].message, "three done");
    assert_eq!(info.progress.unwrap().percent, 50.0);
}

#[test]
fn notes_out_of_range_are_refused_with_the_value() {
    let rig = Rig::new();
    rig.submit();
    let attempt = rig.script.next();
    for percent in [-0.1, 100.1, f64::NAN, f64::INFINITY] {
        let error = attempt.progress(percent, None).unwrap_err().to_string();
        assert!(error.contains(&percent.to_string()), "{error}");
    }
    let large = bursar_core::Payload::json(vec![b'1'; (1 << 20) + 1]);
    let error = attempt.save_checkpoint(large).unwrap_err().to_string();
    let both = error.contains("1048577") && error.contains("1048576");
    assert!(both, "{error}");
    assert!(attempt.checkpoint().is_none());
}

#[test]
fn a_result_is_forgotten_after_its_ttl_without_anybody_looking() {
    let rig = Rig::new();
    let job = rig.submit_with(|options| options.result_ttl = Some(SECOND * 30));
    rig.script.complete(&rig.script.next());
    assert_eq!(rig.final_state(&job), State::Completed);
    rig.pass(SECOND * 29);
    assert_eq!(rig.state(&job), State::Completed);
    rig.pass(SECOND * 2);
    // The store forgets in steps of its own, which nobody waits for.
    until("the result to be forgotten", || {
        rig.stats().jobs.of(State::Completed) == 0
    });
    assert!(rig.engine.info(job.id(), false).wait().is_err());
    assert_eq!(
        rig.final_state(&job),
        State::Completed,
        "a handle keeps the end"
    );
}

#[test]
fn a_delay_of_next_to_nothing_is_not_forgotten() {
    // The store may queue such a job before its submitter has heard of it.
    let rig = Arc::new(Rig::new());
    let clock = Arc::clone(&rig.clock);
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let mover = std::thread::spawn(move || {
        while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            clock.advance(Duration::from_micros(1));
        }
    });
    for _ in 0..2_000 {
        let job = rig.submit_with(|options| options.delay = Some(Duration::from_micros(2)));
        let attempt = rig.script.next();
        assert_eq!(attempt.job(), job.id());
        rig.script.complete(&attempt);
    }
    drop(stop);
    mover.join().unwrap();
    assert!(rig.clock.now() > Timestamp::default());
    rig.is_at_rest();
}
