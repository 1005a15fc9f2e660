//! An engine over a file: what it has accepted goes on in the next one that opens the file.

#![allow(
    clippy::unwrap_used,
    reason = "a test helper that can't go on should stop the test"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::{
    Ended, ExecutorKind, Failure, Handler, JobId, OutcomeKind, Payload, Plan, Reply, State, Store,
    Submission, Task, TaskOptions, Ticket,
};
use bursar_store_sqlite::{Durability, SqliteOptions, SqliteStore};
use bursar_testkit::stores::LateStore;
use bursar_testkit::{Folder, PATIENCE, Rig, until};

const SECOND: Duration = Duration::from_secs(1);

fn store(path: &Path) -> Arc<dyn Store> {
    let options = SqliteOptions {
        durability: Durability::Process,
        ..SqliteOptions::default()
    };
    Arc::new(SqliteStore::open(path, options).unwrap())
}

fn rig(folder: &Folder) -> Rig {
    Rig::builder().store(store(&folder.join("jobs.db"))).start()
}

/// A rig whose clock goes on where that of the one before stood.
fn rig_at(folder: &Folder, time: Duration) -> Rig {
    let rig = Rig::builder().store(store(&folder.join("jobs.db"))).start();
    rig.clock.advance(time);
    rig
}

/// Ends an engine as a process that is killed ends: nothing is given back, and the file is closed
/// only because nobody has it open any more.
fn kill(rig: Rig, folder: &Folder) {
    drop(rig);
    let present = std::fs::File::open(folder.join("jobs.db-open")).unwrap();
    until("the file to be let go", || present.try_lock().is_ok());
}

/// Ends an engine that runs nothing: no time passes.
fn close(rig: &Rig) {
    let closed = rig.engine.shutdown(Some(Duration::ZERO));
    until("the end of the engine", || closed.is_set());
}

fn ticket(rig: &Rig, id: JobId) -> Arc<Ticket> {
    rig.engine.ticket(id).wait().unwrap()
}

fn keyed(rig: &Rig, key: &str) -> (JobId, bool) {
    let mut call = Submission::new(rig.plan(TaskOptions::default()), Payload::json(*b"[7]"));
    call.unique = Some(key.into());
    let accepted = rig.engine.submit([call]).wait().unwrap();
    (accepted[0].ticket.id(), accepted[0].deduplicated)
}

#[test]
fn a_job_runs_and_its_end_is_told() {
    let folder = Folder::new();
    let rig = rig(&folder);
    let job = rig.submit();
    rig.script.complete(&rig.script.next());
    assert_eq!(rig.final_state(&job), State::Completed);
    let info = rig.info(&job);
    assert_eq!(info.result.unwrap().as_json(), Some(&b"true"[..]));
    until("rest", || rig.engine.unfinished() == 0);
    rig.is_at_rest();
}

#[test]
fn a_failed_attempt_is_tried_again_when_its_time_has_come() {
    let folder = Folder::new();
    let rig = rig(&folder);
    let job = rig.submit_with(|options| {
        options.retries = Some(1);
        options.retry_delay = Some(SECOND);
    });
    rig.script.fail(&rig.script.next());
    rig.reaches(&job, State::Retrying);
    rig.pass(SECOND);
    let attempt = rig.script.next();
    assert_eq!((attempt.number(), attempt.failures()), (2, 1));
    rig.script.fail(&attempt);
    assert_eq!(rig.final_state(&job), State::Failed);
    let again = rig.engine.retry(job.id()).wait().unwrap().ticket;
    rig.script.complete(&rig.script.next());
    assert_eq!(rig.final_state(&again), State::Completed);
    assert_eq!(rig.info(&again).retry_of, Some(job.id()));
}

