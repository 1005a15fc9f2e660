use std::sync::Arc;
use std::time::Duration;

use bursar_core::{
    Attempt, Backoff, Ended, Engine, ExecutorKind, Failure, Handler, JobContext, Payload, Task,
    TaskOptions,
};

use crate::child::points;
use crate::outcome::Outcome;
use crate::witness::Witness;

/// The task of every job.
pub(crate) const TASK: &str = "torture.work";

/// The options of the task, where a submit doesn't change them.
pub(crate) fn options() -> TaskOptions {
    TaskOptions {
        memory: Some(1_000_000),
        retries: Some(2),
        retry_delay: Some(Duration::from_millis(10)),
        backoff: Some(Backoff::Fixed),
        ..TaskOptions::default()
    }
}

/// Teaches an engine the task. Those who only submit need its options.
pub(crate) fn register(engine: &Engine, witness: &Arc<Witness>) -> Outcome<()> {
    let witness = Arc::clone(witness);
    let handler = Handler::Sync(Arc::new(move |args| {
        run(&args, &witness).unwrap_or_else(|error| {
            // The referee reads it: nothing of this may go wrong.
            let _ = witness.note(&format!("error {error}"));
            Ended::GaveUp(Failure::new("Torture", error.to_string()))
        })
    }));
    engine.register(Task::new(TASK, options(), ExecutorKind::Thread, handler)?)?;
    Ok(())
}

/// One attempt, with what is seen of it: where it begins, where its effect is done, and where it
/// ends, which is while it still holds what it reserved.
fn run(args: &Payload, witness: &Witness) -> Outcome<Ended> {
    let context = JobContext::current()?;
    let attempt = context.attempt();
    let (micros, kind) = arguments(args)?;
    let (job, number, memory) = (attempt.job(), attempt.number(), attempt.memory());
    witness.note(&format!("begin {job} {number} {memory}"))?;
    points::pass("began");
    if attempt
        .stop_signal()
        .wait(Some(Duration::from_micros(micros)))
        .is_some()
    {
        points::pass("asked-to-stop");
    }
    if kind == "note" {
        leave_notes(attempt)?;
    }
    witness.note(&format!("effect {job} {number}"))?;
    points::pass("effect");
    witness.note(&format!("end {job} {number} {memory}"))?;
    Ok(end(&kind, attempt))
}

fn arguments(args: &Payload) -> Outcome<(u64, String)> {
    let json = args.as_json().ok_or("arguments are JSON")?;
    Ok(serde_json::from_slice(json)?)
}

fn end(kind: &str, attempt: &Attempt) -> Ended {
    let failure = |kind: &str| Failure::new(kind, "as planned");
    match kind {
        "fail" => Ended::Raised(failure("Fails")),
        "flaky" if attempt.failures() == 0 => Ended::Raised(failure("Flaky")),
        "give-up" => Ended::GaveUp(failure("GivesUp")),
        _ => Ended::Returned(Payload::json(attempt.number().to_string().into_bytes())),
    }
}

/// Says how far it is, and saves a checkpoint with its number. What it finds there was saved by an
/// earlier attempt. An attempt that is over is refused: that is not its fault.
fn leave_notes(attempt: &Arc<Attempt>) -> Outcome<()> {
    if let Some(before) = attempt.checkpoint() {
        let number: u32 = serde_json::from_slice(before.as_json().unwrap_or_default())?;
        if number >= attempt.number() {
            let here = attempt.number();
            return crate::failed(format!(
                "attempt {here} found the checkpoint of attempt {number}"
            ));
        }
    }
    let own = Payload::json(attempt.number().to_string().into_bytes());
    drop(attempt.save_checkpoint(own)?.wait());
    points::pass("checkpoint-saved");
    drop(attempt.progress(50.0, Some("half"))?.wait());
    drop(attempt.log("info", "half of it").wait());
    Ok(())
}
