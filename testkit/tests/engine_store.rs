//! Engines over stores that answer late, in any order, or not at all.

use std::sync::Arc;
use std::time::Duration;

use bursar_core::{
    Backoff, ErrorKind, MemoryStore, OutcomeKind, Payload, Priority, State, Store, Submission,
    TaskOptions,
};
use bursar_testkit::stores::{BrokenStore, LateStore, When};
use bursar_testkit::{Rig, Seed, until};

const SECOND: Duration = Duration::from_secs(1);

fn broken_rig() -> (Rig, Arc<BrokenStore>) {
    let store = Arc::new(BrokenStore::new(Arc::<MemoryStore>::default()));
    let rig = Rig::builder().store(Arc::<BrokenStore>::clone(&store));
    (rig.start(), store)
}

/// Moves the clock until the engine has asked the store again and `met` holds.
fn in_time(rig: &Rig, what: &str, mut met: impl FnMut() -> bool) {
    until(what, || {
        rig.clock.advance(SECOND);
        met()
    });
}

#[test]
fn a_submit_that_the_store_refuses_leaves_nothing() {
    let (rig, store) = broken_rig();
    store.fail("submit", 1, When::Before);
    let call = Submission::new(rig.plan(Default::default()), Payload::Null);
    let error = rig.engine.submit([call]).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    rig.is_at_rest();
    rig.submit();
    rig.script.complete(&rig.script.next());
    rig.is_at_rest();
}

#[test]
fn a_claim_that_fails_is_made_again_later_whatever_became_of_it() {
    for when in [When::Before, When::After] {
        let (rig, store) = broken_rig();
        store.fail("claim", 3, when);
        let job = rig.submit();
        assert_eq!(rig.reserved(), 0, "nothing runs");
        assert!(rig.stats().paused.is_some());
        in_time(&rig, "the start", || rig.script.total() > 0);
        let attempt = rig.script.next();
        assert_eq!(attempt.job(), job.id());
        rig.script.complete(&attempt);
        assert_eq!(rig.final_state(&job), State::Completed, "{when:?}");
        assert_eq!(rig.script.total(), 1);
        rig.is_at_rest();
    }
}

#[test]
fn an_end_that_was_not_recorded_is_recorded_later() {
    for when in [When::Before, When::After] {
        let (rig, store) = broken_rig();
        let job = rig.submit();
        let attempt = rig.script.next();
        store.fail("finish", 3, when);
        let drained = rig.engine.drained();
        rig.script.complete(&attempt);
        assert!(!job.is_done(), "the store has not said so");
        assert!(!drained.is_set());
        assert_eq!(rig.reserved(), 0, "it has ended all the same");
        in_time(&rig, "the end", || job.is_done());
        let end = rig.end_of(&job);
        assert_eq!(
            (end.state, end.end.kind),
            (State::Completed, OutcomeKind::Completed)
        );
        assert_eq!(end.end.result.as_json(), Some(&b"true"[..]));
        until("drained", || drained.is_set());
        rig.is_at_rest();
    }
}

#[test]
fn a_failure_that_was_not_recorded_is_retried_once() {
    for when in [When::Before, When::After] {
        let (rig, store) = broken_rig();
        let job = rig.submit_with(|options| {
            options.retries = Some(1);
            options.backoff = Some(Backoff::Fixed);
        });
        store.fail("finish", 2, when);
        rig.script.fail(&rig.script.next());
        in_time(&rig, "the second attempt", || rig.script.total() > 1);
        let attempt = rig.script.next();
        assert_eq!((attempt.number(), attempt.failures()), (2, 1));
        rig.script.complete(&attempt);
        in_time(&rig, "the end", || job.is_done());
        assert_eq!(rig.info(&job).attempts.len(), 2, "{when:?}");
        rig.is_at_rest();
    }
}

#[test]
fn a_look_at_the_clock_that_fails_is_made_again() {
    for when in [When::Before, When::After] {
        let (rig, store) = broken_rig();
        let job = rig.submit_with(|options| options.delay = Some(SECOND * 10));
        store.fail("promote", 1_000, when);
        store.fail("prune", 1_000, when);
        rig.clock.advance(SECOND * 10);
        until("a look", || store.left("promote") < 1_000);
        store.fail("promote", 0, when);
        in_time(&rig, "the start", || rig.script.total() > 0);
        assert_eq!(rig.script.next().job(), job.id());
    }
}

