//! The memory store keeps every rule of the contract.

use std::sync::Arc;

use bursar_core::{MemoryOptions, MemoryStore};
use bursar_testkit::conformance::Settings;
use bursar_testkit::conformance_suite;

conformance_suite!(memory, |settings: Settings| Arc::new(MemoryStore::new(
    MemoryOptions {
        max_results: settings.max_results,
        result_ttl: settings.result_ttl,
        seed: Some(7),
    }
)));
