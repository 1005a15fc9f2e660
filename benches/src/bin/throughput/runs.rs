//! Jobs per second: all submitted, then all awaited.

use std::time::Instant;

use bursar::{Engine, Priority};

use crate::contender;
use crate::noop;
use bursar_benches::report::{Goal, Peer, Report};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Calls handed over together by `submit_many`.
const TOGETHER: usize = 1_000;

pub(crate) fn measure(report: &Report, jobs: usize, rounds: usize) -> Result<()> {
    let [tokio, single, many, apalis] = contender::compare(jobs, rounds)?;
    let goal = Goal {
        bar: Some(0.5),
        stretch: Some(1.0),
    };
    let peer = |name, value| Some(Peer { name, value });
    report.line(
        "rust/throughput",
        single,
        "jobs/s",
        peer("tokio::spawn", tokio),
        goal,
    );
    report.line(
        "rust/throughput, submit_many",
        many,
        "jobs/s",
        peer("tokio::spawn", tokio),
        Goal::default(),
    );
    report.line(
        "rust/throughput beside apalis",
        single,
        "jobs/s",
        peer("apalis (memory)", apalis),
        Goal::default(),
    );
    Ok(())
}

async fn engine() -> bursar::Result<Engine> {
    Engine::open("memory:").memory("256MB").await
}

/// Every job with a priority, out of the memory budget, with its result kept.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the real clock"
)]
pub(crate) async fn one_by_one(jobs: usize) -> Result<f64> {
    let engine = engine().await?;
    let start = Instant::now();
    let mut submitted = Vec::with_capacity(jobs);
    for n in 0..jobs {
        let priority = Priority::ALL[n % Priority::ALL.len()];
        submitted.push(engine.submit(noop::call()).priority(priority).await?);
    }
    for job in submitted {
        job.result().await?;
    }
    let rate = jobs as f64 / start.elapsed().as_secs_f64();
    engine.shutdown().await?;
    Ok(rate)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the real clock"
)]
pub(crate) async fn together(jobs: usize) -> Result<f64> {
    let engine = engine().await?;
    let start = Instant::now();
    let mut submitted = Vec::with_capacity(jobs);
    while submitted.len() < jobs {
        let calls = (0..TOGETHER.min(jobs - submitted.len())).map(|n| {
            let priority = Priority::ALL[n % Priority::ALL.len()];
            noop::call().priority(priority)
        });
        submitted.extend(engine.submit_many(calls).await?);
    }
    for job in submitted {
        job.result().await?;
    }
    let rate = jobs as f64 / start.elapsed().as_secs_f64();
    engine.shutdown().await?;
    Ok(rate)
}
