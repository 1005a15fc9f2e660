//! Pipes between a command and whoever reads or feeds it.

use std::io;

use crate::process::Descriptor;

/// A pipe, as the end that is read from and the end that is written to. No other process is given either by
/// itself.
pub(super) fn pipe() -> io::Result<(Descriptor, Descriptor)> {
    let (reads, writes) = io::pipe()?;
    Ok((reads.into(), writes.into()))
}

/// Has this end of a pipe, which is the engine's, never wait.
#[cfg(unix)]
pub(super) fn never_wait(end: &Descriptor) -> io::Result<()> {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    let flags = fcntl_getfl(end)?;
    Ok(fcntl_setfl(end, flags | OFlags::NONBLOCK)?)
}

/// Nothing: threads of their own wait there.
#[cfg(windows)]
pub(super) fn never_wait(_: &Descriptor) -> io::Result<()> {
    Ok(())
}
