//! What an engine is told late, or not at all, of the jobs of others: it goes on with those that are
//! to run, and keeps none that has ended.

use std::sync::Arc;

use bursar_core::{Attempt, Backoff, OutcomeKind, State, StopKind, TaskOptions, Ticket};
use bursar_testkit::stores::{Shared, SharedStore};
use bursar_testkit::{Rig, until};

use crate::SECOND;
use crate::rigs::{client, rests, rig_on};

fn one_retry(options: &mut TaskOptions) {
    options.retries = Some(1);
    options.retry_delay = Some(SECOND);
    options.backoff = Some(Backoff::Fixed);
}

/// A worker, and a job of another one for it.
fn has_a_job_that_retries(shared: &Shared) -> (Rig, Arc<SharedStore>, Rig, Arc<Ticket>) {
    let store = shared.open();
    let worker = rig_on(&store);
    let submitter = client(shared);
    let job = submitter.submit_with(one_retry);
    (worker, store, submitter, job)
}

/// Lets time pass here until `worker` has begun an attempt of the job.
fn runs_when_due(worker: &Rig, job: &Ticket) -> Arc<Attempt> {
    let mut begun = None;
    until("the job to run", || {
        worker.clock.advance(SECOND);
        begun = worker.script.take();
        begun.is_some()
    });
    let attempt = begun.unwrap();
    assert_eq!(attempt.job(), job.id());
    attempt
}

/// Waits until `worker` has handled everything that it was told before.
fn listens(worker: &Rig, shared: &Shared) {
    let other = client(shared);
    let job = other.submit();
    worker.script.complete(&worker.script.next());
    assert_eq!(other.final_state(&job), State::Completed);
}

#[test]
fn a_delayed_job_runs_in_another_process_once_its_own_is_gone() {
    let shared = Shared::default();
    let other = rig_on(&shared.open());
    listens(&other, &shared);
    let dies = rig_on(&shared.open());
    let job = dies.submit_with(|options| options.delay = Some(SECOND));
    drop(dies);
    let attempt = runs_when_due(&other, &job);
    assert_eq!((attempt.number(), attempt.failures()), (1, 0));
    other.script.complete(&attempt);
    rests(&other);
}

#[test]
fn a_retrying_job_runs_in_another_process_once_its_own_is_gone() {
    let shared = Shared::default();
    let other_store = shared.open();
    let other = rig_on(&other_store);
    listens(&other, &shared);
    // Else it might be the quicker one.
    other_store.hold_news();
    let dies = rig_on(&shared.open());
    let job = dies.submit_with(one_retry);
    dies.script.fail(&dies.script.next());
    assert_eq!(other.state(&job), State::Retrying);
    drop(dies);
    other_store.let_news_go();
    let attempt = runs_when_due(&other, &job);
    assert_eq!((attempt.number(), attempt.failures()), (2, 1));
    other.script.complete(&attempt);
    rests(&other);
}

/// A worker that has a job of another one, which waits for its second attempt, and is told nothing
/// from now on.
fn holds_a_retrying_job(shared: &Shared) -> (Rig, Arc<SharedStore>, Rig, Arc<Ticket>) {
    let (worker, store, submitter, job) = has_a_job_that_retries(shared);
    let attempt = worker.script.next();
    store.hold_news();
    worker.script.fail(&attempt);
    assert_eq!(worker.engine.unfinished(), 1);
    (worker, store, submitter, job)
}

fn completes(shared: &Shared, job: &Ticket) -> Rig {
    let other = rig_on(&shared.open());
    other.script.complete(&runs_when_due(&other, job));
    assert_eq!(other.state(job), State::Completed);
    other
}

#[test]
fn what_was_promoted_while_the_first_pages_were_read_is_looked_up_after_them() {
    let shared = Shared::default();
    let submitter = client(&shared);
    let job = submitter.submit_with(|options| {
        one_retry(options);
        options.delay = Some(SECOND);
    });
    let store = shared.open();
    store.hold_news();
    let worker = rig_on(&store);
    // Nobody has told it: its own look at the clock has found the job.
    worker.clock.advance(SECOND);
    worker.submit_with(|options| options.delay = Some(SECOND));
    let mut attempts = Vec::new();
    until("both to run", || {
        worker.clock.advance(SECOND);
        attempts.extend(worker.script.take());
        attempts.len() == 2
    });
    for attempt in &attempts {
        match attempt.job() == job.id() {
            true => worker.script.fail(attempt),
            false => worker.script.complete(attempt),
        }
    }
    assert_eq!(worker.state(&job), State::Retrying);
    let other = completes(&shared, &job);
    assert_eq!(worker.engine.unfinished(), 1, "it can't know");
    store.let_news_go();
    for rig in [&worker, &other, &submitter] {
        rests(rig);
    }
}

