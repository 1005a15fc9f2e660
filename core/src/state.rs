//! The states of a job. Arrows between them: see `docs/lifecycle.md`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Where a job stands. Terminal states never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum State {
    /// Its time has not come.
    Scheduled,
    /// It waits for other jobs.
    Blocked,
    /// It waits for its turn and for budget.
    Queued,
    /// An attempt runs.
    Running,
    /// An attempt failed; the next one waits for its time.
    Retrying,
    /// Ended well; terminal.
    Completed,
    /// Ended badly, a dead letter; terminal.
    Failed,
    /// Ended by request; terminal.
    Cancelled,
}

impl State {
    /// Every state, in the order of a job's life.
    pub const ALL: [Self; 8] = [
        Self::Scheduled,
        Self::Blocked,
        Self::Queued,
        Self::Running,
        Self::Retrying,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Whether the job has ended for good.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// The name of the state, lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Blocked => "blocked",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Retrying => "retrying",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether a job may go from this state to `next`.
    pub fn may_become(self, next: Self) -> bool {
        use State::{Blocked, Cancelled, Completed, Failed, Queued, Retrying, Running, Scheduled};
        match self {
            Scheduled | Blocked | Retrying => matches!(next, Queued | Cancelled),
            Queued => matches!(next, Running | Cancelled),
            Running => matches!(
                next,
                Queued | Scheduled | Retrying | Completed | Failed | Cancelled
            ),
            Completed | Failed | Cancelled => false,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for State {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| {
                let names: Vec<&str> = Self::ALL.iter().map(|state| state.as_str()).collect();
                Error::invalid(format!(
                    "unknown state {text:?}: use one of {}",
                    names.join(", ")
                ))
            })
    }
}
