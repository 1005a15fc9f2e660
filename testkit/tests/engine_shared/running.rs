//! What one submits and another runs, and who may stop it.

use bursar_core::{EventKind, OutcomeKind, State, StopKind};
use bursar_testkit::stores::Shared;
use bursar_testkit::{Rig, until};

use crate::SECOND;
use crate::rigs::{client, listens, outcomes, rests, rig};

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
