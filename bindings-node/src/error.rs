//! Errors on their way to JavaScript: the kind becomes the `code`.

use bursar::core::{Error, ErrorKind};
use napi::Status;

/// The `code` of the error that JavaScript sees.
#[derive(Debug)]
pub struct Code(&'static str);

/// What an export returns.
pub(crate) type Result<T> = std::result::Result<T, napi::Error<Code>>;

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        self.0
    }
}

impl From<Status> for Code {
    fn from(status: Status) -> Self {
        match status {
            Status::Closing | Status::Cancelled => Self(ErrorKind::Closed.as_str()),
            _ => Self(ErrorKind::Internal.as_str()),
        }
    }
}

/// An error of the engine as JavaScript sees it.
pub(crate) fn fault(error: Error) -> napi::Error<Code> {
    napi::Error::new(Code(error.kind().as_str()), error.message())
}

/// A fault of the two halves' own understanding.
pub(crate) fn internal(message: &str) -> napi::Error<Code> {
    napi::Error::new(Code(ErrorKind::Internal.as_str()), message)
}
