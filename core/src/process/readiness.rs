//! What a reactor waits for, and what it tells.

use std::panic::{AssertUnwindSafe, catch_unwind};

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

    /// It has panicked when it was told. It must have itself removed, and see to it that whoever waits for
    /// it learns that nothing more comes.
    fn abandon(&self);
}

/// The name of a descriptor that a reactor waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(pub(super) u64);

/// One that panics must not take the others with it.
pub(super) fn tell(source: &dyn Source, readiness: Readiness) {
    if catch_unwind(AssertUnwindSafe(|| source.ready(readiness))).is_err() {
        drop(catch_unwind(AssertUnwindSafe(|| source.abandon())));
    }
}
