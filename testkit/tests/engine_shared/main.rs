//! Engines of several processes on one store: each job runs once, and everybody is told.

#![allow(
    clippy::unwrap_used,
    reason = "a test helper that can't go on should stop the test"
)]

mod follows;
mod losses;
mod names;
mod news;
mod openings;
mod rigs;
mod running;

use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
