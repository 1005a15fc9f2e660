//! Jobs that begin in the commit of their submit, where there is room for them.

use std::sync::Arc;
use std::time::Duration;

use bursar_core::{
    Accepted, Batch, ErrorKind, JobFilter, JobId, List, Order, OutcomeKind, Payload, Reply, State,
    Store, Submission, TaskOptions, Ticket,
};
use bursar_testkit::stores::{BrokenStore, LateStore, Shared, SharedStore, When};
use bursar_testkit::{PATIENCE, Rig, until};
use parking_lot::Mutex;

use crate::rigs::{client, listens, outcomes, rests, rig, ticket};

/// A worker whose store fails as it is told.
fn breakable(shared: &Shared) -> (Rig, Arc<BrokenStore>) {
    let store = Arc::new(BrokenStore::new(shared.open()));
    let rig = Rig::builder().store(Arc::<BrokenStore>::clone(&store));
    (rig.start(), store)
}

#[test]
fn a_job_that_has_room_is_not_claimed() {
    let shared = Shared::default();
    let (worker, store) = breakable(&shared);
    // What is there already is read first.
    listens(&client(&shared), &worker);
    store.fail("claim", 1, When::Before);
    let job = worker.submit();
    let attempt = worker.script.next();
    assert_eq!(
        (attempt.job(), attempt.number(), attempt.failures()),
        (job.id(), 1, 0)
    );
    assert_eq!(
        (worker.state(&job), store.left("claim")),
        (State::Running, 1)
    );
    worker.script.complete(&attempt);
    assert_eq!(worker.final_state(&job), State::Completed);
    rests(&worker);
}

#[test]
fn as_many_begin_as_have_room_and_the_rest_in_their_order() {
    let shared = Shared::default();
    let worker = rig(&shared);
    listens(&client(&shared), &worker);
    // There is room for eight.
    let plan = worker.plan(TaskOptions::default());
    let calls = (0..10).map(|_| Submission::new(Arc::clone(&plan), Payload::Null));
    let jobs = worker.engine.submit(calls).wait().unwrap();
    let first: Vec<_> = (0..8).map(|_| worker.script.next()).collect();
    let behind = worker.submit();
    for (attempt, job) in first.iter().zip(&jobs) {
        assert_eq!(attempt.job(), job.ticket.id());
    }
    assert_eq!(worker.state(&jobs[8].ticket), State::Queued);
    for (number, ends) in first.iter().enumerate().take(3) {
        worker.script.complete(ends);
        let next = worker.script.next();
        let expected = jobs.get(8 + number).map_or(&behind, |job| &job.ticket);
        assert_eq!(next.job(), expected.id());
        worker.script.complete(&next);
    }
    first[3..]
        .iter()
        .for_each(|one| worker.script.complete(one));
    rests(&worker);
}

#[test]
fn what_a_refused_submit_had_reserved_is_given_back() {
    let shared = Shared::default();
    let (worker, store) = breakable(&shared);
    listens(&client(&shared), &worker);
    store.fail("submit", 1, When::Before);
    let plan = worker.plan(TaskOptions::default());
    let refused = worker.engine.submit([Submission::new(plan, Payload::Null)]);
    assert_eq!(refused.wait().unwrap_err().kind(), ErrorKind::Unavailable);
    rests(&worker);
    let job = worker.submit();
    worker.script.complete(&worker.script.next());
    assert_eq!(worker.final_state(&job), State::Completed);
    rests(&worker);
}

/// A worker that has submitted a job which has begun in the store, and has not heard of it.
struct Unheard {
    shared: Shared,
    worker: Rig,
    handle: Arc<SharedStore>,
    late: Arc<LateStore>,
    submitted: Mutex<Option<Reply<Batch<Accepted>>>>,
    job: JobId,
}

