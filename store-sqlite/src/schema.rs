//! The schema and its versions.

use std::path::Path;

use bursar_core::{Error, ErrorKind, Result};
use rusqlite::Connection;

use crate::error::Trouble;

/// `Burs`: says whose file it is.
const APPLICATION: i64 = 0x4275_7273;

/// Each takes the schema one version further.
const MIGRATIONS: [&str; 2] = [
    include_str!("migrations/0001_jobs.sql"),
    include_str!("migrations/0002_outputs.sql"),
];

/// What is in the file before it is used.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    Ours { version: usize },
    NotOurs,
}

/// Looks whether the file is one of ours, or empty: `true`.
///
/// # Errors
/// `Invalid` for a file of another program; `Conflict` for a schema of a newer version; otherwise
/// what SQLite says.
pub(crate) fn check(connection: &Connection, path: &Path) -> Result<bool> {
    let found = look(connection).map_err(|error| Trouble::of(path, &error).error())?;
    match found {
        Found::NotOurs => Err(not_ours(path)),
        Found::Ours { version } if version > MIGRATIONS.len() => Err(newer(path, version)),
        Found::Nothing => Ok(true),
        Found::Ours { .. } => Ok(false),
    }
}

fn look(connection: &Connection) -> rusqlite::Result<Found> {
    let pragma = |name| connection.pragma_query_value::<i64, _>(None, name, |row| row.get(0));
    if pragma("application_id")? == APPLICATION {
        let version = usize::try_from(pragma("user_version")?).unwrap_or(usize::MAX);
        return Ok(Found::Ours { version });
    }
    let mut tables = connection.prepare("SELECT 1 FROM sqlite_schema LIMIT 1")?;
    Ok(if tables.exists([])? {
        Found::NotOurs
    } else {
        Found::Nothing
    })
}

/// Makes the schema what this version needs. Whoever comes second finds it done.
pub(crate) fn migrate(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(crate::sql::BEGIN)?;
    let done =
        migrate_within(connection).and_then(|()| connection.execute_batch(crate::sql::COMMIT));
    if done.is_err() && !connection.is_autocommit() {
        // What failed is what is told: SQLite has taken it back by itself as a rule.
        let _ = connection.execute_batch(crate::sql::ROLLBACK);
    }
    done
}

fn migrate_within(connection: &Connection) -> rusqlite::Result<()> {
    let version = match look(connection)? {
        Found::Ours { version } => version,
        Found::Nothing | Found::NotOurs => 0,
    };
    if version >= MIGRATIONS.len() {
        return Ok(());
    }
    for migration in MIGRATIONS.iter().skip(version) {
        connection.execute_batch(migration)?;
    }
    connection.pragma_update(None, "application_id", APPLICATION)?;
    connection.pragma_update(None, "user_version", MIGRATIONS.len() as i64)
}

fn not_ours(path: &Path) -> Error {
    Error::invalid(format!(
        "the store in {}: the file is a database of another program; give a path of its own to the jobs",
        path.display()
    ))
}

fn newer(path: &Path, version: usize) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!(
            "the store in {}: its schema is version {version}, this Bursar knows {}; update Bursar, or choose another path",
            path.display(),
            MIGRATIONS.len()
        ),
    )
}
