//! The children: processes that submit and run jobs until they are killed.

mod engine;
mod hooks;
mod life;
pub mod points;
mod submitter;
mod worker;

pub(crate) use engine::MEMORY;
pub use life::live;
