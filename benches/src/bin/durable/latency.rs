//! From submit to result, one job at a time.

use std::time::Instant;

use bursar::Durability;
use bursar_benches::report::{Goal, Report, median};

use tempfile::tempdir;

use crate::disk::sync_millis;
use crate::{JOBS_DB, Result, noop, open, runtime};

const JOBS: usize = 500;

pub(crate) fn measure(report: &Report) -> Result<()> {
    let folder = tempdir()?;
    let sync = sync_millis(&folder)?;
    let process = runtime()?.block_on(millis(Durability::Process))?;
    let full = runtime()?.block_on(millis(Durability::Full))?;
    let goal = Goal {
        bar: Some(1.5),
        stretch: Some(0.5),
    };
    let none = Goal::default();
    let name = |what| format!("durable/rust, one at a time, {what}");
    report.line(&name("process: p50"), process, "ms", None, goal);
    report.line(&name("full: p50"), full, "ms", None, none);
    let over = full - 2.0 * sync;
    report.line(&name("full: p50 over two syncs"), over, "ms", None, goal);
    report.line("durable/a sync of 4 KiB, p50", sync, "ms", None, none);
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the real clock"
)]
async fn millis(durability: Durability) -> Result<f64> {
    let folder = tempdir()?;
    let engine = open(&folder.path().join(JOBS_DB), durability).await?;
    let mut millis = Vec::with_capacity(JOBS);
    for _ in 0..JOBS {
        let start = Instant::now();
        engine.submit(noop::call()).await?.result().await?;
        millis.push(start.elapsed().as_secs_f64() * 1_000.0);
    }
    engine.shutdown().await?;
    Ok(median(millis))
}
