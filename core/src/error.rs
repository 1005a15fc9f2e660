//! The one error type of Bursar: a small kind that tells the caller what to do,
//! and a message that names the value, the limit and the way out.

use std::error::Error as StdError;
use std::fmt;

/// What kind of trouble an [`Error`] reports, and so what its caller can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request itself is wrong: change it.
    Invalid,
    /// What the request names does not exist.
    NotFound,
    /// The request does not fit the present state.
    Conflict,
    /// The request could never fit the budget.
    BudgetExceeded,
    /// The store cannot be reached or refuses work for now: try again later.
    Unavailable,
    /// The engine is closed.
    Closed,
    /// A fault of Bursar's own: please report it.
    Internal,
}

impl ErrorKind {
    /// The stable name, as bindings and logs show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "Invalid",
            Self::NotFound => "NotFound",
            Self::Conflict => "Conflict",
            Self::BudgetExceeded => "BudgetExceeded",
            Self::Unavailable => "Unavailable",
            Self::Closed => "Closed",
            Self::Internal => "Internal",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a call could not be carried out. A job that fails is never an `Error`: that is an
/// [`Outcome`](crate::OutcomeKind).
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The result of a call that can fail with an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind` that says `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// A wrong request.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// Something named that does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// A request that does not fit the present state.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    /// A call on a closed engine.
    pub fn closed() -> Self {
        Self::new(
            ErrorKind::Closed,
            "the engine is closed: open a new one to submit or read jobs",
        )
    }

    /// The same error with the error that caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The kind of this error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What went wrong, without the kind.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_ref()
            .map(|source| &**source as &(dyn StdError + 'static))
    }
}
