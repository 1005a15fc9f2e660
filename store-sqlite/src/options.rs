use std::str::FromStr;
use std::time::Duration;

use bursar_core::{Error, Result};

/// What an acknowledged change survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Durability {
    /// Power loss and a crash of the system: each commit is synced to the disk.
    #[default]
    Full,
    /// The end of the process, however sudden, but not power loss: the system writes to the disk
    /// when it likes to.
    Process,
}

impl Durability {
    /// The name, as it is written in options.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Process => "process",
        }
    }
}

impl FromStr for Durability {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "full" => Ok(Self::Full),
            "process" => Ok(Self::Process),
            _ => Err(Error::invalid(format!(
                "unknown durability {text:?}: use full or process"
            ))),
        }
    }
}

/// How a [`SqliteStore`](crate::SqliteStore) is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqliteOptions {
    /// What an acknowledged change survives; default: power loss too.
    pub durability: Durability,
    /// How long an ended job is kept where its task doesn't say; default 7 days.
    pub result_ttl: Duration,
    /// What the random part of job ids starts from; default: a different one each time.
    pub seed: Option<u64>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Full,
            result_ttl: Duration::from_secs(7 * 24 * 3_600),
            seed: None,
        }
    }
}
