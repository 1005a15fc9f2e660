//! Waiting for results: each caller gets its own, and waiting neither runs anything again nor
//! uses up the pool.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bursar::{Engine, ErrorKind, JobError};

use crate::support::Gate;

#[tokio::test]
async fn a_wait_that_runs_out_runs_nothing_again() {
    let engine = Engine::open("memory:").start().await.unwrap();
    let (gate, runs) = (Gate::new(), Arc::new(AtomicU32::new(0)));
    let (inside, count) = (gate.clone(), Arc::clone(&runs));
    let slow = engine.task("slow").retries(3).run(move |(): ()| {
        count.fetch_add(1, Ordering::SeqCst);
        let gate = inside.clone();
        async move {
            gate.passed().await;
            "done".to_owned()
        }
    });
    let job = slow.unwrap().call(()).await.unwrap();
    let error = job.result_timeout("5ms").await.unwrap_err();
    assert!(
        matches!(error, JobError::Elapsed(_)) && error.to_string().contains("5ms"),
        "{error}"
    );
    let elapsed = job.wait_timeout(Duration::from_millis(5));
    assert!(matches!(elapsed, Err(JobError::Elapsed(_))), "{elapsed:?}");
    assert!(!job.done());
    gate.open();
    assert_eq!(job.result().await.unwrap(), "done");
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_concurrent_callers_each_get_their_own_result() {
    let engine = Engine::open("memory:")
        .memory("256MB")
        .start()
        .await
        .unwrap();
    let asynchronous = engine.task("async").run(|n: u64| async move {
        tokio::task::yield_now().await;
        n * n
    });
    let blocking = engine.task("thread").run_blocking(|n: u64| n * n);
    let tasks = [asynchronous.unwrap(), blocking.unwrap()];
    let callers: Vec<_> = (0..100)
        .map(|n| {
            let task = tasks[n as usize % 2].clone();
            tokio::spawn(async move { (n, task.call(n).await.unwrap().result().await.unwrap()) })
        })
        .collect();
    for caller in callers {
        let (n, result) = caller.await.unwrap();
        assert_eq!(result, n * n);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parents_that_wait_for_children_in_a_full_pool_finish() {
    const SLOTS: u32 = 4;
    let engine = Engine::open("memory:")
        .concurrency(SLOTS)
        .start()
        .await
        .unwrap();
    let child = engine
        .task("child")
        .run(|n: u32| async move { n + 1 })
        .unwrap();
    let parent = engine.task("parent").run(move |n: u32| {
        let child = child.clone();
        async move { child.call(n).await.unwrap().result().await }
    });
    let blocking_child = engine
        .task("blocking child")
        .run_blocking(|n: u32| n + 1)
        .unwrap();
    let blocking_parent = engine
        .task("blocking parent")
        .run_blocking(move |n: u32| blocking_child.call(n).wait().unwrap().wait());
    for parent in [parent.unwrap(), blocking_parent.unwrap()] {
        let calls = (0..SLOTS).map(|n| parent.call(n));
        let jobs = engine.submit_many(calls).await.unwrap();
        for (n, job) in (0..SLOTS).zip(jobs) {
            assert_eq!(job.result_timeout("60s").await.unwrap(), n + 1);
        }
    }
}

#[tokio::test]
async fn a_wait_that_could_never_end_is_refused() {
    let engine = Engine::open("memory:")
        .memory("64MB")
        .start()
        .await
        .unwrap();
    let child = engine.task("child").run(|(): ()| async {}).unwrap();
    let parent = engine.task("parent").memory("64MB").run(move |(): ()| {
        let child = child.clone();
        async move {
            let job = child.call(()).await.unwrap();
            match job.result().await {
                Err(JobError::Bursar(error)) => format!("{}: {error}", error.kind()),
                other => format!("{other:?}"),
            }
        }
    });
    let said = parent
        .unwrap()
        .call(())
        .await
        .unwrap()
        .result()
        .await
        .unwrap();
    assert!(said.starts_with(ErrorKind::Conflict.as_str()), "{said}");
}

#[test]
fn a_program_without_a_runtime_has_everything_too() {
    #[bursar::task]
    async fn asynchronous(n: u32) -> u32 {
        tokio::task::yield_now().await;
        n + 1
    }

    #[bursar::task]
    fn blocking(n: u32) -> u32 {
        n + 2
    }

    let engine = Engine::open("memory:").start().wait().unwrap();
    let first = engine.submit(asynchronous::call(1)).wait().unwrap();
    let second = engine.submit(blocking::call(1)).wait().unwrap();
    assert_eq!((first.wait().unwrap(), second.wait().unwrap()), (2, 3));
    assert_eq!(first.info().wait().unwrap().task(), "asynchronous");
    engine.shutdown().wait().unwrap();
}

/// The last part of a task's default name, which begins with its module.
trait ShortName {
    fn task(&self) -> &str;
}

impl ShortName for bursar::JobInfo {
    fn task(&self) -> &str {
        self.spec.task.rsplit("::").next().unwrap()
    }
}

#[tokio::test]
async fn an_engine_may_be_dropped_in_asynchronous_code() {
    let made = std::thread::spawn(|| Engine::open("memory:").start().wait().unwrap());
    let engine = made.join().unwrap();
    let noop = engine.task("noop").run(|n: u32| async move { n }).unwrap();
    assert_eq!(noop.call(1).await.unwrap().result().await.unwrap(), 1);
    drop((noop, engine));
}
