//! The conformance suite: every rule of the [`Store`](bursar_core::Store) contract as a test, the
//! same for all stores. A store's test binary lists them with [`conformance_suite!`](crate::conformance_suite), one test a
//! rule:
//!
//! ```ignore
//! bursar_testkit::conformance_suite!(memory, |settings| Arc::new(MemoryStore::new(settings)));
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests that live in a library: a store that errs fails them"
)]

pub mod cancelling;
pub mod claiming;
pub mod dead_letters;
pub mod dropping;
pub mod finishing;
pub mod following;
pub mod hostile;
mod model;
mod names;
pub mod noting;
pub mod outputs;
mod probe;
pub mod reading;
pub mod retention;
pub mod submitting;
pub mod timing;
pub mod traces;
mod view;
pub mod whole;

pub use model::Model;
pub use probe::{Maker, Opener, Probe, Settings, due_at, expiring, job, keyed};
pub use view::view;

/// What a store under test is.
pub use bursar_core::Store as AnyStore;