#[test]
fn waiting_and_running_jobs_are_cancelled() {
    let folder = Folder::new();
    let rig = Rig::builder()
        .store(store(&folder.join("jobs.db")))
        .slots(1)
        .start();
    let (running, queued) = (rig.submit(), rig.submit());
    let delayed = rig.submit_with(|options| options.delay = Some(SECOND));
    let attempt = rig.script.next();
    assert!(rig.cancel(&queued) && rig.cancel(&delayed) && rig.cancel(&running));
    until("asked to stop", || rig.script.was_asked(&attempt));
    rig.script
        .end(&attempt, Ended::Cancelled("as asked".into()));
    for job in [running, queued, delayed] {
        assert_eq!(rig.final_state(&job), State::Cancelled);
    }
    until("rest", || rig.engine.unfinished() == 0);
    rig.is_at_rest();
}

#[test]
fn what_waited_goes_on_in_the_next_engine() {
    let folder = Folder::new();
    let first = Rig::builder()
        .store(store(&folder.join("jobs.db")))
        .slots(1)
        .start();
    let running = first.submit();
    let attempt = first.script.next();
    let queued = first.submit();
    let urgent = first.submit_with(|options| {
        options.priority = Some(bursar_core::Priority::Critical);
    });
    let delayed = first.submit_with(|options| options.delay = Some(60 * SECOND));
    let (unique, _) = keyed(&first, "k");
    attempt
        .progress(50.0, Some("half"))
        .unwrap()
        .wait()
        .unwrap();
    let state = Payload::json(*b"{\"at\": 1}");
    attempt.save_checkpoint(state).unwrap().wait().unwrap();
    attempt.log("info", "hello").wait().unwrap();
    kill(first, &folder);

    let second = Rig::builder()
        .store(store(&folder.join("jobs.db")))
        .slots(1)
        .start();
    assert_eq!(keyed(&second, "k"), (unique, true));
    let mut order = Vec::new();
    for _ in 0..4 {
        let attempt = second.script.next();
        order.push(attempt.job());
        if attempt.job() == running.id() {
            let kept = attempt.checkpoint();
            assert_eq!(kept.unwrap().as_json(), Some(&b"{\"at\": 1}"[..]));
        }
        second.script.complete(&attempt);
    }
    let expected = [urgent.id(), running.id(), queued.id(), unique];
    assert_eq!(order, expected, "not by priority and submission");
    let info = second.engine.info(running.id(), true).wait().unwrap();
    let outcomes: Vec<_> = info.attempts.iter().map(|one| one.outcome).collect();
    assert_eq!(
        outcomes,
        [Some(OutcomeKind::Lost), Some(OutcomeKind::Completed)]
    );
    assert_eq!(info.progress.unwrap().percent, 50.0);
    assert_eq!(&*info.logs[0].message, "hello");
    assert_eq!(
        second.state(&ticket(&second, delayed.id())),
        State::Scheduled
    );
    second.pass(60 * SECOND);
    let attempt = second.script.next();
    assert_eq!(attempt.job(), delayed.id());
    second.script.complete(&attempt);
    until("rest", || second.engine.unfinished() == 0);
    second.is_at_rest();
}

#[test]
fn a_retry_keeps_its_time_and_its_count_across_a_close() {
    let folder = Folder::new();
    let first = rig(&folder);
    let job = first.submit_with(|options| {
        options.retries = Some(2);
        options.retry_delay = Some(600 * SECOND);
        options.backoff = Some(bursar_core::Backoff::Fixed);
    });
    first.script.fail(&first.script.next());
    first.reaches(&job, State::Retrying);
    close(&first);
    assert_eq!(
        job.outcome().unwrap().state,
        State::Cancelled,
        "to those here"
    );
    drop(first);

    let second = rig_at(&folder, 599 * SECOND);
    second.settle();
    assert!(second.script.take().is_none(), "before its time");
    second.pass(SECOND);
    let attempt = second.script.next();
    assert_eq!((attempt.job(), attempt.number()), (job.id(), 2));
    assert_eq!(attempt.failures(), 1);
    second.script.complete(&attempt);
    let known = ticket(&second, job.id());
    assert_eq!(second.final_state(&known), State::Completed);
}

