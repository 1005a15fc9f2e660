//! What was told late, or not at all.

use std::sync::Arc;
use std::time::Duration;

use bursar_core::{
    Ended, ExecutorKind, Failure, Handler, State, Store, Submission, Task, TaskOptions,
};
use bursar_testkit::stores::{BrokenStore, Shared, SharedStore, When};
use bursar_testkit::{Rig, until};

use crate::SECOND;
use crate::rigs::{client, listens, rests, rig, rig_on, ticket};

#[test]
fn an_end_that_came_too_late_to_be_told_is_looked_up() {
    let shared = Shared::default();
    let store = shared.open();
    let slow = rig_on(&store);
    let job = slow.submit();
    let late = slow.script.next();
    store.hold_news();
    store.declare_dead();
    let worker = rig(&shared);
    worker.script.fail(&worker.script.next());
    worker.reaches(&job, State::Failed);
    assert!(!job.is_done(), "it can't know");
    slow.script.complete(&late);
    assert_eq!(slow.final_state(&job), State::Failed);
    store.let_news_go();
    rests(&slow);
    rests(&worker);
}

#[test]
fn what_was_missed_is_looked_up() {
    let shared = Shared::default();
    let store = shared.open();
    let only_submits = Rig::builder().options(|options| options.run = false);
    let client = only_submits
        .store(Arc::<SharedStore>::clone(&store))
        .start();
    let worker = rig(&shared);
    listens(&client, &worker);
    let (ended, running, queued) = (
        client.submit(),
        client.submit(),
        client.submit_with(|options| {
            options.memory = Some(256_000_000);
        }),
    );
    let (first, second) = (worker.script.next(), worker.script.next());
    let other = ticket(&client, worker.submit().id());
    store.hold_news();
    for attempt in [&first, &worker.script.next()] {
        worker.script.complete(attempt);
    }
    worker.reaches(&ended, State::Completed);
    worker.reaches(&other, State::Completed);
    shared.forget_changes();
    assert!(!ended.is_done() && !other.is_done());
    store.let_news_go();
    assert_eq!(client.final_state(&ended), State::Completed);
    assert_eq!(client.final_state(&other), State::Completed);
    assert!(!running.is_done());
    worker.script.complete(&second);
    assert_eq!(client.final_state(&running), State::Completed);
    worker.script.complete(&worker.script.next());
    assert_eq!(client.final_state(&queued), State::Completed);
    rests(&client);
    rests(&worker);
}

#[test]
fn a_store_that_does_not_answer_is_followed_again() {
    let shared = Shared::default();
    let store = Arc::new(BrokenStore::new(shared.open()));
    store.fail("follow", 3, When::Before);
    let worker = Rig::builder()
        .store(Arc::<BrokenStore>::clone(&store))
        .start();
    let client = client(&shared);
    let job = client.submit();
    until("the store to be asked again", || {
        worker.clock.advance(SECOND);
        worker.script.total() > 0
    });
    store.fail("follow", 2, When::Before);
    worker.script.complete(&worker.script.next());
    assert_eq!(client.final_state(&job), State::Completed);
    let again = client.submit();
    until("the store to be asked again", || {
        worker.clock.advance(SECOND);
        worker.script.total() > 1
    });
    worker.script.complete(&worker.script.next());
    assert_eq!(client.final_state(&again), State::Completed);
    rests(&worker);
}

#[test]
fn an_orphan_that_could_not_be_given_back_is_later() {
    let shared = Shared::default();
    let dies = rig(&shared);
    let job = dies.submit().id();
    drop(dies.script.next());
    drop(dies);
    let store = Arc::new(BrokenStore::new(shared.open()));
    store.fail("finish", 2, When::Before);
    let worker = Rig::builder()
        .store(Arc::<BrokenStore>::clone(&store))
        .start();
    until("the store to be asked again", || {
        worker.clock.advance(SECOND);
        worker.script.total() > 0
    });
    let attempt = worker.script.next();
    assert_eq!(attempt.job(), job);
    worker.script.complete(&attempt);
    rests(&worker);
}

