//! Retries, a job that gives up, and dead letters: `retries`.

use std::error::Error;

use bursar::{Engine, Fail, JobContext, JobFilter, State};

type BoxError = Box<dyn Error + Send + Sync>;

/// A server that answers at the third attempt, and never for an address that is wrong.
#[bursar::task(name = "fetch", retries = 3, retry_delay = "10ms", backoff = "fixed")]
async fn fetch(address: String) -> Result<String, BoxError> {
    let attempt = JobContext::current()?.attempt();
    if !address.starts_with("https:") {
        return Err(Fail::new(format!("{address} is no https address")).into());
    }
    if attempt < 3 {
        return Err(format!("attempt {attempt}: the server is busy").into());
    }
    Ok(format!("{address}: 200 in attempt {attempt}"))
}

/// Fails until somebody has mended what it needs.
#[bursar::task(name = "report", retries = 1, retry_delay = "10ms", backoff = "fixed")]
async fn report(file: String) -> std::io::Result<usize> {
    std::fs::read_to_string(file).map(|text| text.len())
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let engine = Engine::open("memory:").start().await?;

    let job = engine
        .submit(fetch::call("https://example.org".into()))
        .await?;
    println!("{}", job.result().await?);
    for attempt in job.info().await?.attempts {
        let said = attempt
            .error
            .map_or("fine".to_owned(), |error| error.message);
        println!("  {}: {said}", attempt.number);
    }

    let job = engine
        .submit(fetch::call("gopher://example.org".into()))
        .await?;
    let gave_up = job
        .result()
        .await
        .err()
        .and_then(|error| Some(error.failure()?.message().to_owned()));
    println!(
        "gave up after {} attempt: {}",
        job.info().await?.attempt,
        gave_up.unwrap_or_default()
    );
    job.delete().await?;

    let path = std::env::temp_dir().join(format!("bursar-retries-{}.txt", std::process::id()));
    let job = engine
        .submit(report::call(path.display().to_string()))
        .await?;
    job.result().await.err();
    let dead = JobFilter::default().state(State::Failed);
    for letter in engine.jobs(dead.clone()).await?.jobs {
        println!(
            "dead letter: {} after {} attempts",
            letter.spec.task, letter.attempt
        );
    }
    std::fs::write(&path, "mended")?;
    let again = job.retry().await?;
    println!("retried as a new job: {} bytes", again.result().await?);
    std::fs::remove_file(&path)?;
    job.delete().await?;
    println!("dead letters left: {}", engine.count(dead).await?);
    engine.shutdown().await?;
    Ok(())
}
