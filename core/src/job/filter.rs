//! Which jobs to list, count or delete, and in what order.

use std::str::FromStr;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::id::JobId;
use crate::priority::Priority;
use crate::state::State;

/// Which jobs are meant. Everything that is set must hold; nothing set means every job.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Jobs in one of these states.
    pub states: Vec<State>,
    /// Jobs of this task.
    pub task: Option<Arc<str>>,
    /// Jobs of this priority.
    pub priority: Option<Priority>,
    /// Jobs with this unique key.
    pub unique: Option<Arc<str>>,
}

impl JobFilter {
    /// Jobs in this state too.
    #[must_use]
    pub fn state(mut self, state: State) -> Self {
        self.states.push(state);
        self
    }

    /// Only jobs of this task.
    #[must_use]
    pub fn task(mut self, name: impl Into<Arc<str>>) -> Self {
        self.task = Some(name.into());
        self
    }

    /// Only jobs of this priority.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Only jobs with this unique key.
    #[must_use]
    pub fn unique(mut self, key: impl Into<Arc<str>>) -> Self {
        self.unique = Some(key.into());
        self
    }
}

/// The order of a listing, by submission.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
}

impl FromStr for Order {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "newest" => Ok(Self::Newest),
            "oldest" => Ok(Self::Oldest),
            _ => Err(Error::invalid(format!(
                "unknown order {text:?}: use newest or oldest"
            ))),
        }
    }
}

/// Where the next page of a listing begins: after this job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(pub JobId);
