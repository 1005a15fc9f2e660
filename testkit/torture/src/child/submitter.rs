use std::time::Duration;

use bursar_core::{Accepted, Engine, Payload, Priority, Submission};
use fastrand::Rng;

use crate::child::engine::patiently;
use crate::child::worker::{TASK, options};
use crate::outcome::{Outcome, failed};
use crate::part::Part;
use crate::witness::Witness;

/// How many keys there are for jobs of which only one may be unfinished.
const KEYS: u8 = 4;

/// The longest that a job of a caller may take from its submit to its end: everybody is idle.
const PATIENCE: Duration = Duration::from_secs(5);

/// What jobs do, by how often they do it.
const KINDS: [&str; 8] = ["ok", "ok", "ok", "flaky", "fail", "note", "give-up", "note"];

/// Submits jobs of every kind, a few at a time, and sometimes takes one back. What is noted was
/// acknowledged before.
pub(super) fn submit(engine: &Engine, part: &Part, witness: &Witness) -> Outcome<()> {
    let mut random = Rng::with_seed(part.seed);
    let mut left = part.jobs;
    while left > 0 {
        let count = random.u32(1..=4.min(left));
        left -= count;
        let calls: Outcome<Vec<Submission>> =
            (0..count).map(|_| call_of(engine, &mut random)).collect();
        let calls = calls?;
        let keys: Vec<_> = calls.iter().map(|call| call.unique.clone()).collect();
        let accepted = patiently(|| engine.submit(calls.clone()).wait())?;
        for (job, key) in accepted.iter().zip(keys) {
            acknowledge(witness, job, key.as_deref())?;
        }
        if random.u8(0..8) == 0 {
            cancel(engine, witness, &accepted[0])?;
        }
    }
    Ok(())
}

fn acknowledge(witness: &Witness, job: &Accepted, key: Option<&str>) -> Outcome<()> {
    let (id, key) = (job.ticket.id(), key.unwrap_or("-"));
    let again = u8::from(job.deduplicated);
    Ok(witness.note(&format!("ack {id} {key} {again}"))?)
}

fn cancel(engine: &Engine, witness: &Witness, job: &Accepted) -> Outcome<()> {
    let id = job.ticket.id();
    witness.note(&format!("cancel {id}"))?;
    let could = patiently(|| engine.cancel(id, "as planned").wait())?;
    Ok(witness.note(&format!("cancelled {id} {}", u8::from(could)))?)
}

fn call_of(engine: &Engine, random: &mut Rng) -> Outcome<Submission> {
    let mut changed = options();
    changed.memory = Some(1_000_000 * [1, 1, 2, 3, 5, 8][random.usize(0..6)]);
    changed.priority = Some(Priority::ALL[random.usize(0..Priority::ALL.len())]);
    let kind = KINDS[random.usize(0..KINDS.len())];
    let micros = random.u32(0..6_000);
    let args = Payload::json(format!("[{micros},\"{kind}\"]").into_bytes());
    let mut call = Submission::new(engine.plan(TASK, &changed)?, args);
    if random.u8(0..4) == 0 {
        call.unique = Some(format!("k{}", random.u8(0..KEYS)).into());
    }
    if random.u8(0..5) == 0 {
        call.delay = Some(Duration::from_millis(random.u64(1..40)));
    }
    Ok(call)
}

/// Submits jobs one after the other while everybody is idle: each one has to wake a worker, and
/// its end has to wake us.
pub(super) fn call(engine: &Engine, part: &Part, witness: &Witness) -> Outcome<()> {
    for number in 0..part.jobs {
        let args = Payload::json(*b"[0,\"ok\"]");
        let plan = engine.plan(TASK, &options())?;
        let calls = [Submission::new(plan, args)];
        let accepted = patiently(|| engine.submit(calls.clone()).wait())?;
        acknowledge(witness, &accepted[0], None)?;
        let ticket = &accepted[0].ticket;
        if ticket.wait(Some(PATIENCE)).is_none() {
            let id = ticket.id();
            return failed(format!(
                "job {id}, call {number}, did not end within {PATIENCE:?}"
            ));
        }
    }
    Ok(())
}
