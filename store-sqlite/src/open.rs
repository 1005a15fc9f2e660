//! Opening the file: what is looked at before, and how a connection is set up.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bursar_core::{Durability, Error, ErrorKind, Result, SpillFolder};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};

use crate::error::{Trouble, no_turn};
use crate::filesystem;
use crate::guard::{Guard, beside};
use crate::here::Here;
use crate::options::SqliteOptions;
use crate::presence::Presence;
use crate::schema;
use crate::sql;

/// The first version of SQLite in which resetting the log can't damage the file
/// (sqlite.org/releaselog/3_51_3.html).
const OLDEST_SQLITE: i32 = 3_051_003;

/// How long another process may hold the file.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many statements are kept prepared: all that there are.
const STATEMENTS: usize = 128;

/// Pages of 4 kB in the log before they are moved into the file: 16 MB.
const LOG_PAGES: i64 = 4_000;

/// What is left of the log file once it was larger, in bytes.
const LOG_SIZE: i64 = 64 << 20;

/// What each connection may keep of the file in memory, in kB.
const CACHE: i64 = 32_000;

/// The size of the smallest database, in bytes.
const SMALLEST: u64 = 512;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Writer,
    Reader,
    /// Copies the whole file elsewhere.
    Copier,
}

/// Where the store is, and how to get there again.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) guard: Guard,
    pub(crate) here: Here,
    pub(crate) durability: Durability,
    /// Where large output is.
    pub(crate) spill: SpillFolder,
}

impl Place {
    /// Looks at the path, makes the file where there is none, and gives the writer's connection.
    ///
    /// # Errors
    /// See [`SqliteStore::open`](crate::SqliteStore::open).
    pub(crate) fn open(
        path: &Path,
        options: &SqliteOptions,
    ) -> Result<(Self, Connection, Presence)> {
        check_version(rusqlite::version_number())?;
        let path = check_path(path)?;
        let guard =
            Guard::open(&path, options.patience()).map_err(|error| unwritable(&path, error))?;
        let mut place = Self {
            spill: SpillFolder::beside(outputs_path(&path)),
            path,
            guard,
            here: Here::default(),
            durability: options.durability,
        };
        match place.prepare() {
            Ok((connection, presence)) => Ok((place, connection, presence)),
            Err(error) => {
                place.guard.discard();
                Err(error)
            }
        }
    }

    /// Looks at what is in the file before anything in it is changed.
    fn prepare(&mut self) -> Result<(Connection, Presence)> {
        let path = self.path.clone();
        let failed = |error: rusqlite::Error| Trouble::of_read(&path, &error).error();
        let (connection, mut presence, last) = {
            let _turn = self.guard.hold().map_err(no_turn).map_err(failed)?;
            let connection = self.bare().map_err(failed)?;
            if schema::check(&connection, &path)? {
                self.refuse_outputs_of_another()?;
            }
            self.set_up_writer(&connection).map_err(failed)?;
            schema::migrate(&connection).map_err(failed)?;
            let (presence, last) = self.sit_down(&connection).map_err(failed)?;
            (connection, presence, last)
        };
        self.here = Here::new(presence.handle, last);
        presence.clear_buried();
        self.guard
            .let_in()
            .map_err(|error| unwritable(&path, error))?;
        presence.ring();
        Ok((connection, presence))
    }

    /// A new store would take the files of one that was moved away for strays.
    fn refuse_outputs_of_another(&self) -> Result<()> {
        if self.spill.files().map_or(true, |files| files.is_empty()) {
            return Ok(());
        }
        let (path, folder) = (self.path.display(), outputs_path(&self.path));
        Err(Error::conflict(format!(
            "the store in {path}: it is new, and {} holds large results of another one; move that folder to where its file is, or remove it",
            folder.display()
        )))
    }

    /// Begins our session, and tells the last change before it.
    fn sit_down(&self, connection: &Connection) -> rusqlite::Result<(Presence, i64)> {
        connection.execute_batch(sql::BEGIN)?;
        let begun = Presence::begin(connection, &self.path, self.guard.alone);
        let last = connection.query_row(sql::LAST_CHANGE, [], |row| row.get::<_, Option<i64>>(0));
        match (begun, last) {
            (Ok(presence), Ok(last)) => {
                connection.execute_batch(sql::COMMIT)?;
                Ok((presence, last.unwrap_or(0)))
            }
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }

    /// A new connection.
    pub(crate) fn connect(&self, role: Role) -> rusqlite::Result<Connection> {
        let connection = self.bare()?;
        match role {
            Role::Writer => self.set_up_writer(&connection)?,
            Role::Reader => connection.pragma_update(None, "query_only", true)?,
            Role::Copier => {}
        }
        Ok(connection)
    }

    fn bare(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // The log stays where others may have it open: see `guard`.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection.pragma_update(None, "cache_size", -CACHE)?;
        connection.pragma_update(None, "temp_store", "memory")?;
        Ok(connection)
    }

    fn set_up_writer(&self, connection: &Connection) -> rusqlite::Result<()> {
        // Has a meaning only before there is anything in the file.
        connection.pragma_update(None, "auto_vacuum", "incremental")?;
        log_ahead(connection)?;
        connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
        connection.pragma_update(None, "journal_size_limit", LOG_SIZE)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "cell_size_check", true)?;
        let synchronous = match self.durability {
            Durability::Full => "full",
            Durability::Process => "normal",
        };
        connection.pragma_update(None, "synchronous", synchronous)
    }
}

