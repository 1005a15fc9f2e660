//! What Rust users are promised, through the public API.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test helper that can't go on should stop the test"
)]

mod budget;
mod cancel;
mod context;
mod failure;
mod input;
mod result;
mod shutdown;
mod support;
mod time;
mod unique;
mod wire;
