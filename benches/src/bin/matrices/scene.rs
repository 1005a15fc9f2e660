//! One command that must be ended, and how long that takes.

use bursar::{Command, Engine, JobError, OutcomeKind};
use bursar_benches::report::{Goal, Report, median};

use crate::Result;

/// How long what was asked to stop may take, as the engine of each row has it.
pub(crate) const GRACE: &str = "200ms";

pub(crate) async fn engine() -> Result<Engine> {
    Ok(Engine::open("memory:").grace(GRACE).start().await?)
}

/// Milliseconds from the start of the command's attempt to its recorded end, which must be `outcome`, by
/// `kind`.
async fn millis(command: Command, outcome: OutcomeKind, kind: &str) -> Result<f64> {
    let job = command.await?;
    let failure = match job.result_timeout("60s").await {
        Err(
            JobError::Failed(failure)
            | JobError::TimedOut(failure)
            | JobError::MemoryExceeded(failure),
        ) => failure,
        other => return Err(format!("it ended with {other:?}").into()),
    };
    let info = job.info().await?;
    if info.outcome != Some(outcome) || failure.kind() != kind {
        return Err(format!("it ended with {:?}: {failure}", info.outcome).into());
    }
    let attempt = info.attempts.first().ok_or("it never ran")?;
    let end = attempt.finished.ok_or("it has no end")?;
    Ok(end.since(attempt.started).as_secs_f64() * 1e3)
}

/// One row: the median of `runs`.
pub(crate) async fn row(
    report: &Report,
    runs: usize,
    name: &str,
    (outcome, kind): (OutcomeKind, &str),
    command: impl Fn() -> Command,
) -> Result<()> {
    let mut times = Vec::with_capacity(runs);
    for _ in 0..runs {
        let time = millis(command(), outcome, kind).await;
        times.push(time.map_err(|error| format!("{name}: {error}"))?);
    }
    report.line(name, median(times), "ms", None, Goal::default());
    Ok(())
}
