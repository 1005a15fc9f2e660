//! What the processes of a tree use together.

use std::time::Duration;

/// What a look at a tree has shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    /// Resident memory in bytes, what they share counted for each; of a root that is part of the tree, what
    /// came since the tree is known.
    pub(super) resident: u64,
    /// Processor time since the tree is known; what has ended and was waited for is part of it.
    pub(super) cpu_time: Duration,
    /// Open descriptors, where they are counted: not on every system.
    pub(super) files: u64,
    /// Open sockets, where they are counted: not on every system.
    pub(super) connections: u64,
}
