//! What executors owe the engine: no start after a stop, nobody asleep over work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bursar_core::{
    Ended, Engine, EngineBuilder, EngineOptions, ExecutorKind, Handler, HostEvent, HostLane,
    MemoryStore, Payload, Plan, State, Submission, Task, TaskOptions, Ticket,
};
use bursar_testkit::{PATIENCE, until};

const SLOTS: u32 = 24;

#[expect(clippy::unwrap_used, reason = "a helper of tests")]
fn engine(executor: Arc<dyn bursar_core::Executor>) -> Engine {
    let options = EngineOptions {
        concurrency: vec![(ExecutorKind::Thread, SLOTS)],
        ..EngineOptions::default()
    };
    EngineBuilder::new(Arc::new(MemoryStore::default()), options)
        .executor(ExecutorKind::Thread, executor)
        .start()
        .unwrap()
}

#[expect(clippy::unwrap_used, reason = "a helper of tests")]
fn register(engine: &Engine, handler: Handler) -> Arc<Plan> {
    let options = TaskOptions::default();
    let task = Task::new("task", options, ExecutorKind::Thread, handler).unwrap();
    engine.register(task).unwrap()
}

#[expect(clippy::unwrap_used, reason = "a helper of tests")]
fn submit(engine: &Engine, plan: &Arc<Plan>, count: usize) -> Vec<Arc<Ticket>> {
    let call = || Submission::new(Arc::clone(plan), Payload::Null);
    let accepted = engine.submit((0..count).map(|_| call())).wait().unwrap();
    accepted.into_iter().map(|job| job.ticket).collect()
}

fn state_of(ticket: &Ticket) -> Option<State> {
    ticket.wait(Some(PATIENCE)).map(|end| end.state)
}

#[test]
fn a_host_is_not_given_what_was_stopped_before_it_took_it() {
    let lane = HostLane::new();
    let engine = engine(Arc::new(lane.clone()));
    let plan = register(&engine, Handler::Host(1));
    let jobs = submit(&engine, &plan, 2);
    assert!(engine.cancel(jobs[0].id(), "").wait().unwrap());
    let events = std::iter::from_fn(|| lane.take());
    let started: Vec<_> = events
        .filter_map(|event| match event {
            HostEvent::Start(assignment) => Some(assignment.attempt),
            HostEvent::Stop(_) => None,
        })
        .collect();
    assert_eq!(started.len(), 1);
    assert_eq!(started[0].job(), jobs[1].id());
    assert_eq!(state_of(&jobs[0]), Some(State::Cancelled));
    lane.finish([(Arc::clone(&started[0]), Ended::Returned(Payload::Null))]);
    assert_eq!(state_of(&jobs[1]), Some(State::Completed));
}

#[test]
fn every_sleeper_is_woken_for_a_batch() {
    const SLEEPERS: usize = 6;
    let lane = HostLane::new();
    let engine = engine(Arc::new(lane.clone()));
    let plan = register(&engine, Handler::Host(1));
    let running = Arc::new(AtomicUsize::new(0));
    let sleepers: Vec<_> = (0..SLEEPERS)
        .map(|_| {
            let (lane, running) = (lane.clone(), Arc::clone(&running));
            std::thread::spawn(move || {
                loop {
                    if let Some(HostEvent::Start(assignment)) = lane.take() {
                        running.fetch_add(1, Ordering::SeqCst);
                        // Each keeps its job until all have one.
                        until("the others", || running.load(Ordering::SeqCst) >= SLEEPERS);
                        return lane.finish([(assignment.attempt, Ended::Returned(Payload::Null))]);
                    }
                    lane.wait(Duration::from_secs(3_600));
                }
            })
        })
        .collect();
    until("all to sleep", || lane.idle() == SLEEPERS);
    let jobs = submit(&engine, &plan, SLEEPERS);
    sleepers.into_iter().for_each(|one| one.join().unwrap());
    assert!(
        jobs.iter()
            .all(|job| state_of(job) == Some(State::Completed))
    );
}