#[test]
fn what_expired_while_the_store_could_not_say_so_is_told() {
    let (rig, store) = broken_rig();
    let job = rig.submit_with(|options| {
        options.delay = Some(SECOND * 20);
        options.expires = Some(SECOND * 10);
    });
    store.fail("promote", 1, When::After);
    rig.clock.advance(SECOND * 10);
    in_time(&rig, "the end", || job.is_done());
    let end = rig.end_of(&job);
    assert_eq!(end.end.failure.as_ref().unwrap().kind, "Expired");
    rig.is_at_rest();
}

#[test]
fn a_look_up_that_fails_after_a_lost_claim_is_made_again() {
    let (rig, store) = broken_rig();
    store.fail("claim", 1, When::After);
    store.fail("get", 2, When::Before);
    let job = rig.submit();
    in_time(&rig, "the start", || rig.script.total() > 0);
    rig.script.complete(&rig.script.next());
    assert_eq!(rig.final_state(&job), State::Completed);
    rig.is_at_rest();
}

#[test]
fn a_shutdown_ends_though_the_store_never_answers_again() {
    let (rig, store) = broken_rig();
    let (first, second) = (rig.submit(), rig.submit());
    let attempt = rig.script.next();
    store.fail("finish", usize::MAX, When::Before);
    rig.script.complete(&attempt);
    let closed = rig.engine.shutdown(Some(SECOND));
    in_time(&rig, "the end", || closed.is_set());
    for job in [first, second] {
        assert_eq!(rig.final_state(&job), State::Cancelled);
    }
}

fn late_rig(seed: u64, slots: u32) -> (Rig, Arc<LateStore>) {
    late_rig_that_holds(seed, slots, &[])
}

