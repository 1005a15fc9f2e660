//! Hashes chunks that others submitted, until all are done: `chunks URL`.

use std::error::Error;
use std::time::Duration;

use bursar::{Engine, JobContext, JobFilter};
use bursar_examples::hex;
use serde::Serialize;
use sha2::{Digest, Sha256};

type BoxError = Box<dyn Error + Send + Sync>;

const STEPS: usize = 4;

#[derive(Serialize)]
struct Hashed {
    sha256: String,
    language: &'static str,
}

#[expect(
    clippy::disallowed_methods,
    reason = "each step waits as if for a network, so that there is something to watch"
)]
async fn network() {
    tokio::time::sleep(Duration::from_millis(25)).await;
}

#[bursar::task(name = "chunks.hash")]
async fn hash_chunk(path: String) -> Result<Hashed, BoxError> {
    let content = tokio::fs::read(path).await?;
    let job = JobContext::current()?;
    let mut hash = Sha256::new();
    for (step, part) in content.chunks(content.len() / STEPS).enumerate() {
        hash.update(part);
        let percent = 100.0 * (step + 1) as f64 / STEPS as f64;
        job.progress(percent, None).await?;
        network().await;
    }
    Ok(Hashed {
        sha256: hex(&hash.finalize()),
        language: "Rust",
    })
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let url = std::env::args().nth(1).ok_or("which URL?")?;
    let engine = Engine::open(url).name("Rust").concurrency(4);
    let engine = engine.task(hash_chunk::task()).start().await?;
    for job in engine.jobs(JobFilter::default()).limit(1_000).await?.jobs {
        engine.job(job.id).await?.result().await?;
    }
    engine.shutdown().await?;
    Ok(())
}
