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
use bursar_testkit::{Folder, conformance_suite, following_suite};

fn open(settings: Settings, durability: Durability) -> Arc<dyn Store> {
    open_in(&Arc::new(Folder::new()), settings, durability)
}

fn open_two(settings: Settings, durability: Durability) -> (Arc<dyn Store>, Arc<dyn Store>) {
    let folder = Arc::new(Folder::new());
    let open = || open_in(&folder, settings, durability);
    (open(), open())
}

fn open_in(folder: &Arc<Folder>, settings: Settings, durability: Durability) -> Arc<dyn Store> {
    let options = SqliteOptions {
        durability,
        result_ttl: settings.result_ttl,
        seed: Some(7),
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(folder.join("jobs.db"), options).unwrap();
    Arc::new(KeptStore::new(Arc::new(store), Arc::clone(folder)))
}

conformance_suite!(full, |settings: Settings| open(settings, Durability::Full));
conformance_suite!(process, |settings: Settings| open(
    settings,
    Durability::Process
));
following_suite!(following_full, |settings: Settings| open_two(
    settings,
    Durability::Full
));
following_suite!(following_process, |settings: Settings| open_two(
    settings,
    Durability::Process
));
