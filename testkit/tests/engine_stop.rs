//! Cancel, timeout, grace and what is given up on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bursar_core::{
    Attempt, Ended, ErrorKind, OutcomeKind, Payload, State, StopKind, TaskOptions, Ticket,
};
use bursar_testkit::stores::LateStore;
use bursar_testkit::{Rig, until};

const SECOND: Duration = Duration::from_secs(1);

fn timed(rig: &Rig, seconds: u64) -> (Arc<Ticket>, Arc<Attempt>) {
    let job = rig.submit_with(|options| options.timeout = Some(SECOND * seconds as u32));
    (job, rig.script.next())
}

fn retrying_timed(rig: &Rig) -> Arc<Ticket> {
    rig.submit_with(|options: &mut TaskOptions| {
        options.timeout = Some(SECOND * 10);
        options.retries = Some(3);
    })
}

#[test]
fn a_timeout_asks_then_gives_up_but_keeps_the_permit_to_the_real_end() {
    let rig = Rig::new();
    let (job, attempt) = timed(&rig, 10);
    rig.pass(Duration::from_millis(9_999));
    assert!(attempt.stopped().is_none());
    rig.pass(Duration::from_millis(1));
    assert_eq!(attempt.stopped().unwrap().kind, StopKind::TimedOut);
    assert!(rig.script.was_asked(&attempt));
    assert_eq!(rig.state(&job), State::Running);
    rig.pass(SECOND * 5);
    assert_eq!(rig.final_state(&job), State::Failed);
    let info = rig.info(&job);
    assert_eq!(info.outcome, Some(OutcomeKind::TimedOut));
    assert!(info.error.unwrap().message.contains("10s"));
    assert!(attempt.is_closed());
    assert_eq!(
        (rig.reserved(), rig.slots()),
        (32_000_000, 1),
        "it may still run"
    );
    let late = Ended::Returned(Payload::json(*b"42"));
    rig.script.end(&attempt, late);
    assert!(rig.info(&job).result.is_none(), "a late result was taken");
    rig.is_at_rest();
}

#[test]
fn a_result_that_comes_within_the_grace_is_refused_too() {
    let rig = Rig::new();
    let (job, attempt) = timed(&rig, 10);
    rig.pass(SECOND * 11);
    rig.script.complete(&attempt);
    assert_eq!(rig.end_of(&job).end.kind, OutcomeKind::TimedOut);
    rig.is_at_rest();
}

#[test]
fn an_abandoned_attempt_can_say_nothing_more() {
    let rig = Rig::new();
    let (_, attempt) = timed(&rig, 1);
    attempt.log("info", "before").wait().unwrap();
    rig.pass(SECOND);
    rig.pass(SECOND * 5);
    until("the end", || attempt.is_closed());
    let refused = attempt.log("info", "after").wait().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    let state = Payload::json(*b"1");
    assert!(attempt.save_checkpoint(state).unwrap().wait().is_err());
}

#[test]
fn a_waiting_job_is_cancelled_at_once_and_its_room_given_on() {
    let rig = Rig::builder().slots(1).start();
    let first = rig.submit();
    let attempt = rig.script.next();
    let second = rig.submit();
    assert!(rig.cancel(&second));
    let end = rig.end_of(&second);
    assert_eq!(
        (end.state, end.end.kind),
        (State::Cancelled, OutcomeKind::Cancelled)
    );
    assert_eq!(end.end.failure.as_ref().unwrap().message, "not needed");
    assert!(!rig.cancel(&second), "it had ended");
    rig.script.complete(&attempt);
    assert_eq!(rig.final_state(&first), State::Completed);
    assert_eq!(rig.script.total(), 1);
    rig.is_at_rest();
}

#[test]
fn a_running_job_is_asked_and_ends_as_cancelled_whatever_it_returns() {
    let rig = Rig::new();
    for ended in [
        Ended::Returned(Payload::json(*b"1")),
        Ended::Cancelled("it noticed".into()),
        Ended::Raised(bursar_core::Failure::new("CancelledError", "")),
        Ended::Retry(None, bursar_core::Failure::new("Retry", "")),
    ] {
        let job = rig.submit_with(|options| options.retries = Some(5));
        let attempt = rig.script.next();
        assert!(rig.cancel(&job));
        assert_eq!(attempt.stopped().unwrap().kind, StopKind::Cancelled);
        rig.script.end(&attempt, ended);
        assert_eq!(rig.final_state(&job), State::Cancelled);
    }
    rig.is_at_rest();
}

#[test]
fn a_cancel_gives_the_whole_grace_though_a_timeout_ends_within_it() {
    let rig = Rig::new();
    let (job, attempt) = timed(&rig, 10);
    rig.pass(SECOND * 9);
    rig.cancel(&job);
    rig.pass(SECOND * 4);
    assert!(!attempt.is_closed(), "given up after 4 of 5 s of grace");
    rig.pass(SECOND);
    assert_eq!(rig.end_of(&job).end.kind, OutcomeKind::Cancelled);
}

#[test]
fn a_cancel_after_a_timeout_still_ends_the_job() {
    let rig = Rig::new();
    let job = retrying_timed(&rig);
    let attempt = rig.script.next();
    rig.pass(SECOND * 10);
    assert_eq!(attempt.stopped().unwrap().kind, StopKind::TimedOut);
    assert!(rig.cancel(&job));
    rig.script
        .end(&attempt, Ended::Cancelled("asked to".into()));
    assert_eq!(rig.final_state(&job), State::Cancelled);
    assert_eq!(rig.script.total(), 1);
}

