//! Models that are too simple to be wrong, for comparing the real thing with.

mod ledger;
mod scheduler;

pub use ledger::{NaiveGrant, NaiveLedger};
pub use scheduler::{NaiveHead, NaiveScheduler};
