//! Traps of SQLite: each is shown, and then what keeps the store out of it.
//!
//! Elsewhere: versions of SQLite that damage files (`open.rs`), network file systems
//! (`filesystem.rs`), connections that saw an I/O error (`writer.rs` and the tests of the disk).

#![allow(
    clippy::unwrap_used,
    reason = "a test helper that can't go on should stop the test"
)]

mod child;
mod closing;
mod deferred;
mod fork;

use std::path::Path;

use bursar_core::{Result, Store, Submit, Timestamp};
use bursar_store_sqlite::{Durability, SqliteOptions, SqliteStore};
use bursar_testkit::conformance::job;

fn open(path: &Path) -> SqliteStore {
    let options = SqliteOptions {
        durability: Durability::Process,
        ..SqliteOptions::default()
    };
    SqliteStore::open(path, options).unwrap()
}

/// Submits a job; its number.
fn submit(store: &SqliteStore) -> Result<u64> {
    let now = Timestamp::from_micros(1_000_000);
    let jobs = [job()].into_iter().collect();
    let submitted = store.submit(Submit { now, jobs }).wait()?;
    Ok(submitted[0].sequence)
}