#[test]
fn results_and_dead_letters_are_there_after_a_close() {
    let folder = Folder::new();
    let first = rig(&folder);
    let (good, bad) = (first.submit(), first.submit());
    first.script.complete(&first.script.next());
    first.script.fail(&first.script.next());
    assert_eq!(first.final_state(&good), State::Completed);
    assert_eq!(first.final_state(&bad), State::Failed);
    close(&first);
    drop(first);

    let second = rig(&folder);
    let known = ticket(&second, good.id());
    let end = known.wait(Some(PATIENCE)).unwrap().end;
    assert_eq!(end.result.as_json(), Some(&b"true"[..]));
    let again = second.engine.retry(bad.id()).wait().unwrap().ticket;
    second.script.complete(&second.script.next());
    assert_eq!(second.final_state(&again), State::Completed);
    assert_eq!(second.info(&again).retry_of, Some(bad.id()));
}

fn other_task() -> Task {
    let handler = Handler::Host(1);
    let options = TaskOptions::default();
    Task::new("other", options, ExecutorKind::Async, handler).unwrap()
}

fn submit_to(rig: &Rig, plan: &Arc<Plan>) -> Arc<Ticket> {
    rig.submit_plan(plan)
}

#[test]
fn a_job_waits_for_an_engine_that_knows_its_task() {
    let folder = Folder::new();
    let first = Rig::builder()
        .store(store(&folder.join("jobs.db")))
        .options(|options| options.run = false)
        .start();
    let plan = first.engine.register(other_task()).unwrap();
    let job = submit_to(&first, &plan);
    let cancelled = submit_to(&first, &plan);
    kill(first, &folder);

    let second = rig(&folder);
    // It has taken in what there is once it runs what came after.
    second.submit();
    second.script.complete(&second.script.next());
    let known = ticket(&second, job.id());
    let why = second.why(&known);
    assert!(
        why.contains("can't run it") && why.contains("\"other\""),
        "{why}"
    );
    assert!(!known.is_done());
    let waiting = ticket(&second, cancelled.id());
    assert!(second.cancel(&waiting));
    assert_eq!(second.final_state(&waiting), State::Cancelled);
    second.engine.register(other_task()).unwrap();
    let attempt = second.script.next();
    assert_eq!(attempt.job(), job.id());
    second.script.complete(&attempt);
    assert_eq!(second.final_state(&known), State::Completed);
    until("rest", || second.engine.unfinished() == 0);
    second.is_at_rest();
}

#[test]
fn a_job_is_told_to_those_who_looked_it_up_before_it_was_taken_in() {
    let folder = Folder::new();
    let first = Rig::builder()
        .store(store(&folder.join("jobs.db")))
        .options(|options| options.run = false)
        .start();
    let job = first.submit().id();
    let other = first.submit().id();
    kill(first, &folder);
    let slow = Arc::new(bursar_testkit::stores::LateStore::new(
        store(&folder.join("jobs.db")),
        7,
    ));
    slow.hold_answers("follow");
    let second = Rig::builder()
        .store(Arc::<bursar_testkit::stores::LateStore>::clone(&slow))
        .start();
    let (looked_up, cancelled) = (ticket(&second, job), ticket(&second, other));
    assert!(second.cancel(&cancelled));
    assert_eq!(second.final_state(&cancelled), State::Cancelled);
    assert!(second.script.take().is_none());
    slow.let_go();
    second.script.complete(&second.script.next());
    assert_eq!(second.final_state(&looked_up), State::Completed);
    until("rest", || second.engine.unfinished() == 0);
    second.is_at_rest();
}

