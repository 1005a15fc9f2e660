use std::io::stdin;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::Engine;

use crate::child::{engine, points, submitter, worker};
use crate::outcome::Outcome;
use crate::part::{Part, Role};
use crate::witness::Witness;

/// Plays a part until it is told to stop, loses the one who told it, or is killed.
///
/// # Errors
/// What went wrong, to be told: nothing may.
pub fn live(part: &Part) -> Outcome<()> {
    points::arm()?;
    let witness = Arc::new(Witness::open(&part.witness)?);
    let engine = engine::open(part)?;
    worker::register(&engine, &witness)?;
    println!("ready");
    match part.role {
        Role::Worker => {}
        Role::Submitter => submitter::submit(&engine, part, &witness)?,
        Role::Caller => submitter::call(&engine, part, &witness)?,
    }
    if part.role != Role::Worker {
        println!("submitted");
    }
    obey(&engine);
    Ok(())
}

/// Waits for the word to stop. Without anybody to say it, it ends as if it were killed.
fn obey(engine: &Engine) {
    let mut line = String::new();
    if stdin().read_line(&mut line).unwrap_or(0) == 0 {
        std::process::exit(0);
    }
    let grace = line.trim().strip_prefix("stop ");
    let grace = grace.and_then(|grace| grace.parse().ok()).unwrap_or(0);
    let closed = engine.shutdown(Some(Duration::from_millis(grace)));
    points::pass("stopping");
    closed.wait(None);
    points::pass("stopped");
    println!("stopped");
}
