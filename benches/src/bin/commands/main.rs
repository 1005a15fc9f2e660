//! A program as a job, beside the same program started by the system's own call, in the same run.
//!
//! `cargo run --release -p bursar-benches --bin commands [-- [--json] [--runs N] [--rounds N]]`

use std::time::Instant;

use bursar::Engine;
use bursar_benches::arguments::number;
use bursar_benches::report::{Goal, Peer, Report, median};
use bursar_benches::runtime;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What is run: it does nothing.
const PROGRAM: &str = "/bin/true";

fn main() -> Result<()> {
    let report = Report::new(std::env::args().any(|argument| argument == "--json"));
    runtime()?.block_on(measure(
        &report,
        number("--runs", 200),
        number("--rounds", 5),
    ))
}

async fn measure(report: &Report, runs: usize, rounds: usize) -> Result<()> {
    let engine = Engine::open("memory:").start().await?;
    // The first one starts what starts the others.
    one(&engine).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        theirs.push(micros_of_system(runs)?);
        ours.push(micros(&engine, runs).await?);
    }
    engine.shutdown().await?;
    let peer = Peer {
        name: "posix_spawn + wait",
        value: median(theirs),
    };
    let goal = Goal {
        bar: Some(3.0),
        stretch: Some(1.5),
    };
    let name = "commands/true, submit to recorded end: p50";
    report.line(name, median(ours), "us", Some(peer), goal);
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the real clock"
)]
async fn micros(engine: &Engine, runs: usize) -> Result<f64> {
    let mut micros = Vec::with_capacity(runs);
    for _ in 0..runs {
        let start = Instant::now();
        one(engine).await?;
        micros.push(start.elapsed().as_secs_f64() * 1e6);
    }
    Ok(median(micros))
}

async fn one(engine: &Engine) -> Result<()> {
    let output = engine.command([PROGRAM]).await?.result().await?;
    (output.code == 0)
        .then_some(())
        .ok_or_else(|| "it failed".into())
}

/// The standard library starts a program by `posix_spawn` where it is given nothing but arguments.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the real clock"
)]
fn micros_of_system(runs: usize) -> Result<f64> {
    let mut micros = Vec::with_capacity(runs);
    for _ in 0..runs {
        let start = Instant::now();
        let status = std::process::Command::new(PROGRAM).status()?;
        micros.push(start.elapsed().as_secs_f64() * 1e6);
        assert!(status.success());
    }
    Ok(median(micros))
}
