//! Large output: what is over 10 MB is kept in a file of its own, beside the store.
//!
//! A file is written and synced before the change that names it, belongs to exactly one attempt of one
//! job, is never written again, and goes after the change that forgets its job. So what a crash leaves
//! behind is a file that nobody names and whose attempt no longer runs: a stray, which the store sweeps.

mod captured;
mod copy;
mod folder;
mod name;
mod private;
mod reader;
mod spilled;
mod writer;

pub use captured::{Captured, Output};
pub(crate) use folder::is_large;
pub use folder::{SpillFolder, SpillHold};
pub use name::SpillName;
pub use reader::SpillReader;
pub use spilled::Spilled;
pub use writer::SpillWriter;

/// What is longer than this is kept in a file: 10 MB, in bytes.
pub const SPILL_ABOVE: usize = 10_000_000;

/// What the file of a result is named after.
pub(crate) const RESULT: &str = "result";

/// How much of the beginning of a file is kept with its job, to be shown: 1 KiB, in bytes.
pub const PREVIEW: usize = 1_024;
