//! Named points: places that a child is told to die at. They are in these children only, not in
//! what is published: SQLite itself says what it is about to do, see `hooks`.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::{Signal, getpid, kill_process};

use crate::child::hooks;
use crate::outcome::Outcome;

/// The variable that names the point: `name:n`, to die at the n-th passing.
pub const VARIABLE: &str = "BURSAR_TORTURE_POINT";

/// Every point, and about how often a child passes it.
pub const POINTS: [(&str, u64); 22] = [
    // Making the schema, and the place among those who have the store open.
    ("migrate", 20),
    ("join", 1),
    ("bury", 3),
    // Before and after commits: of any kind, and of those that submit, claim and finish.
    ("begin", 30),
    ("commit", 30),
    ("committed", 30),
    ("commit-submit", 8),
    ("committed-submit", 8),
    ("commit-claim", 10),
    // Between the claim and the run.
    ("committed-claim", 10),
    // Between the effect and the completion.
    ("commit-finish", 10),
    ("committed-finish", 10),
    // In the middle of what a commit writes, and of what a checkpoint moves.
    ("log-write", 200),
    ("checkpoint", 1),
    ("file-write", 40),
    // In the code of a job.
    ("began", 10),
    ("effect", 10),
    ("checkpoint-saved", 3),
    // The phases of a shutdown.
    ("stopping", 1),
    ("asked-to-stop", 3),
    ("leave", 1),
    ("stopped", 1),
];

struct Point {
    name: String,
    left: AtomicU64,
}

static POINT: OnceLock<Point> = OnceLock::new();

/// Takes the point that this process is to die at from its environment.
///
/// # Errors
/// Where it is not one.
pub(crate) fn arm() -> Outcome<()> {
    let Ok(text) = std::env::var(VARIABLE) else {
        return Ok(());
    };
    let (name, number) = text.split_once(':').ok_or("a point is name:n")?;
    let left = AtomicU64::new(number.parse()?);
    let name = name.to_owned();
    // Only here, once.
    let _ = POINT.set(Point { name, left });
    hooks::listen()
}

/// The process is at this point.
pub(crate) fn pass(name: &str) {
    let Some(point) = POINT.get().filter(|point| point.name == name) else {
        return;
    };
    if point.left.fetch_sub(1, Ordering::SeqCst) == 1 {
        // Nothing comes after this.
        let _ = kill_process(getpid(), Signal::KILL);
        loop {
            std::thread::park();
        }
    }
}
