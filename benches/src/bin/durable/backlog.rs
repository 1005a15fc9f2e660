//! What a file with many queued jobs costs: its bytes, a claim, and to begin with it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bursar::{Call, Durability, Engine};
use bursar_benches::report::{Goal, Peer, Report};
use bursar_core::{Claim, Store, Timestamp};
use bursar_store_sqlite::{SqliteOptions, SqliteStore};

use tempfile::tempdir;

use crate::{JOBS_DB, Result, open, runtime};

const TASK: &str = "bench";
const FEW: usize = 10_000;
/// Jobs of one call.
const TOGETHER: usize = 1_000;

pub(crate) fn measure(report: &Report, many: usize) -> Result<()> {
    let (large, small) = (tempdir()?, tempdir()?);
    runtime()?.block_on(fill(&large.path().join(JOBS_DB), many))?;
    runtime()?.block_on(fill(&small.path().join(JOBS_DB), FEW))?;
    let bytes = std::fs::metadata(large.path().join(JOBS_DB))?.len() as f64 / many as f64;
    let goal = |bar, stretch| Goal {
        bar: Some(bar),
        stretch: Some(stretch),
    };
    let name = "durable/bytes of the file per queued no-op";
    report.line(name, bytes, "bytes", None, goal(400.0, 250.0));
    let seconds = runtime()?.block_on(first_job(&large.path().join(JOBS_DB)))?;
    let name = format!("durable/open with {many} queued, first job running");
    report.line(&name, seconds, "s", None, goal(5.0, 2.0));
    let few = claims(&small.path().join(JOBS_DB), FEW)?;
    let much = claims(&large.path().join(JOBS_DB), many)?;
    let peer = Peer {
        name: "10,000 queued",
        value: few,
    };
    let name = format!("durable/a claim with {many} queued, process");
    report.line(&name, much, "us", Some(peer), goal(2.0, 1.2));
    Ok(())
}

/// Submits no-ops that nobody runs.
async fn fill(path: &Path, jobs: usize) -> Result<()> {
    let url = format!("sqlite:{}", path.display());
    let engine = Engine::open(&url).run(false).await?;
    engine.task(TASK).run(|(): ()| async {})?;
    for _ in 0..jobs / TOGETHER {
        let calls = (0..TOGETHER).map(|_| Call::<()>::named(TASK, ()));
        drop(engine.submit_many(calls).await?);
    }
    engine.shutdown().await?;
    Ok(())
}

/// Seconds from opening the file until the first job runs.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the real clock"
)]
async fn first_job(path: &Path) -> Result<f64> {
    let (send, mut receive) = tokio::sync::mpsc::unbounded_channel();
    let start = Instant::now();
    let engine = open(path, Durability::Process).await?;
    engine.task(TASK).run(move |(): ()| {
        // Later ones find nobody listening.
        let _ = send.send(start.elapsed());
        async {}
    })?;
    let running = receive.recv().await.ok_or("no job ran")?;
    engine.shutdown_within(Duration::ZERO).await?;
    Ok(running.as_secs_f64())
}

/// Microseconds per claim of the newest jobs, in groups.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the real clock"
)]
fn claims(path: &Path, jobs: usize) -> Result<f64> {
    let options = SqliteOptions {
        durability: Durability::Process,
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(path, options)?;
    let worker: Arc<str> = "bench".into();
    let start = Instant::now();
    for first in (jobs - FEW + 1..=jobs).step_by(TOGETHER) {
        let claim = Claim {
            now: Timestamp::from_micros(1_767_225_600_000_000),
            worker: Arc::clone(&worker),
            jobs: (first..first + TOGETHER).map(|job| job as u64).collect(),
        };
        store.claim(claim).wait()?;
    }
    let micros = start.elapsed().as_secs_f64() * 1e6 / FEW as f64;
    store.close().wait()?;
    Ok(micros)
}
