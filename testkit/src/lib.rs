//! What holds Bursar to its promises: the conformance suite of stores, models, and the seeds that
//! replay a random test.

pub mod conformance;
pub mod model;
mod seed;

pub use seed::Seed;
