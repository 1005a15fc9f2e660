//! Sizes and durations as people write them.

mod duration;
mod size;

pub(crate) use duration::seconds;
pub use duration::{format_duration, parse_duration, parse_patience};
pub use size::{format_size, parse_size};