impl Unheard {
    fn new() -> Self {
        let shared = Shared::default();
        let handle = shared.open();
        let late = Arc::new(LateStore::new(Arc::<SharedStore>::clone(&handle), 7));
        let worker = Rig::builder().store(Arc::<LateStore>::clone(&late)).start();
        listens(&client(&shared), &worker);
        late.hold_answers("submit");
        let plan = worker.plan(TaskOptions::default());
        let submitted = worker.engine.submit([Submission::new(plan, Payload::Null)]);
        until("the submit to be carried out", || {
            late.held("submit").1 == 1
        });
        let job = running(&*shared.open());
        Self {
            shared,
            worker,
            handle,
            late,
            submitted: Mutex::new(Some(submitted)),
            job,
        }
    }
}

impl Unheard {
    /// Lets the answer come; the job's ticket.
    fn answered(&self) -> Arc<Ticket> {
        self.late.let_go();
        let accepted = self.submitted.lock().take().unwrap().wait().unwrap();
        Arc::clone(&accepted[0].ticket)
    }

    fn ends_cancelled(&self) {
        let ticket = self.answered();
        let end = self.worker.end_of(&ticket);
        assert_eq!(
            (end.state, end.end.kind),
            (State::Cancelled, OutcomeKind::Cancelled)
        );
        assert!(self.worker.script.take().is_none(), "it began");
        rests(&self.worker);
    }
}

/// The one job that runs.
fn running(store: &dyn Store) -> JobId {
    let listed = store.list(List {
        filter: JobFilter::default().state(State::Running),
        order: Order::default(),
        limit: 2,
        offset: 0,
        after: None,
    });
    let jobs = listed.wait().unwrap().jobs;
    assert_eq!(jobs.len(), 1);
    jobs[0].id
}

#[test]
fn a_cancel_of_another_before_the_answer_is_heard() {
    let scene = Unheard::new();
    let mut events = scene.worker.engine.events(Some(scene.job));
    let other = client(&scene.shared);
    assert!(other.engine.cancel(scene.job, "not needed").wait().unwrap());
    until("the worker to be told", || events.try_next().is_some());
    scene.ends_cancelled();
}

#[test]
fn a_cancel_here_before_the_answer_is_heard() {
    let scene = Unheard::new();
    let cancel = scene.worker.engine.cancel(scene.job, "not needed");
    assert!(cancel.wait().unwrap());
    scene.ends_cancelled();
}

#[test]
fn an_attempt_that_was_lost_before_the_answer_does_not_begin() {
    let scene = Unheard::new();
    let other = rig(&scene.shared);
    let mut events = scene.worker.engine.events(Some(scene.job));
    scene.handle.declare_dead();
    let mut again = None;
    until("the job to be run again", || {
        let taken = |rig: &Rig| rig.script.take();
        again = [&other, &scene.worker]
            .into_iter()
            .find_map(|rig| Some((rig, taken(rig)?)));
        again.is_some()
    });
    let (at, again) = again.unwrap();
    assert_eq!((again.job(), again.number()), (scene.job, 2));
    until("the worker to be told", || events.try_next().is_some());
    let ticket = scene.answered();
    at.script.complete(&again);
    assert_eq!(scene.worker.final_state(&ticket), State::Completed);
    let expected = [Some(OutcomeKind::Lost), Some(OutcomeKind::Completed)];
    assert_eq!(outcomes(&other, &ticket), expected);
    rests(&scene.worker);
    rests(&other);
    assert!(scene.worker.script.take().is_none(), "the first one began");
}

#[test]
fn what_begins_while_the_engine_closes_is_given_back() {
    let scene = Unheard::new();
    let closed = scene.worker.engine.shutdown(Some(Duration::ZERO));
    let other = rig(&scene.shared);
    scene.late.let_go();
    assert!(closed.wait(Some(PATIENCE)).is_some());
    assert!(scene.worker.script.take().is_none());
    let again = other.script.next();
    assert_eq!((again.job(), again.failures()), (scene.job, 0));
    other.script.complete(&again);
    let ticket = ticket(&other, scene.job);
    assert_eq!(other.final_state(&ticket), State::Completed);
    let expected = [Some(OutcomeKind::Released), Some(OutcomeKind::Completed)];
    assert_eq!(outcomes(&other, &ticket), expected);
    rests(&other);
}
