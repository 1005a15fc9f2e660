//! What the example `compress` is made of.

mod folder;
mod known;
mod numbers;
mod progress;
mod report;

pub use folder::{File, files};
pub use known::known;
pub use numbers::{hex, thousands};
pub use progress::follow;
pub use report::{Compressed, Report};