#[test]
fn a_retrying_and_a_scheduled_job_are_cancelled_at_once() {
    let rig = Rig::new();
    let retrying = rig.submit_with(|options| options.retries = Some(3));
    rig.script.fail(&rig.script.next());
    assert_eq!(rig.state(&retrying), State::Retrying);
    let scheduled = rig.submit_with(|options| options.delay = Some(SECOND));
    for job in [&retrying, &scheduled] {
        assert!(rig.cancel(job));
        assert_eq!(rig.final_state(job), State::Cancelled);
    }
    rig.pass(SECOND * 1_000);
    assert_eq!(rig.script.total(), 1);
    rig.is_at_rest();
}

/// A rig over a store that answers later, and that store.
fn late_rig(slots: u32) -> (Rig, Arc<LateStore>) {
    let store = Arc::new(LateStore::new(
        Arc::<bursar_core::MemoryStore>::default(),
        1,
    ));
    let rig = Rig::builder()
        .slots(slots)
        .store(Arc::<LateStore>::clone(&store));
    (rig.start(), store)
}

#[test]
fn a_cancel_before_the_claim_leaves_room_for_the_next() {
    let (rig, store) = late_rig(1);
    store.hold_requests("claim");
    let first = rig.submit();
    until("a claim", || store.held("claim").0 == 1);
    let second = rig.submit();
    let drained = rig.engine.drained();
    assert!(rig.cancel(&first));
    assert_eq!(rig.final_state(&first), State::Cancelled);
    store.let_go();
    let attempt = rig.script.next();
    assert_eq!(attempt.job(), second.id());
    rig.script.complete(&attempt);
    assert_eq!(rig.final_state(&second), State::Completed);
    until("drained", || drained.is_set());
    rig.is_at_rest();
}

#[test]
fn the_last_job_cancelled_before_its_claim_drains_the_engine() {
    let (rig, store) = late_rig(1);
    store.hold_requests("claim");
    let job = rig.submit();
    until("a claim", || store.held("claim").0 == 1);
    let drained = rig.engine.drained();
    assert!(rig.cancel(&job));
    store.let_go();
    until("drained", || drained.is_set());
    rig.is_at_rest();
}

#[test]
fn a_cancel_between_claim_and_start_runs_nothing() {
    let (rig, store) = late_rig(1);
    store.hold_answers("claim");
    let job = rig.submit();
    until("an answer", || store.held("claim") == (0, 1));
    assert!(rig.cancel(&job));
    rig.pass(SECOND * 60);
    assert!(!job.is_done(), "the store may say that it runs");
    store.let_go();
    assert_eq!(rig.final_state(&job), State::Cancelled);
    assert_eq!(rig.script.total(), 0);
    assert_eq!(rig.state(&job), State::Cancelled);
    until("rest", || rig.slots() == 0);
    rig.is_at_rest();
}

#[test]
fn a_cancel_while_the_end_is_being_recorded_is_not_lost() {
    let (rig, store) = late_rig(1);
    let job = rig.submit_with(|options| options.retries = Some(3));
    let attempt = rig.script.next();
    store.hold_requests("finish");
    rig.script.fail(&attempt);
    until("a finish", || store.held("finish").0 == 1);
    assert!(rig.cancel(&job));
    store.let_go();
    assert_eq!(rig.final_state(&job), State::Cancelled);
    rig.pass(SECOND * 60);
    assert_eq!(rig.script.total(), 1);
    rig.is_at_rest();
}

#[test]
fn a_cancel_that_nobody_waits_for_is_carried_out() {
    let (rig, _store) = late_rig(1);
    let job = rig.submit();
    let attempt = rig.script.next();
    drop(rig.engine.cancel(job.id(), "never mind"));
    until("asked", || attempt.stopped().is_some());
    let waiting = rig.submit();
    drop(rig.engine.cancel(waiting.id(), "never mind"));
    assert_eq!(rig.final_state(&waiting), State::Cancelled);
}

/// Lets others overtake whoever calls this, if they can.
fn give_way() {
    (0..1_000).for_each(|_| std::thread::yield_now());
}

#[test]
fn a_resume_that_comes_during_a_pause_lets_the_job_go_on() {
    let rig = Arc::new(Rig::new());
    let job = rig.submit();
    let attempt = rig.script.next();
    let resumed = Arc::new(AtomicBool::new(false));
    let (other, id, told) = (Arc::clone(&rig), job.id(), Arc::clone(&resumed));
    rig.script.freeze_by(move || {
        std::thread::spawn(move || {
            other.engine.resume(id).wait().unwrap();
            told.store(true, Ordering::SeqCst);
        });
        give_way();
        true
    });
    assert!(rig.engine.pause(id).wait().unwrap());
    until("the resume", || resumed.load(Ordering::SeqCst));
    assert_eq!(rig.script.is_frozen(), attempt.is_paused());
    rig.script.complete(&attempt);
    assert_eq!(rig.final_state(&job), State::Completed);
}

#[test]
fn a_timeout_that_comes_while_a_pause_is_refused_is_kept() {
    let rig = Rig::new();
    let (job, attempt) = timed(&rig, 10);
    let clock = Arc::clone(&rig.clock);
    rig.script.freeze_by(move || {
        clock.advance(SECOND * 10);
        give_way();
        false
    });
    let refused = rig.engine.pause(job.id()).wait().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    until("the timeout", || rig.script.was_asked(&attempt));
    rig.script.complete(&attempt);
    assert_eq!(rig.final_state(&job), State::Failed);
}
