//! What a task says when it fails, what a retry is, and what becomes of dead letters.

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;
use bursar::{Cancel, Engine, ErrorKind, Fail, JobError, JobFilter, OutcomeKind, Retry, State};

use crate::support::{frozen, in_time, reaches};

#[derive(Debug, thiserror::Error)]
#[error("{path} is no image")]
struct ImageError {
    path: String,
    source: std::num::ParseIntError,
}

#[bursar::task]
async fn resize(path: String) -> Result<u32, ImageError> {
    path.parse().map_err(|source| ImageError { path, source })
}

#[tokio::test]
async fn an_error_is_recorded_with_type_message_and_sources() {
    let engine = Engine::open("memory:").start().await.unwrap();
    let job = engine.submit(resize::call("a.png".into())).await.unwrap();
    let error = job.result().await.unwrap_err();
    let JobError::Failed(failure) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(failure.kind(), concat!(module_path!(), "::ImageError"));
    assert_eq!(failure.message(), "a.png is no image");
    let trace = failure.traceback().unwrap();
    assert!(
        trace.contains("caused by: invalid digit found in string"),
        "{trace}"
    );
    assert!(error.to_string().contains(&job.id().to_string()), "{error}");

    let info = job.info().await.unwrap();
    assert_eq!(
        (info.state, info.outcome),
        (State::Failed, Some(OutcomeKind::Failed))
    );
    assert_eq!(
        info.attempts[0].error.as_ref().unwrap().message,
        "a.png is no image"
    );
}

#[tokio::test]
async fn a_panic_is_a_crash() {
    let engine = Engine::open("memory:").start().await.unwrap();
    let asynchronous = engine
        .task("a")
        .run(|(): ()| async { Vec::<u8>::new()[0] })
        .unwrap();
    let blocking = engine
        .task("b")
        .run_blocking(|(): ()| Vec::<u8>::new()[0])
        .unwrap();
    for job in [
        asynchronous.call(()).await.unwrap(),
        blocking.call(()).await.unwrap(),
    ] {
        let error = job.result().await.unwrap_err();
        let JobError::Crashed(failure) = error else {
            panic!("{error:?}");
        };
        assert!(
            failure.message().contains("index out of bounds"),
            "{failure}"
        );
    }
}

#[tokio::test]
async fn retries_of_n_run_n_plus_one_times() {
    for retries in [0, 1, 5] {
        let (builder, clock) = frozen();
        let engine = builder.start().await.unwrap();
        let runs = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&runs);
        let failing = engine.task("failing").retries(retries).run(move |(): ()| {
            count.fetch_add(1, Ordering::SeqCst);
            async { Err::<(), _>("no") }
        });
        let job = failing.unwrap().call(()).await.unwrap();
        let error = in_time(&clock, job.result()).await.unwrap_err();
        assert!(matches!(error, JobError::Failed(_)), "{error}");
        assert_eq!(runs.load(Ordering::SeqCst), retries + 1);
        assert_eq!(job.info().await.unwrap().attempts.len() as u32, retries + 1);
    }
}

/// Ends its first attempt in one of several ways, and succeeds in the second.
#[bursar::task(retries = 3, retry_delay = "1h", backoff = "fixed")]
async fn picky(way: String) -> Result<u32, Box<dyn StdError + Send + Sync>> {
    let attempt = bursar::JobContext::current()?.attempt();
    if attempt > 1 {
        return Ok(attempt);
    }
    match way.as_str() {
        "retry" => Err(Retry::after("10s").because("busy"))?,
        "wrapped" => Err(wrapped())?,
        "fail" => Err(Fail::new("never"))?,
        "cancel" => Err(Cancel::new("not wanted"))?,
        "bad delay" => Err(Retry::after("10 parsecs"))?,
        _ => {}
    }
    Ok(0)
}

/// A retry below two layers of another error type.
fn wrapped() -> anyhow::Error {
    let inner: anyhow::Result<()> = Err(Retry::after("10s").into());
    inner.context("first").context("second").unwrap_err()
}

