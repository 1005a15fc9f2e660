//! From an error of SQLite to one of ours: which file, what is wrong, and what to do.

use std::path::Path;

use bursar_core::{Error, ErrorKind};
use rusqlite::{ErrorCode, ffi};

/// Why a request could not be carried out.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It is refused, and has written nothing.
    Refused(Error),
    /// A statement failed: what was written with it is taken back.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

pub(crate) type Outcome<T> = std::result::Result<T, Fault>;

/// What went wrong with a file: an error for each of those who hear of it.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    kind: ErrorKind,
    message: String,
}

impl Trouble {
    /// What `error` means for the store in the file at `path`.
    pub(crate) fn of(path: &Path, error: &rusqlite::Error) -> Self {
        if is_held(error) {
            let message = format!("the store in {}: {error}", path.display());
            let kind = ErrorKind::Unavailable;
            return Self { kind, message };
        }
        let (kind, what) = explain(error);
        let message = format!("the store in {}: {what} ({error})", path.display());
        Self { kind, message }
    }

    /// The same where nothing is written: what is too large there was never written by us.
    pub(crate) fn of_read(path: &Path, error: &rusqlite::Error) -> Self {
        if error.sqlite_error_code() != Some(ErrorCode::TooBig) {
            return Self::of(path, error);
        }
        let message = format!("the store in {}: {DAMAGED} ({error})", path.display());
        let kind = ErrorKind::Unavailable;
        Self { kind, message }
    }

    pub(crate) fn error(&self) -> Error {
        Error::new(self.kind, self.message.clone())
    }
}

/// What an error of the lock file is among those of SQLite, which has none of this kind but where it
/// is built to wait for its own locks with a deadline.
pub(crate) fn no_turn(error: std::io::Error) -> rusqlite::Error {
    let (code, message) = match error.kind() {
        std::io::ErrorKind::TimedOut => (ffi::SQLITE_BUSY_TIMEOUT, error.to_string()),
        _ => (ffi::SQLITE_IOERR_LOCK, format!("its lock file: {error}")),
    };
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(message))
}

/// Whether another process did not give back the turn to write: nothing was begun.
pub(crate) fn is_held(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    code == Some(ffi::SQLITE_BUSY_TIMEOUT)
}

/// Whether a connection that saw this error must not be used again: what it remembers of the file
/// may not be what is in the file.
pub(crate) fn is_fatal(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::CannotOpen
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::OutOfMemory
        )
    )
}

/// Whether the request is to blame, and not the file.
pub(crate) fn is_of_request(error: &rusqlite::Error) -> bool {
    use rusqlite::Error as E;
    match error.sqlite_error_code() {
        Some(code) => matches!(
            code,
            ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch
        ),
        None => !matches!(error, E::SqliteFailure(..)),
    }
}

const DAMAGED: &str =
    "the file is damaged; restore it from a backup, or move it away and start with a new one";

/// Whether a row isn't there that must be, or holds what we never write. SQLite can't know: a page has
/// no checksum.
fn makes_no_sense(error: &rusqlite::Error) -> bool {
    use rusqlite::Error as E;
    matches!(
        error,
        E::QueryReturnedNoRows
            | E::FromSqlConversionFailure(..)
            | E::IntegralValueOutOfRange(..)
            | E::InvalidColumnType(..)
            | E::Utf8Error(..)
    )
}

fn explain(error: &rusqlite::Error) -> (ErrorKind, &'static str) {
    use ErrorKind::{Internal, Invalid, Unavailable};
    let Some(code) = error.sqlite_error_code() else {
        return if makes_no_sense(error) {
            (Unavailable, DAMAGED)
        } else {
            (Internal, "it can't be read; please report this")
        };
    };
    match code {
        ErrorCode::NotADatabase => (
            Invalid,
            "the file is not an SQLite database; give a path of its own to the jobs",
        ),
        ErrorCode::DatabaseCorrupt => (Unavailable, DAMAGED),
        ErrorCode::DiskFull => (
            Unavailable,
            "the disk is full; nothing that was acknowledged is lost, free some space",
        ),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => (
            Unavailable,
            "the file or its folder can't be written; allow it, or choose another path",
        ),
        ErrorCode::CannotOpen => (
            Unavailable,
            "the file can't be opened; look whether its folder is there and can be written",
        ),
        ErrorCode::SystemIoFailure => (
            Unavailable,
            "the system could not read or write the file; look at the disk",
        ),
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::FileLockingProtocolFailed => (
            Unavailable,
            "another program holds the file locked; close it, or wait",
        ),
        ErrorCode::TooBig => (
            Invalid,
            "a value is larger than 1 GB; store a reference to it",
        ),
        _ => (Internal, "a statement failed; please report this"),
    }
}