#[test]
fn a_drain_waits_for_what_was_left() {
    let folder = Folder::new();
    let first = Rig::builder()
        .store(store(&folder.join("jobs.db")))
        .options(|options| options.run = false)
        .start();
    let jobs: Vec<_> = (0..10_000)
        .map(|_| first.submit())
        .map(|job| job.id())
        .collect();
    kill(first, &folder);
    let second = rig(&folder);
    let drained = second.engine.drained();
    // Those that start together are told of by two threads: in which order is their affair.
    let mut started = std::collections::BTreeSet::new();
    for _ in &jobs {
        let attempt = second.script.next();
        started.insert(attempt.job());
        assert!(!drained.is_set());
        second.script.complete(&attempt);
    }
    assert_eq!(started, jobs.into_iter().collect());
    assert!(drained.wait(Some(PATIENCE)).is_some());
    second.is_at_rest();
}

#[test]
fn an_engine_that_is_not_alone_takes_nothing_from_others() {
    let folder = Folder::new();
    // It has no room for a job of the other one.
    let first = Rig::builder()
        .store(store(&folder.join("jobs.db")))
        .slots(1)
        .start();
    let running = first.submit();
    let attempt = first.script.next();
    let second = rig(&folder);
    second.submit();
    let own = second.script.next();
    assert_ne!(own.job(), running.id());
    second.script.complete(&own);
    assert_eq!(second.state(&running), State::Running);
    first.script.complete(&attempt);
    assert_eq!(first.final_state(&running), State::Completed);
    assert_eq!(second.info(&running).attempts.len(), 1);
}

#[test]
fn a_late_end_of_a_lost_attempt_changes_nothing() {
    let folder = Folder::new();
    let first = rig(&folder);
    let job = first.submit();
    let attempt = first.script.next();
    kill(first, &folder);
    let late = store(&folder.join("jobs.db"));
    let second = rig(&folder);
    drop(second);
    let end = bursar_core::AttemptEnd::failed(OutcomeKind::Failed, Failure::new("E", "late"));
    let ended = bursar_core::FinishedAttempt {
        sequence: 1,
        attempt: attempt.number() + 1,
        end: end.into(),
        next: bursar_core::Next::End(State::Failed),
    };
    let finish = bursar_core::Finish {
        now: bursar_core::Timestamp::default(),
        attempts: [ended].into_iter().collect(),
    };
    let fenced = late.finish(finish).wait().unwrap();
    assert_eq!(fenced[0], bursar_core::Fenced::Stale);
    drop(job);
}

/// An engine over a file with one job of an earlier process, and a look at that job whose answer,
/// given before the engine knew of it, comes late.
fn looked_up_early(folder: &Folder) -> (Rig, Arc<LateStore>, Reply<Arc<Ticket>>) {
    let earlier = rig(folder);
    let id = earlier.submit().id();
    kill(earlier, folder);
    let late = Arc::new(LateStore::new(store(&folder.join("jobs.db")), 1));
    late.hold_answers("backlog");
    late.hold_answers("get");
    let rig = Rig::builder().store(Arc::<LateStore>::clone(&late)).start();
    let ticket = rig.engine.ticket(id);
    until("the look", || late.held("get").1 == 1);
    late.let_newest_go("backlog");
    (rig, late, ticket)
}

#[test]
fn a_job_that_is_looked_up_while_it_is_taken_over_is_told_its_end() {
    let folder = Folder::new();
    let (rig, late, ticket) = looked_up_early(&folder);
    let attempt = rig.script.next();
    late.let_go();
    let ticket = ticket.wait().unwrap();
    rig.script.complete(&attempt);
    assert_eq!(rig.final_state(&ticket), State::Completed);
}

#[test]
fn a_job_that_ends_while_it_is_looked_up_is_told_its_end() {
    let folder = Folder::new();
    let (rig, late, ticket) = looked_up_early(&folder);
    rig.script.complete(&rig.script.next());
    until("its end", || rig.engine.unfinished() == 0);
    late.let_go();
    assert_eq!(rig.final_state(&ticket.wait().unwrap()), State::Completed);
}
