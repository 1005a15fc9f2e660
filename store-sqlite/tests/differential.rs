//! The same requests on a store in memory and on one in a file: whatever can be seen is the same.

#![allow(
    clippy::unwrap_used,
    reason = "a test helper that can't go on should stop the test"
)]

use std::sync::Arc;

use bursar_core::{MemoryOptions, MemoryStore, Store};
use bursar_store_sqlite::{Durability, SqliteOptions, SqliteStore};
use bursar_testkit::conformance::{Settings, traces};
use bursar_testkit::stores::KeptStore;
use bursar_testkit::{Folder, Seed};

/// What the random part of ids starts from, in both.
const IDS: Option<u64> = Some(11);

const TRACES: u64 = 8;

fn memory(settings: Settings) -> Arc<dyn Store> {
    Arc::new(MemoryStore::new(MemoryOptions {
        max_results: settings.max_results,
        result_ttl: settings.result_ttl,
        seed: IDS,
    }))
}

fn sqlite(settings: Settings) -> Arc<dyn Store> {
    let folder = Folder::new();
    let options = SqliteOptions {
        durability: Durability::Process,
        result_ttl: settings.result_ttl,
        seed: IDS,
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open(folder.join("jobs.db"), options).unwrap();
    Arc::new(KeptStore::new(Arc::new(store), folder))
}

#[test]
fn memory_and_file_show_the_same() {
    let seed = Seed::from_env();
    let mut observations = 0;
    for trace in 0..TRACES {
        let trace = seed.get().wrapping_add(trace);
        let (memory, file) = (
            traces::observe(&memory, trace),
            traces::observe(&sqlite, trace),
        );
        assert_eq!(memory.len(), file.len(), "trace {trace}");
        for (step, (memory, file)) in memory.iter().zip(&file).enumerate() {
            assert_eq!(memory, file, "observation {step} of trace {trace}");
        }
        observations += memory.len();
    }
    println!("{observations} observations of {TRACES} traces were the same");
}
