//! What the programs that measure share.

pub mod arguments;
pub mod report;
mod runtime;

pub use runtime::runtime;
