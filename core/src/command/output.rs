//! What a command gives that has ended well.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::payload::Payload;

/// What a command gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandOutput {
    /// Its exit code: 0, since any other is a failure.
    pub code: i32,
    /// What it wrote to its standard output. Bytes that are no text in UTF-8 stand there as U+FFFD.
    pub stdout: String,
    /// What it wrote to its standard error.
    pub stderr: String,
}

impl CommandOutput {
    /// The result of its job.
    ///
    /// # Errors
    /// `Invalid` where JSON can't carry it, which no text is.
    pub(crate) fn payload(&self) -> Result<Payload> {
        let json = serde_json::to_vec(self).map_err(|error| Error::invalid(error.to_string()))?;
        Ok(Payload::json(json))
    }
}
