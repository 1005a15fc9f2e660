//! A copy of the file, made while it is in use: a reader's snapshot, written to a new file beside the
//! one asked for, synced, and given its name once it is whole.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bursar_core::{Error, ErrorKind, Result};

use crate::error::Trouble;
use crate::open::{Place, Role};
use crate::sql;

/// Copies the store to `path`.
pub(crate) fn copy(place: &Arc<Place>, path: &Path) -> Result<()> {
    refuse_existing(path)?;
    let partial = beside(path);
    let copied = copy_whole(place, path, &partial);
    if copied.is_err() {
        // What there is of it is of no use to anybody.
        let _ = fs::remove_file(&partial);
    }
    copied
}

fn copy_whole(place: &Place, path: &Path, partial: &Path) -> Result<()> {
    let unwritable = |error: std::io::Error| {
        let message = format!(
            "the backup {}: it can't be written ({error}); choose another path, or free some space",
            path.display()
        );
        Error::new(ErrorKind::Unavailable, message).with_source(error)
    };
    // Left there by one that was interrupted.
    let _ = fs::remove_file(partial);
    write(place, partial).map_err(|error| Trouble::of(path, &error).error())?;
    File::open(partial)
        .and_then(|file| file.sync_all())
        .map_err(unwritable)?;
    refuse_existing(path)?;
    fs::rename(partial, path).map_err(unwritable)?;
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

fn refuse_existing(path: &Path) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "the backup {}: there is a file already; choose another path, or move it away",
        path.display()
    )))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(format!("-partial-{}", std::process::id()));
    PathBuf::from(name)
}
