//! The shape of the workspace: which crate may depend on which, how long a file
//! may be, and what a `lib.rs` or `mod.rs` may hold.

#![allow(
    clippy::unwrap_used,
    reason = "a test helper that can't go on should stop the test"
)]

mod arrows;
mod sources;
mod workspace;
