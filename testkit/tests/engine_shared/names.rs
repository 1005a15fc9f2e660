//! Jobs that were submitted by the name of a task that their submitter doesn't know.

use std::sync::Arc;

use bursar_core::{
    Accepted, EngineOptions, ErrorKind, EventKind, ExecutorKind, Failure, Handler, Payload, Plan,
    Priority, State, Submission, Task, TaskOptions, Ticket,
};
use bursar_testkit::stores::Shared;
use bursar_testkit::{Rig, until};

use crate::SECOND;
use crate::rigs::{client, listens, rests, rig};

const NAME: &str = "resize";

fn options(change: impl FnOnce(&mut TaskOptions)) -> TaskOptions {
    let mut options = TaskOptions::default();
    change(&mut options);
    options
}

fn register(rig: &Rig, options: TaskOptions) -> Arc<Plan> {
    let task = Task::new(NAME, options, ExecutorKind::Async, Handler::Host(7)).unwrap();
    rig.engine.register(task).unwrap()
}

fn submit(rig: &Rig, change: impl FnOnce(&mut TaskOptions)) -> Accepted {
    let plan = rig.engine.plan(NAME, &options(change)).unwrap();
    let call = Submission::new(plan, Payload::json(*b"[7]"));
    rig.engine.submit([call]).wait().unwrap().remove(0)
}

fn by_name(rig: &Rig) -> Arc<Ticket> {
    submit(rig, |_| ()).ticket
}

#[test]
fn a_job_is_submitted_by_name_and_run_by_who_knows_it() {
    let shared = Shared::default();
    let (client, worker) = (client(&shared), rig(&shared));
    let job = by_name(&client);
    let drained = client.engine.drained();
    assert_eq!(client.engine.unfinished(), 1);
    register(&worker, TaskOptions::default());
    let assignment = worker.script.next_assignment();
    assert_eq!(assignment.args.as_json(), Some(&b"[7]"[..]));
    assert!(!drained.is_set(), "its submitter waits for it");
    worker.script.complete(&assignment.attempt);
    assert_eq!(client.final_state(&job), State::Completed);
    assert!(drained.wait(Some(bursar_testkit::PATIENCE)).is_some());
    rests(&client);
    rests(&worker);
}

#[test]
fn it_waits_until_its_submitter_learns_the_task() {
    let shared = Shared::default();
    let rig = rig(&shared);
    let jobs = [by_name(&rig), by_name(&rig)];
    assert_eq!(rig.state(&jobs[0]), State::Queued);
    let why = rig.why(&jobs[0]);
    assert!(
        why.contains("can't run it: it has no task \"resize\""),
        "{why}"
    );
    register(&rig, TaskOptions::default());
    for job in &jobs {
        let attempt = rig.script.next();
        assert_eq!(attempt.job(), job.id());
        rig.script.complete(&attempt);
        assert_eq!(rig.final_state(job), State::Completed);
    }
    rests(&rig);
}

#[test]
fn why_it_waits_names_what_may_have_been_meant() {
    let rig = rig(&Shared::default());
    let plan = rig.engine.plan("plane", &TaskOptions::default()).unwrap();
    let job = rig.submit_plan(&plan);
    let why = rig.why(&job);
    assert!(why.contains("did you mean \"plain\"?"), "{why}");
    assert!(rig.cancel(&job));
    rests(&rig);
}

#[test]
fn it_has_the_options_of_its_call() {
    let shared = Shared::default();
    let (client, worker) = (client(&shared), rig(&shared));
    let low = by_name(&client);
    // More than there is here; who runs it may have more.
    let huge = submit(&client, |options| {
        options.memory = Some(1 << 40);
        options.priority = Some(Priority::Critical);
        options.retries = Some(1);
    });
    let info = client.info(&huge.ticket);
    assert_eq!(info.spec.demand.memory, 1 << 40);
    assert_eq!(
        (info.spec.priority, info.spec.retry.retries),
        (Priority::Critical, 1)
    );
    register(&worker, TaskOptions::default());
    worker.script.complete(&worker.script.next());
    assert_eq!(client.final_state(&low), State::Completed);
    let known = worker.engine.ticket(huge.ticket.id()).wait().unwrap();
    until("why", || {
        worker.why(&known).contains("whole budget is 256MB")
    });
    assert!(client.cancel(&huge.ticket));
    assert_eq!(client.final_state(&huge.ticket), State::Cancelled);
    rests(&client);
    rests(&worker);
}

