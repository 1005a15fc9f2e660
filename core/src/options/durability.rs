use std::str::FromStr;

use crate::error::{Error, Result};

/// What an acknowledged change survives in a store on disk.
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
