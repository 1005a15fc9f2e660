//! Cancel what waits and what runs, time out, clean up: `stopping`.

use std::error::Error;
use std::time::Duration;

use bursar::{Engine, EventKind, Job, JobContext, JobError};

/// Says goodbye when it is dropped, as a lock or a temporary file would be given back.
struct Door(&'static str);

impl Drop for Door {
    fn drop(&mut self) {
        println!("{}: the door is closed", self.0);
    }
}

/// Sits there until it is stopped.
#[bursar::task(name = "guard")]
async fn guard() -> Result<(), bursar::Error> {
    let _door = Door("guard");
    JobContext::current()?.progress(0.0, None).await?;
    std::future::pending().await
}

/// A thread can't be stopped from outside: it looks now and then whether it should.
#[bursar::task(name = "count")]
fn count() -> Result<u64, Box<dyn Error + Send + Sync>> {
    let _door = Door("count");
    let job = JobContext::current()?;
    job.progress(0.0, None).wait()?;
    loop {
        job.raise_if_cancelled()?;
        std::thread::yield_now();
    }
}

/// Waits until the code of `job` runs: until it says how far it is.
async fn runs<T>(job: &Job<T>) -> Result<(), bursar::Error> {
    let mut events = job.events();
    if job.progress().await?.is_some() {
        return Ok(());
    }
    while let Some(event) = events.next().await {
        if matches!(event.kind, EventKind::Progress(_)) {
            break;
        }
    }
    Ok(())
}

fn say<T>(name: &str, result: Result<T, JobError>) {
    match result {
        Ok(_) => println!("{name}: done"),
        Err(JobError::Elapsed(_)) => println!("{name}: still at it"),
        Err(error) => {
            let failure = error.failure();
            let outcome = failure.map_or("unknown", |failure| failure.outcome().as_str());
            println!(
                "{name}: {outcome}: {}",
                failure.map_or("", |failure| failure.message())
            );
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let engine = Engine::open("memory:").start().await?;

    let later = engine.submit(guard::call()).delay("1h").await?;
    later.cancel_because("nobody needs it").await?;
    say("later", later.result().await);

    let job = engine.submit(guard::call()).await?;
    runs(&job).await?;
    say("guard", job.result_timeout(Duration::from_millis(20)).await);
    job.cancel_because("the night is over").await?;
    say("guard", job.result().await);

    let job = engine.submit(count::call()).await?;
    runs(&job).await?;
    job.cancel_because("enough").await?;
    say("count", job.result().await);

    let job = engine.submit(guard::call()).timeout("500ms").await?;
    say("guard", job.result().await);
    engine.shutdown().await?;
    Ok(())
}
