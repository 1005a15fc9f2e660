//! Whole jobs through an engine with a budget, on the memory store.

use std::sync::Arc;

use bursar_core::{
    Accepted, Batch, Ended, Engine, EngineBuilder, EngineOptions, Executor, ExecutorKind, Handler,
    HostEvent, HostLane, MemoryStore, Payload, Plan, Submission, Task, TaskOptions, ThreadPool,
};
use divan::Bencher;

use crate::CALLS;

/// An engine with one task that does nothing.
struct Desk {
    engine: Engine,
    plan: Arc<Plan>,
}

impl Desk {
    fn new(executor: Arc<dyn Executor>, handler: Handler, run: bool) -> Self {
        let options = EngineOptions {
            memory: Some(256_000_000),
            run,
            ..EngineOptions::default()
        };
        let engine = EngineBuilder::new(Arc::new(MemoryStore::default()), options)
            .executor(ExecutorKind::Thread, executor)
            .start()
            .expect("the system gives a thread");
        let task = Task::new(
            "task",
            TaskOptions::default(),
            ExecutorKind::Thread,
            handler,
        );
        let plan = engine
            .register(task.expect("the name is good"))
            .expect("the task fits");
        Self { engine, plan }
    }

    fn submit(&self, count: usize) -> Batch<Accepted> {
        let call = || Submission::new(Arc::clone(&self.plan), Payload::Null);
        let accepted = self.engine.submit((0..count).map(|_| call())).wait();
        accepted.expect("the engine is open")
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.engine.shutdown(Some(std::time::Duration::ZERO));
    }
}

/// Accepted and queued; nothing runs.
#[divan::bench(sample_size = CALLS)]
fn submit(bencher: Bencher) {
    let desk = Desk::new(Arc::new(HostLane::new()), Handler::Host(0), false);
    bencher.bench_local(|| desk.submit(1));
}

/// So many jobs from submit to recorded end, on one thread, as a binding drives them; the time is
/// that of all of them.
#[divan::bench(args = [1, 100], sample_size = 100)]
fn submit_take_finish(bencher: Bencher, jobs: usize) {
    let lane = HostLane::new();
    let desk = Desk::new(Arc::new(lane.clone()), Handler::Host(0), true);
    bencher.bench_local(|| {
        let accepted = desk.submit(jobs);
        while let Some(HostEvent::Start(assignment)) = lane.take() {
            lane.finish([(assignment.attempt, Ended::Returned(Payload::Null))]);
        }
        assert!(accepted.iter().all(|job| job.ticket.is_done()));
        accepted
    });
}

/// One job at a time on the engine's own threads, and its caller waits: two wake-ups.
#[divan::bench(sample_size = 100)]
fn submit_and_wait_on_threads(bencher: Bencher) {
    let handler = Handler::Sync(Arc::new(|_| Ended::Returned(Payload::Null)));
    let desk = Desk::new(Arc::new(ThreadPool::new()), handler, true);
    bencher.bench_local(|| {
        let accepted = desk.submit(1);
        accepted[0].ticket.wait(None).expect("it ends")
    });
}
