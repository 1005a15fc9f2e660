//! A job may be submitted where its task is a function of another kind than where it is run: an
//! asynchronous one in Node, a blocking one in Python.

#![allow(
    clippy::unwrap_used,
    reason = "a test helper that can't go on should stop the test"
)]

use std::sync::Arc;

use bursar_core::{
    AsyncTasks, Ended, Engine, EngineBuilder, EngineOptions, Executor, ExecutorKind, Handler,
    Payload, State, Submission, Task, TaskOptions, ThreadPool,
};
use bursar_testkit::PATIENCE;
use bursar_testkit::stores::Shared;

fn engine(shared: &Shared, run: bool, kind: ExecutorKind, executor: Arc<dyn Executor>) -> Engine {
    let options = EngineOptions {
        run,
        ..EngineOptions::default()
    };
    let builder = EngineBuilder::new(shared.open(), options);
    builder.executor(kind, executor).start().unwrap()
}

fn asynchronous() -> Handler {
    Handler::Async(Arc::new(|args| Box::pin(async { Ended::Returned(args) })))
}

fn blocking() -> Handler {
    Handler::Sync(Arc::new(Ended::Returned))
}

fn task(kind: ExecutorKind, handler: Handler) -> Task {
    Task::new("work", TaskOptions::default(), kind, handler).unwrap()
}

#[test]
fn a_job_is_run_as_the_function_of_its_worker_wants() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let tasks = || Arc::new(AsyncTasks::new(runtime.handle().clone()));
    let (shared, threads) = (Shared::default(), || Arc::new(ThreadPool::new()));
    let (asks, does) = (ExecutorKind::Async, ExecutorKind::Thread);
    let client = engine(&shared, false, asks, tasks());
    let worker = engine(&shared, true, does, threads());
    let plan = client.register(task(asks, asynchronous())).unwrap();
    worker.register(task(does, blocking())).unwrap();
    let call = Submission::new(plan, Payload::json(*b"[7]"));
    let job = client.submit([call]).wait().unwrap().remove(0).ticket;
    let outcome = job.wait(Some(PATIENCE)).unwrap();
    assert_eq!(outcome.state, State::Completed);
    assert_eq!(outcome.end.result.as_json(), Some(&b"[7]"[..]));
}
