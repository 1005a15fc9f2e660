//! What a command gives that has ended well.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::payload::Payload;
use crate::spill::Captured;

/// What a command gave. An output of more than 10 MB is in a file: here stands its first 1 KiB, and
/// `cut` names it. All of it, as bytes, is read with the job's `open_output`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandOutput {
    /// Its exit code: 0, since any other is a failure.
    pub code: i32,
    /// What it wrote to its standard output. Bytes that are no text in UTF-8 stand there as U+FFFD.
    pub stdout: String,
    /// What it wrote to its standard error.
    pub stderr: String,
    /// Those of `stdout` and `stderr` that are longer than what stands here.
    #[serde(default)]
    pub cut: Vec<String>,
}

impl CommandOutput {
    /// What a command gave that wrote this.
    pub(crate) fn of(stdout: &Captured, stderr: &Captured) -> Self {
        let outputs = [("stdout", stdout), ("stderr", stderr)];
        let cut = outputs
            .iter()
            .filter(|(_, output)| output.as_file().is_some());
        Self {
            code: 0,
            stdout: text(stdout),
            stderr: text(stderr),
            cut: cut.map(|(name, _)| (*name).to_owned()).collect(),
        }
    }

    /// The result of its job.
    ///
    /// # Errors
    /// `Invalid` where JSON can't carry it, which no text is.
    pub(crate) fn payload(&self) -> Result<Payload> {
        let json = serde_json::to_vec(self).map_err(|error| Error::invalid(error.to_string()))?;
        Ok(Payload::json(json))
    }
}

/// All of it, or the beginning of what is in a file.
fn text(output: &Captured) -> String {
    let bytes = match output {
        Captured::Inline(bytes) => bytes,
        Captured::File(file) => file.preview(),
    };
    String::from_utf8_lossy(bytes).into_owned()
}