#[test]
fn of_two_with_one_key_the_second_is_the_first() {
    let shared = Shared::default();
    let (first, second) = (rig(&shared), rig(&shared));
    let keyed = |rig: &Rig| submit(rig, |options| options.unique = Some("k".into()));
    let jobs = [keyed(&first), keyed(&first), keyed(&second)];
    assert_eq!(
        jobs.each_ref().map(|job| job.deduplicated),
        [false, true, true]
    );
    // Each would run it as soon as it knows the task, so one learns it after the other.
    register(&second, TaskOptions::default());
    second.script.complete(&second.script.next());
    for (rig, job) in [(&first, &jobs[0]), (&first, &jobs[1]), (&second, &jobs[2])] {
        assert_eq!(rig.final_state(&job.ticket), State::Completed);
    }
    let again = keyed(&first);
    register(&first, TaskOptions::default());
    until("a start", || {
        first.script.total() + second.script.total() == 2
    });
    let runs = if first.script.total() == 1 {
        &first
    } else {
        &second
    };
    runs.script.complete(&runs.script.next());
    assert_eq!(first.final_state(&again.ticket), State::Completed);
    rests(&first);
    rests(&second);
}

#[test]
fn time_comes_and_runs_out_for_it() {
    let shared = Shared::default();
    for rig in [rig(&shared), client(&shared)] {
        let mut events = rig.engine.events(None);
        let later = submit(&rig, |options| options.delay = Some(SECOND)).ticket;
        let never = submit(&rig, |options| options.expires = Some(SECOND)).ticket;
        assert_eq!(rig.state(&later), State::Scheduled);
        rig.clock.advance(2 * SECOND);
        assert_eq!(rig.final_state(&never), State::Cancelled);
        rig.reaches(&later, State::Queued);
        until("to be told of both", || {
            let told = |job: &Ticket, state| (job.id(), EventKind::State(state));
            let mut missing = vec![told(&later, State::Queued), told(&never, State::Cancelled)];
            while let Some(event) = events.try_next() {
                assert_eq!(&*event.task, NAME);
                missing.retain(|one| *one != (event.job, event.kind.clone()));
            }
            missing.is_empty()
        });
        assert!(rig.cancel(&later));
        rests(&rig);
    }
}

#[test]
fn a_dead_letter_is_submitted_again_by_who_doesnt_know_its_task() {
    let shared = Shared::default();
    let (client, worker) = (client(&shared), rig(&shared));
    register(&worker, TaskOptions::default());
    let job = by_name(&client);
    worker.script.fail(&worker.script.next());
    assert_eq!(client.final_state(&job), State::Failed);
    let again = client.engine.retry(job.id()).wait().unwrap().ticket;
    worker.script.complete(&worker.script.next());
    assert_eq!(client.final_state(&again), State::Completed);
    rests(&client);
    rests(&worker);
}

#[test]
fn one_that_runs_elsewhere_is_not_forgotten() {
    let shared = Shared::default();
    let (client, worker) = (client(&shared), rig(&shared));
    listens(&client, &worker);
    register(&worker, TaskOptions::default());
    let id = by_name(&client).id();
    let attempt = worker.script.next();
    let running = client.engine.ticket(id).wait().unwrap();
    client.reaches(&running, State::Running);
    drop(running);
    let drained = client.engine.drained();
    client.submit();
    worker.script.complete(&worker.script.next());
    assert!(!drained.is_set());
    worker.script.end(
        &attempt,
        bursar_core::Ended::GaveUp(Failure::new("E", "no")),
    );
    assert!(drained.wait(Some(bursar_testkit::PATIENCE)).is_some());
    rests(&client);
    rests(&worker);
}

#[test]
fn what_ends_with_the_process_needs_a_task_of_its_own() {
    let rig = Rig::new();
    let refused = |name: &str| rig.engine.plan(name, &TaskOptions::default()).unwrap_err();
    let error = refused("plane");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    for part in [
        "no task \"plane\"",
        "did you mean \"plain\"?",
        "sqlite:jobs.db",
    ] {
        assert!(error.message().contains(part), "{error}");
    }
    for name in ["", "a\nb", &"x".repeat(201)] {
        assert_eq!(refused(name).kind(), ErrorKind::Invalid);
        let durable = client(&Shared::default()).engine;
        let error = durable.plan(name, &TaskOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}

#[test]
fn those_who_wait_are_told_when_the_engine_closes() {
    let rig = Rig::builder().options(|options: &mut EngineOptions| options.run = true);
    let rig = rig.store(Shared::default().open()).start();
    let job = by_name(&rig);
    rig.engine
        .shutdown(Some(SECOND))
        .wait(Some(bursar_testkit::PATIENCE))
        .unwrap();
    assert_eq!(rig.final_state(&job), State::Cancelled);
}
