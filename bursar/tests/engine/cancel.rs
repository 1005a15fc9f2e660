//! Stopping what waits and what runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bursar::{Engine, JobContext, JobError, State};

use crate::support::{Gate, frozen, in_time, reaches};

/// Counts when it is dropped, as clean-up code does its work.
struct CleanUp(Arc<AtomicU32>);

impl Drop for CleanUp {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clean_up_code_runs_in_twenty_of_twenty_cancels() {
    let engine = Engine::open("memory:").start().await.unwrap();
    let cleaned = Arc::new(AtomicU32::new(0));
    let (begin, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let count = Arc::clone(&cleaned);
    let endless = engine.task("endless").run(move |(): ()| {
        let guard = CleanUp(Arc::clone(&count));
        begin.send(()).unwrap();
        async move {
            std::future::pending::<()>().await;
            drop(guard);
        }
    });
    let endless = endless.unwrap();
    for round in 1..=20 {
        let job = endless.call(()).await.unwrap();
        begun.recv().await.unwrap();
        assert!(job.cancel_because("enough").await.unwrap());
        let error = job.result().await.unwrap_err();
        assert!(
            matches!(&error, JobError::Cancelled(failure) if failure.message() == "enough"),
            "{error}"
        );
        assert_eq!(cleaned.load(Ordering::SeqCst), round);
        assert!(!job.cancel().await.unwrap(), "it had ended");
    }
}

#[tokio::test]
async fn a_thread_sees_that_it_is_cancelled() {
    let engine = Engine::open("memory:").start().await.unwrap();
    let polite = engine
        .task("polite")
        .run_blocking(|(): ()| -> Result<(), bursar::Cancel> {
            let job = JobContext::current().unwrap();
            loop {
                job.raise_if_cancelled()?;
                std::thread::yield_now();
            }
        });
    let job = polite.unwrap().call(()).await.unwrap();
    reaches(&job, State::Running).await;
    assert!(job.cancel().await.unwrap());
    let error = job.result().await.unwrap_err();
    assert!(matches!(error, JobError::Cancelled(_)), "{error}");
}

#[tokio::test]
async fn what_waits_is_cancelled_at_once_and_never_runs() {
    let engine = Engine::open("memory:")
        .concurrency(1)
        .start()
        .await
        .unwrap();
    let gate = Gate::new();
    let inside = gate.clone();
    let hold = engine.task("hold").run(move |(): ()| {
        let gate = inside.clone();
        async move { gate.passed().await }
    });
    let hold = hold.unwrap();
    let (running, waiting) = (hold.call(()).await.unwrap(), hold.call(()).await.unwrap());
    assert!(waiting.cancel().await.unwrap());
    assert!(waiting.done());
    assert_eq!(waiting.info().await.unwrap().attempt, 0);
    gate.open();
    running.result().await.unwrap();
}

#[tokio::test]
async fn an_attempt_that_runs_too_long_times_out() {
    let (builder, clock) = frozen();
    let engine = builder.start().await.unwrap();
    let cleaned = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&cleaned);
    let slow = engine
        .task("slow")
        .timeout("30s")
        .retries(1)
        .run(move |(): ()| {
            let guard = CleanUp(Arc::clone(&count));
            async move {
                std::future::pending::<()>().await;
                drop(guard);
            }
        });
    let job = slow.unwrap().call(()).await.unwrap();
    let error = in_time(&clock, job.result()).await.unwrap_err();
    assert!(
        matches!(&error, JobError::TimedOut(failure) if failure.message().contains("30s")),
        "{error}"
    );
    assert_eq!(cleaned.load(Ordering::SeqCst), 2, "one retry");
}
