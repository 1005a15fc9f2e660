//! What the parts of one job cost, each alone and then all together, in one process.
//!
//! `cargo bench -p bursar-benches --bench micro [-- FILTER]`

#![expect(
    clippy::expect_used,
    reason = "a bench that measures a failure measures nothing: it stops"
)]

mod engine;
mod ledger;
mod scheduler;
mod signal;
mod store;

fn main() {
    divan::main();
}

/// Calls of quick work in one sample: many, so that reading the clock doesn't count, and always
/// as many, so that what piles up meanwhile stays bounded.
const CALLS: u32 = 1_000;
