//! What holds Bursar to its promises: models, and the seeds that replay a random test.

pub mod model;
mod seed;

pub use seed::Seed;