#[test]
fn a_job_that_is_gone_leaves_nothing_behind() {
    let shared = Shared::default();
    let (worker, store, submitter, job) = holds_a_retrying_job(&shared);
    let other = completes(&shared, &job);
    other.engine.delete(job.id()).wait().unwrap();
    store.let_news_go();
    for rig in [&worker, &other, &submitter] {
        rests(rig);
    }
}

#[test]
fn whoever_waits_for_a_job_that_is_gone_is_told_so() {
    let shared = Shared::default();
    let (worker, store, submitter, job) = holds_a_retrying_job(&shared);
    let waits = worker.engine.ticket(job.id()).wait().unwrap();
    let other = completes(&shared, &job);
    other.engine.delete(job.id()).wait().unwrap();
    store.let_news_go();
    let end = worker.end_of(&waits);
    assert_eq!(end.end.kind, OutcomeKind::Cancelled);
    for rig in [&worker, &other, &submitter] {
        rests(rig);
    }
}

#[test]
fn an_attempt_whose_job_is_gone_is_asked_to_stop() {
    let shared = Shared::default();
    let store = shared.open();
    let slow = rig_on(&store);
    let submitter = client(&shared);
    let job = submitter.submit();
    let late = slow.script.next();
    store.hold_news();
    store.declare_dead();
    let other = rig_on(&shared.open());
    other.script.complete(&other.script.next());
    assert_eq!(submitter.final_state(&job), State::Completed);
    other.engine.delete(job.id()).wait().unwrap();
    store.let_news_go();
    until("asked to stop", || slow.script.was_asked(&late));
    assert_eq!(late.stopped().unwrap().kind, StopKind::Lost);
    slow.script.complete(&late);
    for rig in [&slow, &other, &submitter] {
        rests(rig);
    }
}

#[test]
fn a_cancel_stands_though_the_attempt_fails_before_it_is_heard() {
    let shared = Shared::default();
    let (worker, store, submitter, job) = has_a_job_that_retries(&shared);
    let attempt = worker.script.next();
    store.hold_news();
    let other = client(&shared);
    assert!(other.engine.cancel(job.id(), "no").wait().unwrap());
    // Nobody is left who might see to it.
    drop((other, submitter));
    worker.script.fail(&attempt);
    assert_eq!(worker.state(&job), State::Retrying);
    store.let_news_go();
    worker.reaches(&job, State::Cancelled);
    rests(&worker);
}

#[test]
fn a_cancel_that_is_heard_too_late_for_its_attempt_still_ends_the_job() {
    let shared = Shared::default();
    let (worker, store, submitter, job) = has_a_job_that_retries(&shared);
    let attempt = worker.script.next();
    let other = client(&shared);
    store.hold_page();
    assert!(other.engine.cancel(job.id(), "no").wait().unwrap());
    until("the page", || store.has_page());
    drop((other, submitter));
    worker.script.fail(&attempt);
    // What it hears is that the attempt runs and is to stop; that it has failed since it knows itself.
    store.let_news_go();
    worker.reaches(&job, State::Cancelled);
    rests(&worker);
}

#[test]
fn a_job_that_was_cancelled_here_before_its_page_came_leaves_nothing_behind() {
    let shared = Shared::default();
    let store = shared.open();
    let worker = rig_on(&store);
    listens(&worker, &shared);
    let submitter = client(&shared);
    store.hold_page();
    let job = submitter.submit();
    until("the page", || store.has_page());
    assert!(worker.cancel(&job));
    store.let_news_go();
    assert_eq!(submitter.final_state(&job), State::Cancelled);
    listens(&worker, &shared);
    rests(&worker);
}

#[test]
fn a_cancel_stands_for_the_next_attempt_too() {
    let shared = Shared::default();
    let (worker, store, submitter, job) = has_a_job_that_retries(&shared);
    let attempt = worker.script.next();
    store.hold_news();
    let other = client(&shared);
    assert!(other.engine.cancel(job.id(), "no").wait().unwrap());
    drop((other, submitter));
    worker.script.fail(&attempt);
    let attempt = runs_when_due(&worker, &job);
    assert_eq!(attempt.number(), 2);
    store.let_news_go();
    until("asked to stop", || worker.script.was_asked(&attempt));
    assert_eq!(attempt.stopped().unwrap().kind, StopKind::Cancelled);
    worker.script.complete(&attempt);
    assert_eq!(worker.state(&job), State::Cancelled);
    rests(&worker);
}
