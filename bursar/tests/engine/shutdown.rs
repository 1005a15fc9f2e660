//! The end of an engine, phase by phase.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bursar::{Engine, ErrorKind, JobError, State};

use crate::support::{Gate, frozen, in_time, reaches};

#[tokio::test]
async fn what_runs_may_end_and_what_waits_does_not_begin() {
    let engine = Engine::open("memory:")
        .concurrency(1)
        .start()
        .await
        .unwrap();
    let (gate, runs) = (Gate::new(), Arc::new(AtomicU32::new(0)));
    let (inside, count) = (gate.clone(), Arc::clone(&runs));
    let hold = engine.task("hold").run(move |n: u32| {
        count.fetch_add(1, Ordering::SeqCst);
        let gate = inside.clone();
        async move {
            gate.passed().await;
            n
        }
    });
    let hold = hold.unwrap();
    let (running, waiting) = (hold.call(1).await.unwrap(), hold.call(2).await.unwrap());
    reaches(&running, State::Running).await;
    let closing = engine.shutdown();
    assert_eq!(hold.call(3).await.unwrap_err().kind(), ErrorKind::Closed);
    gate.open();
    closing.await.unwrap();
    assert_eq!(running.result().await.unwrap(), 1);
    let error = waiting.result().await.unwrap_err();
    assert!(
        matches!(error, JobError::Cancelled(_)) && error.to_string().contains("closed"),
        "{error}"
    );
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_runs_on_is_cancelled_at_the_grace() {
    let (builder, clock) = frozen();
    let engine = builder.start().await.unwrap();
    let endless = engine
        .task("endless")
        .run(|(): ()| std::future::pending::<()>());
    let job = endless.unwrap().call(()).await.unwrap();
    reaches(&job, State::Running).await;
    in_time(&clock, engine.shutdown()).await.unwrap();
    let error = job.result().await.unwrap_err();
    assert!(matches!(error, JobError::Cancelled(_)), "{error}");
}

#[tokio::test]
async fn what_ignores_its_cancel_does_not_keep_the_engine_open() {
    let (builder, clock) = frozen();
    let engine = builder.start().await.unwrap();
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let stubborn = engine.task("stubborn").run_blocking(move |(): ()| {
        let _ = held.lock().unwrap().recv();
    });
    let job = stubborn.unwrap().call(()).await.unwrap();
    reaches(&job, State::Running).await;
    in_time(&clock, engine.shutdown()).await.unwrap();
    let error = job.result().await.unwrap_err();
    assert!(matches!(error, JobError::Cancelled(_)), "{error}");
    release.send(()).unwrap();
}

#[tokio::test]
async fn a_second_call_without_grace_cuts_the_first_short() {
    let (builder, _clock) = frozen();
    let engine = builder.start().await.unwrap();
    let endless = engine
        .task("endless")
        .run(|(): ()| std::future::pending::<()>());
    let job = endless.unwrap().call(()).await.unwrap();
    reaches(&job, State::Running).await;
    let first = engine.shutdown();
    // The clock stands still, so the grace of the first would never be over.
    engine.shutdown_within(Duration::ZERO).await.unwrap();
    first.await.unwrap();
    job.result().await.unwrap_err();
}

#[tokio::test]
async fn drain_waits_for_everything() {
    let engine = Engine::open("memory:")
        .memory("64MB")
        .start()
        .await
        .unwrap();
    let work = engine.task("work").run(|n: u32| async move {
        tokio::task::yield_now().await;
        n
    });
    let work = work.unwrap();
    let jobs = engine
        .submit_many((0..200).map(|n| work.call(n)))
        .await
        .unwrap();
    engine.drain().await.unwrap();
    assert!(jobs.iter().all(|job| job.done()));
}
