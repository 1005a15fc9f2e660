//! A copy of the file, made while it is in use: a reader's snapshot, written to a new file beside the
//! one asked for, synced, and given its name once it is whole. Large output goes with it, to the folder that
//! the copy looks for it in: none of it is removed here meanwhile.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bursar_core::{Error, ErrorKind, Result};
use rusqlite::{Connection, OpenFlags};

use crate::error::Trouble;
use crate::open::{Place, Role, outputs_path};
use crate::outputs;
use crate::sql;

/// Copies the store to `path`.
pub(crate) fn copy(place: &Arc<Place>, path: &Path) -> Result<()> {
    refuse_existing(path)?;
    refuse_existing(&outputs_path(path))?;
    let partial = beside(path);
    let copied = copy_whole(place, path, &partial);
    if copied.is_err() {
        // What there is of it is of no use to anybody.
        let _ = fs::remove_file(&partial);
    }
    sweep(place);
    copied
}

/// Removes what was to be removed meanwhile.
fn sweep(place: &Place) {
    if place.spill.path().is_some_and(|path| path.is_dir())
        && let Ok(connection) = place.connect(Role::Reader)
    {
        // What is left is looked at again when the store is opened.
        let _ = outputs::sweep(&connection, &place.spill);
    }
}

fn copy_whole(place: &Place, path: &Path, partial: &Path) -> Result<()> {
    let unwritable = |error: std::io::Error| {
        let message = format!(
            "the backup {}: it can't be written ({error}); choose another path, or free some space",
            path.display()
        );
        Error::new(ErrorKind::Unavailable, message).with_source(error)
    };
    let failed = |error| Trouble::of(path, &error).error();
    let (hold, files) = loop {
        let hold = place.spill.hold().map_err(unwritable)?;
        // Left there by one that was interrupted.
        let _ = fs::remove_file(partial);
        write(place, partial).map_err(failed)?;
        let files = files(partial).map_err(failed)?;
        // Where there was no folder to be held, it has come since.
        if hold.is_some() || files.is_empty() {
            break (hold, files);
        }
    };
    File::open(partial)
        .and_then(|file| file.sync_all())
        .map_err(unwritable)?;
    if !files.is_empty() {
        place.spill.copy_to(&outputs_path(path), &files)?;
    }
    drop(hold);
    let named = refuse_existing(path).and_then(|()| fs::rename(partial, path).map_err(unwritable));
    if named.is_err() && !files.is_empty() {
        // It is the copy's, and there is none.
        let _ = fs::remove_dir_all(outputs_path(path));
    }
    named?;
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))
        .and_then(|folder| folder.sync_all())
        .map_err(unwritable)
}

fn write(place: &Place, partial: &Path) -> rusqlite::Result<()> {
    let connection = place.connect(Role::Copier)?;
    let name = partial
        .to_str()
        .ok_or_else(|| rusqlite::Error::InvalidPath(partial.to_owned()))?;
    connection.execute(sql::COPY, [name])?;
    Ok(())
}

/// The files that are named in the copy.
fn files(copy: &Path) -> rusqlite::Result<Vec<String>> {
    let connection = Connection::open_with_flags(copy, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut statement = connection.prepare(sql::FILES)?;
    let files = statement.query_map([], |row| row.get(0))?;
    files.collect()
}

fn refuse_existing(path: &Path) -> Result<()> {
    if path.symlink_metadata().is_err() {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "the backup {}: there is something already; choose another path, or move it away",
        path.display()
    )))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(format!("-partial-{}", std::process::id()));
    PathBuf::from(name)
}
