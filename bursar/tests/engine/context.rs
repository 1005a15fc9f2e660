//! What a running job knows of itself and says of itself.

use std::error::Error as StdError;

use bursar::{Engine, ErrorKind, EventKind, JobContext, State};

use crate::support::{frozen, in_time};

#[derive(serde::Serialize, serde::Deserialize)]
struct Page {
    number: u32,
}

/// Fails after every page, and goes on from there in the next attempt.
#[bursar::task(retries = 5)]
async fn crawl(pages: u32) -> Result<(u32, u32), Box<dyn StdError + Send + Sync>> {
    let job = JobContext::current()?;
    let page = job.checkpoint::<Page>()?.map_or(0, |page| page.number);
    if page < pages {
        job.save_checkpoint(&Page { number: page + 1 }).await?;
        Err("the connection was lost")?;
    }
    Ok((page, job.attempt()))
}

#[tokio::test]
async fn a_checkpoint_survives_a_retry() {
    let (builder, clock) = frozen();
    let engine = builder.start().await.unwrap();
    let job = engine.submit(crawl::call(3)).await.unwrap();
    assert_eq!(in_time(&clock, job.result()).await.unwrap(), (3, 4));
}

#[tokio::test]
async fn progress_and_logs_can_be_read() {
    let engine = Engine::open("memory:")
        .memory("64MB")
        .start()
        .await
        .unwrap();
    let talk = engine
        .task("talk")
        .memory("1MB")
        .timeout("1h")
        .run(|(): ()| async {
            let job = JobContext::current()?;
            assert!(job.time_left().unwrap().as_secs() > 3_000 && job.deadline().is_some());
            job.log("begun").await?;
            job.log_at("warn", "half full").await?;
            job.progress(50.0, "halfway").await?;
            let out_of_range = job.progress(101.0, None).await.unwrap_err();
            assert_eq!(out_of_range.kind(), ErrorKind::Invalid);
            Ok::<_, bursar::Error>((job.id().to_string(), job.task().to_owned(), job.memory()))
        });
    let job = talk.unwrap().call(()).await.unwrap();
    let told = job.result().await.unwrap();
    assert_eq!(told, (job.id().to_string(), "talk".to_owned(), 1_000_000));
    let progress = job.progress().await.unwrap().unwrap();
    assert_eq!(
        (progress.percent, progress.message.as_deref()),
        (50.0, Some("halfway"))
    );
    let logs = job.logs().await.unwrap();
    let lines: Vec<_> = logs
        .iter()
        .map(|line| (&*line.level, &*line.message))
        .collect();
    assert_eq!(lines, [("info", "begun"), ("warn", "half full")]);
}

#[tokio::test]
async fn a_checkpoint_that_is_too_large_is_refused_with_both_sizes() {
    let engine = Engine::open("memory:").start().await.unwrap();
    let greedy = engine.task("greedy").run(|(): ()| async {
        let job = JobContext::current().unwrap();
        job.save_checkpoint(&"x".repeat(2_000_000))
            .await
            .unwrap_err()
            .to_string()
    });
    let said = greedy
        .unwrap()
        .call(())
        .await
        .unwrap()
        .result()
        .await
        .unwrap();
    assert!(
        said.contains("2000002 bytes") && said.contains("at most 1048576"),
        "{said}"
    );
}

#[test]
fn outside_of_a_job_there_is_no_context() {
    assert_eq!(
        JobContext::current().unwrap_err().kind(),
        ErrorKind::Conflict
    );
    assert!(JobContext::try_current().is_none());
}

#[tokio::test]
async fn the_events_of_a_job_end_with_it() {
    let engine = Engine::open("memory:").start().await.unwrap();
    let gate = crate::support::Gate::new();
    let inside = gate.clone();
    let talk = engine.task("talk").run(move |(): ()| {
        let gate = inside.clone();
        async move {
            gate.passed().await;
            JobContext::current()
                .unwrap()
                .progress(10.0, None)
                .await
                .unwrap();
        }
    });
    let job = talk.unwrap().call(()).await.unwrap();
    let mut events = job.events();
    gate.open();
    let mut kinds = Vec::new();
    while let Some(event) = events.next().await {
        assert_eq!(event.job, job.id());
        kinds.push(event.kind);
    }
    assert!(
        kinds
            .iter()
            .any(|kind| matches!(kind, EventKind::Progress(_))),
        "{kinds:?}"
    );
    assert_eq!(kinds.last(), Some(&EventKind::State(State::Completed)));
    assert!(job.events().next().await.is_none(), "it had ended");
}