#[test]
fn a_shutdown_and_a_drop_do_not_wait_for_news() {
    let shared = Shared::default();
    let (held, quiet) = (shared.open(), shared.open());
    held.hold_news();
    for store in [held, quiet] {
        let weak = Arc::downgrade(&store);
        let rig = rig_on(&store);
        drop(store);
        let closed = rig.engine.shutdown(None);
        // No time passes: nothing waits for a grace to be over.
        assert!(closed.wait(Some(bursar_testkit::PATIENCE)).is_some());
        drop(rig);
        until("the store to be let go", || weak.strong_count() == 0);
    }
    let store = shared.open();
    let weak = Arc::downgrade(&store);
    let rig = rig_on(&store);
    drop((store, rig));
    until("the store to be let go", || weak.strong_count() == 0);
}

#[test]
fn a_shutdown_gives_its_jobs_to_others() {
    let shared = Shared::default();
    let (first, second) = (rig(&shared), rig(&shared));
    let job = first.submit();
    until("the start", || {
        first.script.total() + second.script.total() > 0
    });
    let (from, to) = if first.script.total() > 0 {
        (&first, &second)
    } else {
        (&second, &first)
    };
    let attempt = from.script.next();
    let closed = from.engine.shutdown(Some(Duration::ZERO));
    until("asked to stop", || from.script.was_asked(&attempt));
    from.script
        .end(&attempt, Ended::Cancelled("as asked".into()));
    assert!(closed.wait(Some(bursar_testkit::PATIENCE)).is_some());
    let attempt = to.script.next();
    assert_eq!((attempt.job(), attempt.number()), (job.id(), 2));
    to.script.complete(&attempt);
    rests(to);
}

#[test]
fn a_job_waits_for_whoever_knows_its_task() {
    let shared = Shared::default();
    let (client, worker) = (client(&shared), rig(&shared));
    let other = || {
        let options = TaskOptions::default();
        Task::new("other", options, ExecutorKind::Async, Handler::Host(1)).unwrap()
    };
    let plan = client.engine.register(other()).unwrap();
    let job = client.submit_plan(&plan);
    // What is told after it has come here shows that it has.
    client.submit();
    worker.script.complete(&worker.script.next());
    let known = ticket(&worker, job.id());
    assert!(worker.why(&known).contains("can't run it"));
    worker.engine.register(other()).unwrap();
    worker.script.complete(&worker.script.next());
    assert_eq!(worker.final_state(&known), State::Completed);
    assert_eq!(client.final_state(&job), State::Completed);
    rests(&client);
    rests(&worker);
}

#[test]
fn a_key_that_another_process_has_gives_its_job() {
    let shared = Shared::default();
    let (first, second) = (client(&shared), client(&shared));
    let keyed = |rig: &Rig| {
        let plan = rig.plan(TaskOptions::default());
        let mut call = Submission::new(plan, bursar_core::Payload::Null);
        call.unique = Some("k".into());
        rig.engine.submit([call]).wait().unwrap().remove(0)
    };
    let (one, other) = (keyed(&first), keyed(&second));
    assert!(other.deduplicated && one.ticket.id() == other.ticket.id());
    let worker = rig(&shared);
    worker.script.complete(&worker.script.next());
    assert_eq!(first.final_state(&one.ticket), State::Completed);
    assert_eq!(second.final_state(&other.ticket), State::Completed);
    for rig in [&first, &second, &worker] {
        rests(rig);
    }
}

#[test]
fn what_others_do_leaves_nothing_behind() {
    let shared = Shared::default();
    let (client, idle) = (client(&shared), rig(&shared));
    let busy = rig(&shared);
    for _ in 0..50 {
        let job = client.submit();
        until("the end", || {
            for worker in [&idle, &busy] {
                let attempt = worker.script.take();
                let failure = Failure::new("E", "no");
                attempt
                    .into_iter()
                    .for_each(|one| worker.script.end(&one, Ended::GaveUp(failure.clone())));
            }
            job.is_done()
        });
    }
    for rig in [&client, &idle, &busy] {
        rests(rig);
    }
}

#[test]
fn capabilities_say_that_it_is_durable() {
    assert!(Shared::default().open().capabilities().durable);
}
