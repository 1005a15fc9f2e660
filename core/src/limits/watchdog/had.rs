//! What a process had before an attempt began there.

use std::time::Duration;

/// What a process had at some time, as it tells itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Had {
    /// Its memory, in bytes.
    pub resident: u64,
    /// What of that was its own, and no file's.
    pub own: u64,
    /// What it had used of the processors, where it says that.
    pub times: Option<Times>,
}

/// What a process has used of the processors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Times {
    /// By itself.
    pub own: Duration,
    /// By its children that have ended and that it has waited for.
    pub reaped: Duration,
}

#[cfg(processes = "warden")]
impl Times {
    /// Both.
    pub(super) fn sum(self) -> Duration {
        self.own.saturating_add(self.reaped)
    }

    /// The lesser of each.
    pub(super) fn min(self, other: Self) -> Self {
        Self {
            own: self.own.min(other.own),
            reaped: self.reaped.min(other.reaped),
        }
    }
}
