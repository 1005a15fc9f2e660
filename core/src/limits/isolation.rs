//! How what an attempt may use is enforced.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How the limits of an attempt are enforced, the strongest that could be had. Each includes what
/// follows it: every isolated attempt is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// By a control group of its own: the system accounts for its whole tree and stops it.
    Cgroup,
    /// By a Job Object of its own, on Windows: the system accounts for its whole tree and refuses it more.
    #[serde(rename = "job_object")]
    JobObject,
    /// By limits of the system for each of its processes.
    Rlimit,
    /// By looking at its whole tree again and again.
    Sampling,
}

impl Isolation {
    /// Every one, the strongest first.
    pub const ALL: [Self; 4] = [Self::Cgroup, Self::JobObject, Self::Rlimit, Self::Sampling];

    /// Its name, in snake case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cgroup => "cgroup",
            Self::JobObject => "job_object",
            Self::Rlimit => "rlimit",
            Self::Sampling => "sampling",
        }
    }
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Isolation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == text);
        found.ok_or_else(|| Error::invalid(format!("unknown isolation {text:?}")))
    }
}
