//! What time brings: delays, expiry, and results that are forgotten.

use std::time::Duration;

use bursar::{ErrorKind, JobError, Order, State};

use crate::support::{Gate, frozen, in_time, reaches};

#[bursar::task]
async fn noop() {}

#[tokio::test]
async fn a_delayed_job_waits_for_its_time() {
    let (builder, clock) = frozen();
    let engine = builder.start().await.unwrap();
    let job = engine.submit(noop::call()).delay("10s").await.unwrap();
    assert_eq!(job.state().await.unwrap(), State::Scheduled);
    let why = job.why().await.unwrap().to_string();
    assert!(why.contains("its time comes in 10s"), "{why}");
    clock.advance(Duration::from_millis(9_999));
    assert_eq!(job.state().await.unwrap(), State::Scheduled);
    clock.advance(Duration::from_millis(1));
    job.result().await.unwrap();
}

#[tokio::test]
async fn a_job_that_has_not_started_in_time_expires() {
    let (builder, clock) = frozen();
    let engine = builder.concurrency(1).start().await.unwrap();
    let gate = Gate::new();
    let inside = gate.clone();
    let hold = engine.task("hold").run(move |(): ()| {
        let gate = inside.clone();
        async move { gate.passed().await }
    });
    let running = hold.unwrap().call(()).await.unwrap();
    reaches(&running, State::Running).await;
    let late = engine.submit(noop::call()).expires("30s").await.unwrap();
    let error = in_time(&clock, late.result()).await.unwrap_err();
    assert!(matches!(error, JobError::Cancelled(_)), "{error}");
    assert_eq!(late.info().await.unwrap().attempt, 0);
    gate.open();
    running.result().await.unwrap();
}

#[tokio::test]
async fn a_result_is_forgotten_after_its_time_but_not_by_who_holds_the_job() {
    let (builder, clock) = frozen();
    let engine = builder.start().await.unwrap();
    let job = engine.submit(noop::call()).result_ttl("10s").await.unwrap();
    job.result().await.unwrap();
    let gone = async {
        loop {
            match engine.job(job.id()).await {
                Err(error) => return error,
                Ok(_) => tokio::task::yield_now().await,
            }
        }
    };
    assert_eq!(in_time(&clock, gone).await.kind(), ErrorKind::NotFound);
    job.result().await.unwrap();
}

#[tokio::test]
async fn jobs_are_listed_by_the_page() {
    let (builder, _clock) = frozen();
    let engine = builder.start().await.unwrap();
    let calls = (0..5).map(|_| noop::call().delay("1h"));
    let jobs = engine.submit_many(calls).await.unwrap();
    let ids: Vec<_> = jobs.iter().map(|job| job.id()).collect();
    let query = engine
        .jobs(Default::default())
        .order(Order::Oldest)
        .limit(3);
    let first = query.clone().await.unwrap();
    let second = query.after(first.next.unwrap()).await.unwrap();
    let listed: Vec<_> = first
        .jobs
        .iter()
        .chain(&second.jobs)
        .map(|info| info.id)
        .collect();
    assert_eq!(listed, ids);
    assert!(second.next.is_none());
}
