//! Runs the jobs for Rust that are left in the file: `work URL`.

use std::error::Error;

use bursar::{Engine, JobFilter, Order, State};
use serde::Serialize;

#[derive(Serialize)]
struct Seen {
    number: i64,
    text: String,
}

#[bursar::task(name = "across.rust")]
fn seen(number: i64) -> Seen {
    Seen {
        number,
        text: number.to_string(),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let url = std::env::args().nth(1).ok_or("which URL?")?;
    let engine = Engine::open(url).task(seen::task()).start().await?;
    let of_rust = || JobFilter {
        task: Some("across.rust".into()),
        ..JobFilter::default()
    };
    // Only what it has a task for: the jobs of the others wait on.
    for job in engine.jobs(of_rust()).order(Order::Oldest).await?.jobs {
        engine.job(job.id).await?.result().await?;
    }
    let ran = engine.count(of_rust().state(State::Completed)).await?;
    println!("ran {ran} jobs in Rust");
    engine.shutdown().await?;
    Ok(())
}
