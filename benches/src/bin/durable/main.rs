//! Whole jobs on a file, beside SQLite itself and the disk it stands on, in the same run.
//!
//! `cargo run --release -p bursar-benches --bin durable [-- [--json] [--jobs N] [--rounds N]]`

mod backlog;
mod disk;
mod latency;
mod raw;
mod throughput;
mod wake;

use bursar::{Durability, Engine};
use bursar_benches::arguments::{given, number};
use bursar_benches::report::Report;
use bursar_benches::runtime;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The name of a file in a folder of its own.
const JOBS_DB: &str = "jobs.db";

/// What every part does.
#[bursar::task]
async fn noop() {}

/// An engine on the file at `path`.
async fn open(path: &std::path::Path, durability: Durability) -> bursar::Result<Engine> {
    let url = format!("sqlite:{}", path.display());
    Engine::open(&url).durability(durability).await
}

fn main() -> Result<()> {
    if let Some(path) = given(wake::OPTION) {
        return wake::listen(path.as_ref());
    }
    let report = Report::new(std::env::args().any(|argument| argument == "--json"));
    let (jobs, rounds) = (number("--jobs", 100_000), number("--rounds", 5));
    throughput::measure(&report, jobs, rounds)?;
    latency::measure(&report)?;
    wake::measure(&report)?;
    backlog::measure(&report, 10 * jobs)
}