/// One whose store leaves these requests undone from the first one on.
fn late_rig_that_holds(seed: u64, slots: u32, held: &[&'static str]) -> (Rig, Arc<LateStore>) {
    let memory: Arc<dyn Store> = Arc::<MemoryStore>::default();
    let store = Arc::new(LateStore::new(memory, seed));
    for name in held {
        store.hold_requests(name);
    }
    let rig = Rig::builder()
        .slots(slots)
        .store(Arc::<LateStore>::clone(&store));
    (rig.start(), store)
}

#[test]
fn jobs_run_as_ever_over_a_store_that_answers_late() {
    let seed = Seed::from_env();
    let (rig, _store) = late_rig(seed.get(), 3);
    let jobs: Vec<_> = (0..50)
        .map(|_| rig.submit_with(|options| options.retries = Some(2)))
        .collect();
    let drained = rig.engine.drained();
    let mut failed = 0;
    in_time(&rig, "all to end", || {
        while let Some(attempt) = rig.script.take() {
            assert!(rig.slots() <= 3);
            if attempt.number() < 3 && failed < 60 {
                failed += 1;
                rig.script.fail(&attempt);
            } else {
                rig.script.complete(&attempt);
            }
        }
        drained.is_set()
    });
    assert!(
        jobs.iter()
            .all(|job| rig.final_state(job) == State::Completed)
    );
    rig.is_at_rest();
}

#[test]
fn a_slow_store_is_not_asked_faster_than_it_answers() {
    let (rig, store) = late_rig_that_holds(1, 3, &["promote", "prune"]);
    for seconds in 1..=3 {
        rig.submit_with(|options| options.timeout = Some(seconds * SECOND));
    }
    let held = || (store.held("promote").0, store.held("prune").0);
    until("the first look", || held() == (1, 1));
    let mut attempts = [rig.script.next(), rig.script.next(), rig.script.next()];
    // They begin in any order.
    attempts.sort_by_key(|attempt| attempt.deadline());
    for attempt in attempts {
        rig.clock.advance(SECOND);
        until("a look at the clock", || rig.script.was_asked(&attempt));
        assert_eq!(held(), (1, 1));
    }
    store.let_go();
    rig.settle();
}

#[test]
fn a_submit_that_nobody_waits_for_is_carried_out() {
    let (rig, store) = late_rig(1, 1);
    store.hold_answers("submit");
    let call = Submission::new(rig.plan(Default::default()), Payload::Null);
    drop(rig.engine.submit([call]));
    until("the submit", || store.held("submit") == (0, 1));
    store.let_go();
    let attempt = rig.script.next();
    rig.script.complete(&attempt);
    until("rest", || rig.engine.unfinished() == 0);
    rig.is_at_rest();
}

#[test]
fn a_delayed_job_that_is_due_before_its_submit_is_answered_starts() {
    let (rig, store) = late_rig(1, 2);
    // Something else to wake the engine when the delayed job is due.
    let other = rig.submit_with(|options| options.delay = Some(SECOND * 5));
    store.hold_answers("submit");
    let mut call = Submission::new(rig.plan(Default::default()), Payload::Null);
    call.delay = Some(SECOND * 5);
    let reply = rig.engine.submit([call]);
    until("the submit", || store.held("submit") == (0, 1));
    rig.clock.advance(SECOND * 6);
    let first = rig.script.next();
    assert_eq!(first.job(), other.id());
    store.let_go();
    let accepted = reply.wait().unwrap();
    let second = rig.script.next();
    assert_eq!(second.job(), accepted[0].ticket.id());
    rig.script.complete(&first);
    rig.script.complete(&second);
    assert_eq!(rig.final_state(&accepted[0].ticket), State::Completed);
}

#[test]
fn a_delayed_job_cancelled_before_its_submit_is_answered_is_told() {
    let (rig, store) = late_rig(1, 2);
    store.hold_answers("submit");
    let mut call = Submission::new(rig.plan(Default::default()), Payload::Null);
    call.delay = Some(SECOND * 5);
    let reply = rig.engine.submit([call]);
    until("the submit", || store.held("submit") == (0, 1));
    let all = bursar_core::List {
        filter: Default::default(),
        order: Default::default(),
        limit: 9,
        offset: 0,
        after: None,
    };
    let listed = rig.engine.list(all).wait().unwrap().jobs;
    assert!(rig.engine.cancel(listed[0].id, "").wait().unwrap());
    store.let_go();
    let accepted = reply.wait().unwrap();
    assert_eq!(rig.final_state(&accepted[0].ticket), State::Cancelled);
    rig.is_at_rest();
}

#[test]
fn a_duplicate_that_is_answered_first_does_not_put_its_options_on_the_job() {
    let (rig, store) = late_rig(1, 2);
    store.hold_answers("submit");
    let submit = |priority: Priority, retries: u32| {
        let plan = rig.plan(TaskOptions {
            priority: Some(priority),
            retries: Some(retries),
            memory: Some(u64::from(retries)),
            ..TaskOptions::default()
        });
        let mut call = Submission::new(plan, Payload::Null);
        call.unique = Some("k".into());
        rig.engine.submit([call])
    };
    let first = submit(Priority::Low, 0);
    until("the first", || store.held("submit") == (0, 1));
    let second = submit(Priority::High, 7);
    until("the second", || store.held("submit") == (0, 2));
    store.let_newest_go("submit");
    let second = second.wait().unwrap().remove(0);
    assert!(second.deduplicated);
    assert_eq!(rig.script.total(), 0, "whose job it is has not heard of it");
    store.let_go();
    let first = first.wait().unwrap().remove(0);
    assert!(!first.deduplicated && first.ticket.id() == second.ticket.id());
    let attempt = rig.script.next();
    assert_eq!((attempt.memory(), rig.reserved()), (0, 0));
    rig.script.fail(&attempt);
    for ticket in [&first.ticket, &second.ticket] {
        assert_eq!(rig.final_state(ticket), State::Failed);
    }
    rig.is_at_rest();
}

#[test]
fn a_delayed_job_with_a_key_that_a_duplicate_cancels_is_told() {
    let (rig, store) = late_rig(1, 2);
    store.hold_answers("submit");
    let submit = || {
        let mut call = Submission::new(rig.plan(TaskOptions::default()), Payload::Null);
        call.unique = Some("k".into());
        call.delay = Some(SECOND * 5);
        rig.engine.submit([call])
    };
    let first = submit();
    until("the first", || store.held("submit") == (0, 1));
    let second = submit();
    until("the second", || store.held("submit") == (0, 2));
    store.let_newest_go("submit");
    let second = second.wait().unwrap().remove(0);
    assert!(rig.cancel(&second.ticket));
    assert_eq!(rig.final_state(&second.ticket), State::Cancelled);
    store.let_go();
    let first = first.wait().unwrap().remove(0);
    assert_eq!(rig.final_state(&first.ticket), State::Cancelled);
    rig.is_at_rest();
}

#[test]
fn a_shutdown_waits_for_claims_on_their_way_and_gives_the_jobs_back() {
    let (rig, store) = late_rig(1, 1);
    store.hold_answers("claim");
    let job = rig.submit();
    until("the claim", || store.held("claim") == (0, 1));
    let closed = rig.engine.shutdown(Some(Duration::ZERO));
    // The engine asks what runs to stop as soon as its thread gets to it.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            until("asked", || rig.engine.is_closed());
            store.let_go();
        });
    });
    in_time(&rig, "the end", || {
        if let Some(attempt) = rig.script.take() {
            rig.script.complete(&attempt);
        }
        closed.is_set()
    });
    assert!(job.is_done());
}
