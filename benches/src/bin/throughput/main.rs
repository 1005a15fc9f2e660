//! A whole engine from end to end, beside its peers in the same run: jobs per second, bytes per
//! queued job, the time from submit to result, and what it costs while it has nothing to do.
//!
//! `cargo run --release -p bursar-benches --bin throughput [-- [--json] [--jobs N] [--rounds N]]`

mod allocator;
mod contender;
mod idle;
mod latency;
mod memory;
mod peers;
mod runs;

use bursar_benches::arguments::{given, number};
use bursar_benches::report::Report;
use bursar_benches::runtime;

/// What every part does, so that all are compared on the same job.
#[bursar::task(memory = "1MB")]
async fn noop() {}

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    if let Some(name) = given(contender::OPTION) {
        return contender::serve(&name);
    }
    let report = Report::new(std::env::args().any(|argument| argument == "--json"));
    let (jobs, rounds) = (number("--jobs", 1_000_000), number("--rounds", 5));
    runs::measure(&report, jobs, rounds)?;
    memory::measure(&report, jobs)?;
    latency::measure(&report, rounds)?;
    idle::measure(&report)?;
    Ok(())
}
