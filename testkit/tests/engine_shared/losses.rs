//! Attempts whose worker is gone, or was taken for gone.

use bursar_core::{Ended, OutcomeKind, State, StopKind};
use bursar_testkit::stores::Shared;
use bursar_testkit::until;

use crate::SECOND;
use crate::rigs::{client, outcomes, rests, rig, rig_on};

#[test]
fn an_orphan_is_run_again() {
    let shared = Shared::default();
    let client = client(&shared);
    let dies = rig(&shared);
    let job = client.submit();
    let attempt = dies.script.next();
    attempt.progress(50.0, None).unwrap().wait().unwrap();
    drop(dies);
    let worker = rig(&shared);
    let attempt = worker.script.next();
    assert_eq!(
        (attempt.job(), attempt.number(), attempt.failures()),
        (job.id(), 2, 0)
    );
    worker.script.complete(&attempt);
    assert_eq!(client.final_state(&job), State::Completed);
    let expected = [Some(OutcomeKind::Lost), Some(OutcomeKind::Completed)];
    assert_eq!(outcomes(&client, &job), expected);
    rests(&client);
    rests(&worker);
}

#[test]
fn the_third_loss_stops_a_job() {
    let shared = Shared::default();
    let client = client(&shared);
    let job = client.submit();
    for number in 1..=3 {
        let dies = rig(&shared);
        assert_eq!(dies.script.next().number(), number);
    }
    let end = client.end_of(&job);
    assert_eq!(
        (end.state, end.end.kind),
        (State::Failed, OutcomeKind::Lost)
    );
    let message = &end.end.failure.as_ref().unwrap().message;
    assert!(message.contains("3 of its attempts were lost"), "{message}");
    rests(&client);
}

#[test]
fn an_orphan_that_was_to_be_cancelled_is() {
    let shared = Shared::default();
    let client = client(&shared);
    let dies = rig(&shared);
    let job = client.submit();
    drop(dies.script.next());
    assert!(client.cancel(&job));
    drop(dies);
    assert_eq!(client.final_state(&job), State::Cancelled);
    rests(&client);
}

#[test]
fn what_was_declared_lost_is_asked_to_stop_and_its_end_changes_nothing() {
    let shared = Shared::default();
    let slow_store = shared.open();
    let (client, slow) = (client(&shared), rig_on(&slow_store));
    let job = client.submit();
    let late = slow.script.next();
    slow_store.hold_news();
    slow_store.declare_dead();
    let worker = rig(&shared);
    let attempt = worker.script.next();
    assert_eq!((attempt.job(), attempt.number()), (job.id(), 2));
    slow_store.let_news_go();
    until("asked to stop", || slow.script.was_asked(&late));
    let stop = late.stopped().unwrap();
    assert_eq!(stop.kind, StopKind::Lost);
    assert!(stop.reason.contains("lease was lost"), "{}", stop.reason);
    assert_eq!(slow.reserved(), 32_000_000, "its code still runs");
    assert!(late.progress(1.0, None).unwrap().wait().is_err());
    slow.script.complete(&late);
    assert_eq!(slow.reserved(), 0);
    assert!(!job.is_done());
    worker.script.complete(&attempt);
    assert_eq!(client.final_state(&job), State::Completed);
    let expected = [Some(OutcomeKind::Lost), Some(OutcomeKind::Completed)];
    assert_eq!(outcomes(&client, &job), expected);
    for rig in [&client, &slow, &worker] {
        rests(rig);
    }
}

#[test]
fn one_that_was_taken_for_dead_runs_its_job_again_once_it_has_stopped() {
    let shared = Shared::default();
    let store = shared.open();
    let worker = rig_on(&store);
    let job = worker.submit();
    let late = worker.script.next();
    store.declare_dead();
    until("asked to stop", || worker.script.was_asked(&late));
    worker.settle();
    assert!(worker.script.take().is_none(), "twice at once");
    worker
        .script
        .end(&late, Ended::Cancelled("as asked".into()));
    let attempt = worker.script.next();
    assert_eq!((attempt.job(), attempt.number()), (job.id(), 2));
    worker.script.complete(&attempt);
    assert_eq!(worker.final_state(&job), State::Completed);
    rests(&worker);
}

#[test]
fn an_attempt_that_does_not_stop_is_given_up_on_and_keeps_what_it_holds() {
    let shared = Shared::default();
    let store = shared.open();
    let worker = rig_on(&store);
    let job = worker.submit();
    let late = worker.script.next();
    store.declare_dead();
    until("asked to stop", || worker.script.was_asked(&late));
    worker.pass(5 * SECOND);
    let attempt = worker.script.next();
    assert_eq!(attempt.number(), 2);
    assert_eq!(worker.reserved(), 64_000_000);
    worker.script.complete(&attempt);
    assert_eq!(worker.final_state(&job), State::Completed);
    worker.script.fail(&late);
    assert_eq!(outcomes(&worker, &job).len(), 2);
    rests(&worker);
}
