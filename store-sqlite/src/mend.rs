//! Going on after the disk has failed.

use rusqlite::{Connection, ffi};

use crate::sql;

/// Moves everything from the log into the file, and begins a new log.
///
/// A system whose sync has failed may forget what it could not write, and say of the next sync that
/// it succeeded (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020).
/// What is in the log before may then be missing on the disk, and what is written behind a gap is
/// not found after a power loss. So nothing is written there any more: what the log holds as
/// programs see it is written once more, to the file.
///
/// # Errors
/// Those of SQLite: busy where somebody reads an old state for longer than the patience lasts.
pub(crate) fn empty_log(connection: &Connection) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(sql::CHECKPOINT_LOG)?;
    let mut rows = statement.query([])?;
    let mut busy = false;
    while let Some(row) = rows.next()? {
        busy = row.get(0)?;
    }
    if !busy {
        return Ok(());
    }
    let failed = ffi::Error::new(ffi::SQLITE_BUSY);
    let message = "its log can't be emptied after an error of the disk";
    Err(rusqlite::Error::SqliteFailure(
        failed,
        Some(message.to_owned()),
    ))
}
