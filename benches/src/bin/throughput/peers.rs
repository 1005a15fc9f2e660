//! The peers: the same no-op jobs by other means.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use apalis_core::backend::TaskSink;
use apalis_core::backend::memory::MemoryStorage;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::context::WorkerContext;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Tasks of tokio: no priorities, no budget.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the real clock"
)]
pub(crate) async fn tokio_spawn(jobs: usize) -> Result<f64> {
    let start = Instant::now();
    let handles: Vec<_> = (0..jobs).map(|_| tokio::spawn(async {})).collect();
    for handle in handles {
        handle.await?;
    }
    Ok(jobs as f64 / start.elapsed().as_secs_f64())
}

/// apalis in memory, one worker: no priorities, no budget, no results.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the real clock"
)]
pub(crate) async fn apalis(jobs: usize) -> Result<f64> {
    let left = Arc::new(AtomicUsize::new(jobs));
    let handler = move |_: u8, worker: WorkerContext| {
        let last = left.fetch_sub(1, Ordering::Relaxed) == 1;
        async move {
            if last {
                worker.stop()?;
            }
            Ok::<(), apalis_core::error::BoxDynError>(())
        }
    };
    let mut store = MemoryStorage::new();
    let start = Instant::now();
    for _ in 0..jobs {
        store.push(0_u8).await?;
    }
    let worker = WorkerBuilder::new("bench").backend(store).build(handler);
    tokio::spawn(worker.run()).await??;
    Ok(jobs as f64 / start.elapsed().as_secs_f64())
}
