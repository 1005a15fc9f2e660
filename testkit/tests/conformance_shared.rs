//! The store that stands for several processes' in tests tells its handles what a real one tells.

use std::sync::Arc;

use bursar_core::{MemoryOptions, Store};
use bursar_testkit::conformance::Settings;
use bursar_testkit::following_suite;
use bursar_testkit::stores::Shared;

following_suite!(shared, |settings: Settings| {
    let shared = Shared::new(MemoryOptions {
        result_ttl: settings.result_ttl,
        ..MemoryOptions::default()
    });
    let two: (Arc<dyn Store>, Arc<dyn Store>) = (shared.open(), shared.open());
    two
});
