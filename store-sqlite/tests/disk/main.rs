//! A disk that fails, and one that forgets at a power loss: nothing acknowledged is lost, nothing is
//! half-written, and the store goes on once the disk works again.
//!
//! SQLite reaches the disk through a shim around its own virtual file system. That sees every sync
//! too, in order with the writes, so that no preloaded library is needed for `fsync`.

#![allow(
    clippy::unwrap_used,
    reason = "a test helper that can't go on should stop the test"
)]

mod check;
mod checkpoint;
mod damaged;
mod disk;
mod faults;
mod forgotten;
mod image;
mod outputs;
mod planted;
mod play;
mod power;
mod read_only;
mod starts;
mod trouble;
mod vfs;
mod witness;
