//! From submit to result, one job at a time.

use std::time::Instant;

use bursar::Engine;

use crate::{noop, runtime};
use bursar_benches::report::{Goal, Peer, Report, median};

/// Jobs per round.
const JOBS: usize = 20_000;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Nanoseconds per job in the median, one per round.
#[derive(Default)]
struct Medians {
    tokio: Vec<f64>,
    asynchronous: Vec<f64>,
    thread: Vec<f64>,
}

pub(crate) fn measure(report: &Report, rounds: usize) -> Result<()> {
    let mut medians = Medians::default();
    for _ in 0..rounds {
        medians.tokio.push(runtime()?.block_on(tokio_spawn())?);
        medians.asynchronous.push(runtime()?.block_on(awaited())?);
        medians.thread.push(waited()?);
    }
    let tokio = median(medians.tokio);
    let peer = || {
        Some(Peer {
            name: "tokio::spawn",
            value: tokio,
        })
    };
    let goal = Goal::default();
    report.line(
        "rust/submit to result, p50",
        median(medians.asynchronous),
        "ns",
        peer(),
        goal,
    );
    report.line(
        "rust/submit to result from a thread, p50",
        median(medians.thread),
        "ns",
        peer(),
        goal,
    );
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the real clock"
)]
async fn tokio_spawn() -> Result<f64> {
    let mut nanos = Vec::with_capacity(JOBS);
    for _ in 0..JOBS {
        let start = Instant::now();
        tokio::spawn(async {}).await?;
        nanos.push(start.elapsed().as_nanos() as f64);
    }
    Ok(median(nanos))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the real clock"
)]
async fn awaited() -> Result<f64> {
    let engine = Engine::open("memory:").memory("256MB").await?;
    let mut nanos = Vec::with_capacity(JOBS);
    for _ in 0..JOBS {
        let start = Instant::now();
        engine.submit(noop::call()).await?.result().await?;
        nanos.push(start.elapsed().as_nanos() as f64);
    }
    engine.shutdown().await?;
    Ok(median(nanos))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the real clock"
)]
fn waited() -> Result<f64> {
    let engine = Engine::open("memory:").memory("256MB").start().wait()?;
    let mut nanos = Vec::with_capacity(JOBS);
    for _ in 0..JOBS {
        let start = Instant::now();
        engine.submit(noop::call()).wait()?.wait()?;
        nanos.push(start.elapsed().as_nanos() as f64);
    }
    engine.shutdown().wait()?;
    Ok(median(nanos))
}
