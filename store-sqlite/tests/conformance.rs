//! The SQLite store keeps every rule of the contract, at both levels of durability.

#![allow(
    clippy::unwrap_used,
    reason = "a test helper that can't go on should stop the test"
)]

use std::sync::Arc;

use bursar_core::Store;
use bursar_store_sqlite::{Durability, SqliteOptions, SqliteStore};
use bursar_testkit::conformance::Settings;
use bursar_testkit::stores::KeptStore;
use bursar_testkit::{Folder, conformance_suite};

fn open(settings: Settings, durability: Durability) -> Arc<dyn Store> {
    let folder = Folder::new();
    let options = SqliteOptions {
        durability,
        result_ttl: settings.result_ttl,
        seed: Some(7),
    };
    let store = SqliteStore::open(folder.join("jobs.db"), options).unwrap();
    Arc::new(KeptStore::new(Arc::new(store), folder))
}

conformance_suite!(full, |settings: Settings| open(settings, Durability::Full));
conformance_suite!(process, |settings: Settings| open(
    settings,
    Durability::Process
));
