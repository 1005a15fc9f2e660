//! Engines of several processes on one store: each job runs once, and everybody is told.

#![allow(
    clippy::unwrap_used,
    reason = "a test helper that can't go on should stop the test"
)]

use std::sync::Arc;
use std::time::Duration;

use bursar_core::{
    Ended, EventKind, ExecutorKind, Failure, Handler, JobId, OutcomeKind, State, StopKind, Store,
    Submission, Task, TaskOptions, Ticket,
};
use bursar_testkit::stores::{BrokenStore, Shared, SharedStore, When};
use bursar_testkit::{Rig, until};

const SECOND: Duration = Duration::from_secs(1);

fn rig_on(store: &Arc<SharedStore>) -> Rig {
    let store = Arc::<SharedStore>::clone(store);
    Rig::builder().store(store).start()
}

fn rig(shared: &Shared) -> Rig {
    rig_on(&shared.open())
}

fn client(shared: &Shared) -> Rig {
    let only_submits = Rig::builder().options(|options| options.run = false);
    only_submits.store(shared.open()).start()
}

fn ticket(rig: &Rig, id: JobId) -> Arc<Ticket> {
    rig.engine.ticket(id).wait().unwrap()
}

fn rests(rig: &Rig) {
    until("rest", || rig.engine.unfinished() == 0);
    rig.is_at_rest();
}

/// Waits until the client is told what others change.
fn listens(client: &Rig, worker: &Rig) {
    let mut events = client.engine.events(None);
    until("the client to listen", || {
        let job = client.submit();
        worker.script.complete(&worker.script.next());
        client.final_state(&job);
        std::iter::from_fn(|| events.try_next())
            .any(|event| event.kind == EventKind::State(State::Running))
    });
}

fn outcomes(rig: &Rig, ticket: &Ticket) -> Vec<Option<OutcomeKind>> {
    let attempts = rig.info(ticket).attempts;
    attempts.iter().map(|attempt| attempt.outcome).collect()
}

#[test]
fn what_a_client_submits_runs_elsewhere_and_it_is_told() {
    let shared = Shared::default();
    let (client, worker) = (client(&shared), rig(&shared));
    listens(&client, &worker);
    let mut events = client.engine.events(None);
    let job = client.submit();
    let drained = client.engine.drained();
    let attempt = worker.script.next();
    assert_eq!(attempt.job(), job.id());
    until("told to run", || {
        events.try_next().is_some_and(|event| {
            event.kind == EventKind::State(State::Running) && event.job == job.id()
        })
    });
    assert!(!drained.is_set());
    worker.script.complete(&attempt);
    let end = client.end_of(&job);
    assert_eq!(end.state, State::Completed);
    assert_eq!(end.end.result.as_json(), Some(&b"true"[..]));
    until("told to end", || {
        events.try_next().is_some_and(|event| {
            event.kind == EventKind::State(State::Completed) && &*event.task == "plain"
        })
    });
    until("drained", || drained.is_set());
    let mut there = worker.engine.events(None);
    let again = client.submit();
    until("told of the new job", || {
        there.try_next().is_some_and(|event| {
            event.kind == EventKind::State(State::Queued) && event.job == again.id()
        })
    });
    worker.script.complete(&worker.script.next());
    assert_eq!(client.final_state(&again), State::Completed);
    assert_eq!(client.script.total(), 0);
    rests(&client);
    rests(&worker);
}

#[test]
fn a_failed_job_is_told_with_its_failure() {
    let shared = Shared::default();
    let (client, worker) = (client(&shared), rig(&shared));
    let job = client.submit_with(|options| {
        options.retries = Some(1);
        options.retry_delay = Some(SECOND);
    });
    worker.script.fail(&worker.script.next());
    worker.reaches(&job, State::Retrying);
    // Its time comes in the client first: the worker is told.
    client.clock.advance(SECOND);
    worker.clock.advance(SECOND);
    worker.script.fail(&worker.script.next());
    let end = client.end_of(&job);
    assert_eq!(end.state, State::Failed);
    assert_eq!(end.end.failure.as_ref().unwrap().message, "it broke");
    rests(&client);
    rests(&worker);
}

#[test]
fn two_workers_share_a_queue_and_each_job_runs_once() {
    let shared = Shared::default();
    let client = client(&shared);
    let narrow = || Rig::builder().store(shared.open()).slots(1).start();
    let (first, second) = (narrow(), narrow());
    let jobs: Vec<_> = (0..200).map(|_| client.submit()).collect();
    let both = (first.script.next(), second.script.next());
    first.script.complete(&both.0);
    second.script.complete(&both.1);
    until("all to end", || {
        for worker in [&first, &second] {
            worker
                .script
                .take()
                .into_iter()
                .for_each(|attempt| worker.script.complete(&attempt));
        }
        jobs.iter().all(|job| job.is_done())
    });
    for job in &jobs {
        assert_eq!(outcomes(&client, job), [Some(OutcomeKind::Completed)]);
    }
    assert_eq!(first.script.total() + second.script.total(), jobs.len());
    for rig in [&client, &first, &second] {
        rests(rig);
    }
}

#[test]
fn a_job_is_cancelled_from_another_process() {
    let shared = Shared::default();
    let (client, worker) = (client(&shared), rig(&shared));
    let (running, waiting) = (
        client.submit(),
        client.submit_with(|options| {
            options.delay = Some(SECOND);
        }),
    );
    let attempt = worker.script.next();
    assert!(client.cancel(&running) && client.cancel(&waiting));
    until("asked to stop", || worker.script.was_asked(&attempt));
    let stop = attempt.stopped().unwrap();
    assert_eq!(
        (stop.kind, &*stop.reason),
        (StopKind::Cancelled, "not needed")
    );
    worker.script.fail(&attempt);
    for job in [&running, &waiting] {
        assert_eq!(client.final_state(job), State::Cancelled);
        assert!(!client.cancel(job), "it has ended");
    }
    rests(&client);
    rests(&worker);
}

#[test]
fn a_worker_may_cancel_what_others_have_submitted() {
    let shared = Shared::default();
    let (client, worker) = (
        client(&shared),
        Rig::builder().store(shared.open()).slots(1).start(),
    );
    let running = client.submit();
    let queued = client.submit();
    let attempt = worker.script.next();
    assert!(worker.engine.cancel(queued.id(), "no").wait().unwrap());
    assert_eq!(client.final_state(&queued), State::Cancelled);
    worker.script.complete(&attempt);
    assert_eq!(client.final_state(&running), State::Completed);
    rests(&client);
    rests(&worker);
}

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