#[tokio::test]
async fn errors_with_a_meaning_work_through_the_question_mark() {
    let (builder, clock) = frozen();
    let engine = builder.start().await.unwrap();
    for way in ["retry", "wrapped"] {
        let job = engine.submit(picky::call(way.into())).await.unwrap();
        reaches(&job, State::Scheduled).await;
        let info = job.info().await.unwrap();
        let wait = info.scheduled.unwrap().since(info.created);
        assert_eq!(wait.as_secs(), 10, "{way}");
        assert_eq!(in_time(&clock, job.result()).await.unwrap(), 2);
        assert_eq!(
            job.info().await.unwrap().attempts[0].outcome,
            Some(OutcomeKind::Snoozed)
        );
    }
    let failed = |way: &str| {
        let submit = engine.submit(picky::call(way.into()));
        async move { submit.await.unwrap().result().await.unwrap_err() }
    };
    let error = failed("fail").await;
    assert!(
        matches!(&error, JobError::Failed(failure) if failure.message() == "never"),
        "{error}"
    );
    let error = failed("cancel").await;
    assert!(
        matches!(&error, JobError::Cancelled(failure) if failure.message() == "not wanted"),
        "{error}"
    );
    let error = failed("bad delay").await;
    assert!(error.to_string().contains("10 parsecs"), "{error}");
}

#[tokio::test]
async fn any_common_error_type_will_do() {
    let engine = Engine::open("memory:").start().await.unwrap();
    let text = engine
        .task("text")
        .run(|(): ()| async { Err::<(), _>("plain text".to_owned()) })
        .unwrap();
    let io = engine
        .task("io")
        .run(|(): ()| async { std::fs::read_to_string("/nowhere/at/all") })
        .unwrap();
    let any = engine
        .task("any")
        .run_blocking(|(): ()| -> anyhow::Result<()> {
            std::fs::read("/nowhere/at/all").context("reading")?;
            Ok(())
        });
    let text = text.call(()).await.unwrap().result().await.unwrap_err();
    assert!(text.to_string().ends_with("Error: plain text"), "{text}");
    let io = io.call(()).await.unwrap().result().await.unwrap_err();
    assert_eq!(io.failure().unwrap().kind(), "std::io::error::Error");
    let any = any
        .unwrap()
        .call(())
        .await
        .unwrap()
        .result()
        .await
        .unwrap_err();
    let trace = any.failure().unwrap().traceback().unwrap().to_owned();
    assert!(
        trace.contains("reading") && trace.contains("caused by: No such file"),
        "{trace}"
    );
}

#[tokio::test]
async fn dead_letters_are_listed_read_retried_and_deleted() {
    let engine = Engine::open("memory:").start().await.unwrap();
    let attempts = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&attempts);
    let flaky = engine.task("flaky").run(move |name: String| {
        let first = count.fetch_add(1, Ordering::SeqCst) == 0;
        async move { if first { Err("not yet") } else { Ok(name) } }
    });
    let job = flaky.unwrap().call("letter".into()).await.unwrap();
    job.result().await.unwrap_err();

    let dead = JobFilter::default().state(State::Failed).task("flaky");
    let listed = engine.jobs(dead.clone()).await.unwrap().jobs;
    assert_eq!(
        listed.iter().map(|info| info.id).collect::<Vec<_>>(),
        [job.id()]
    );
    assert_eq!(listed[0].error.as_ref().unwrap().message, "not yet");

    let found = engine.job(listed[0].id).await.unwrap().typed::<String>();
    let again = found.retry().await.unwrap();
    assert_ne!(again.id(), job.id());
    assert_eq!(again.result().await.unwrap(), "letter");
    assert_eq!(again.info().await.unwrap().retry_of, Some(job.id()));
    assert_eq!(
        job.state().await.unwrap(),
        State::Failed,
        "a terminal state never changes"
    );
    assert_eq!(again.retry().await.unwrap_err().kind(), ErrorKind::Conflict);

    found.delete().await.unwrap();
    assert_eq!(engine.count(dead).await.unwrap(), 0);
    assert_eq!(
        found.delete().await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
}