/// The folder of the large output of the store at `path`.
pub(crate) fn outputs_path(path: &Path) -> PathBuf {
    beside(path, "-outputs")
}

/// Has SQLite write to its log first. It answers with the mode it is in, and where that can't be
/// changed it stays what it was: so the answer is read to its end, where errors come too.
fn log_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("PRAGMA journal_mode = wal")?;
    let mut rows = statement.query([])?;
    let mut mode = String::new();
    while let Some(row) = rows.next()? {
        mode = row.get(0)?;
    }
    if mode == "wal" {
        return Ok(());
    }
    let failed = ffi::Error::new(ffi::SQLITE_CANTOPEN);
    let message = format!("its log can't be used, the journal stays \"{mode}\"");
    Err(rusqlite::Error::SqliteFailure(failed, Some(message)))
}

/// # Errors
/// `Internal` for a version of SQLite that can damage files.
fn check_version(number: i32) -> Result<()> {
    if number >= OLDEST_SQLITE {
        return Ok(());
    }
    let spell = |number: i32| {
        let (major, minor) = (number / 1_000_000, number / 1_000 % 1_000);
        format!("{major}.{minor}.{}", number % 1_000)
    };
    Err(Error::new(
        ErrorKind::Internal,
        format!(
            "this program runs with SQLite {}, which can damage files: {} or newer is needed, build it with the one that comes along",
            spell(number),
            spell(OLDEST_SQLITE)
        ),
    ))
}

/// Looks at the path without opening what is there: closing it again would drop the locks of those
/// in this process that have it open.
fn check_path(path: &Path) -> Result<PathBuf> {
    if path.as_os_str().is_empty() {
        return Err(Error::invalid(
            "sqlite: needs the path of a file, such as sqlite:jobs.db",
        ));
    }
    let shown = path.display();
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err(Error::invalid(format!(
            "the store in {path:?}: no path has a NUL character in it; choose another"
        )));
    }
    if path.is_dir() {
        return Err(Error::invalid(format!(
            "the store in {shown}: this is a folder; give the path of a file in it, such as {}",
            path.join("jobs.db").display()
        )));
    }
    if path
        .metadata()
        .is_ok_and(|file| (1..SMALLEST).contains(&file.len()))
    {
        // SQLite would take it for an empty one, and write over what is in it.
        return Err(Error::invalid(format!(
            "the store in {shown}: the file is not an SQLite database; give a path of its own to the jobs"
        )));
    }
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let folder = parent.canonicalize().map_err(|error| {
        Error::invalid(format!(
            "the store in {shown}: there is no folder {}; make it first",
            parent.display()
        ))
        .with_source(error)
    })?;
    filesystem::check(&folder, path)?;
    // The same file under one name, wherever the program goes meanwhile.
    let name = path.file_name().ok_or_else(|| {
        Error::invalid(format!(
            "the store in {shown}: this is not the path of a file"
        ))
    })?;
    let whole = folder.join(name);
    Ok(whole.canonicalize().unwrap_or(whole))
}

fn unwritable(path: &Path, error: std::io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::TimedOut {
        return Trouble::of(path, &no_turn(error)).error();
    }
    let unlockable = error.kind() == std::io::ErrorKind::Unsupported || has_no_locks(&error);
    let what = if unlockable {
        "files in its folder can't be locked"
    } else {
        "its folder can't be written"
    };
    let todo = if unlockable {
        "choose a path on a disk of this machine"
    } else {
        "allow it, or choose another path"
    };
    let message = format!("the store in {}: {what} ({error}); {todo}", path.display());
    Error::new(ErrorKind::Unavailable, message).with_source(error)
}

/// Whether the system says that it has no locks there.
fn has_no_locks(error: &std::io::Error) -> bool {
    #[cfg(unix)]
    let none = rustix::io::Errno::NOLCK.raw_os_error();
    #[cfg(not(unix))]
    let none = i32::MIN;
    error.raw_os_error() == Some(none)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_locks_is_told_apart_from_one_that_cannot_be_written() {
        use rustix::io::Errno;
        let path = Path::new("/mnt/jobs.db");
        let says = |errno: Errno| unwritable(path, errno.into()).to_string();
        for errno in [Errno::NOLCK, Errno::NOSYS, Errno::OPNOTSUPP] {
            let message = says(errno);
            assert!(message.contains("can't be locked"), "{message}");
            assert!(message.contains("/mnt/jobs.db") && message.contains("a disk of this machine"));
        }
        assert!(says(Errno::ACCESS).contains("can't be written"));
    }

    #[test]
    fn an_old_sqlite_is_refused() {
        assert!(check_version(rusqlite::version_number()).is_ok());
        assert!(check_version(OLDEST_SQLITE).is_ok());
        let error = check_version(3_051_002).unwrap_err();
        assert!(error.to_string().contains("3.51.2"), "{error}");
        assert!(error.to_string().contains("3.51.3"), "{error}");
    }
}
