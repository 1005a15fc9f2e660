//! Who goes first, and why a job waits: `priorities`.

use std::error::Error;
use std::sync::Arc;

use bursar::{Engine, Priority};
use tokio::sync::Notify;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let engine = Engine::open("memory:").memory("64MB").start().await?;

    // One job takes the whole budget until it is let go.
    let gate = Arc::new(Notify::new());
    let opened = Arc::clone(&gate);
    let hold = engine.task("hold").memory("64MB").run(move |(): ()| {
        let gate = Arc::clone(&opened);
        async move { gate.notified().await }
    })?;
    let holder = hold.call(()).await?;

    let greet = engine
        .task("greet")
        .memory("64MB")
        .run(|name: String| async move {
            println!("{name} runs");
        })?;
    let mut jobs = Vec::new();
    for priority in [
        Priority::Low,
        Priority::Normal,
        Priority::High,
        Priority::Critical,
    ] {
        jobs.push(greet.call(priority.to_string()).priority(priority).await?);
    }
    println!("critical: {}", jobs[3].why().await?);
    println!("low: {}", jobs[0].why().await?);

    gate.notify_one();
    holder.result().await?;
    for job in jobs {
        job.result().await?;
    }
    engine.shutdown().await?;
    Ok(())
}
