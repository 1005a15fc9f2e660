//! What a reactor waits for, and what it tells.

/// What to wait for. Its end is always told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Something to read.
    Read,
    /// Room to write.
    Write,
    /// Something to read, or room to write.
    ReadWrite,
}

/// What a descriptor is ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// There is something to read, or it has ended.
    pub read: bool,
    /// There is room to write, or nobody reads any more.
    pub write: bool,
}

/// Told when its descriptor is ready, on the reactor's thread, as long as it stays so: it must read what
/// is there, or be removed. It must not block.
pub trait Source: Send + Sync + 'static {
    /// The descriptor is ready.
    fn ready(&self, readiness: Readiness);
}

/// The name of a descriptor that a reactor waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(pub(super) u64);
