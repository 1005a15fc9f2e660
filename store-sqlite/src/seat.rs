//! Our place among those who have the store open: a file beside it that we hold locked while we
//! live. Others see by the lock whether we are gone, and write to the file when there is something
//! to hear.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use crate::guard::{beside, create};

/// The file of a session, locked. It is unlocked when this is dropped, or the process ends.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) session: i64,
    path: PathBuf,
    file: File,
}

impl Seat {
    /// Takes the seat of a session, before anybody can have heard of that.
    pub(crate) fn take(store: &Path, session: i64) -> io::Result<Self> {
        let path = path_of(store, session);
        let file = create(&path)?;
        file.try_lock()?;
        Ok(Self {
            session,
            path,
            file,
        })
    }

    /// Gives the seat back. Nobody knows of the session any more.
    pub(crate) fn leave(self) {
        // A file more does no harm.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // A child that was forked meanwhile shares the lock: closing our side alone would not end
        // it.
        let _ = self.file.unlock();
    }
}

/// The file of a session.
pub(crate) fn path_of(store: &Path, session: i64) -> PathBuf {
    beside(store, &format!("{PREFIX}{session}"))
}

const PREFIX: &str = "-session-";

/// Whether whoever sat there is gone. Where there is no file, nobody can tell.
pub(crate) fn is_empty(store: &Path, session: i64) -> bool {
    File::open(path_of(store, session)).is_ok_and(|file| file.try_lock_shared().is_ok())
}

/// Removes the file of a session that is gone.
pub(crate) fn clear(store: &Path, session: i64) {
    // A file more does no harm.
    let _ = std::fs::remove_file(path_of(store, session));
}

/// Removes what sessions have left behind, once nobody has the store open.
pub(crate) fn clear_all(store: &Path) {
    let Some(folder) = store.parent() else { return };
    let Some(name) = store.file_name() else {
        return;
    };
    let mut prefix = name.to_owned();
    prefix.push(PREFIX);
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    let prefix = prefix.as_encoded_bytes();
    let ours = entries.flatten().filter(|entry| {
        let name = entry.file_name();
        let number = name.as_encoded_bytes().strip_prefix(prefix);
        number.is_some_and(|number| number.iter().all(u8::is_ascii_digit))
    });
    for entry in ours {
        let _ = std::fs::remove_file(entry.path());
    }
}

/// The bell of another session: what is written there wakes it.
pub(crate) fn bell_of(store: &Path, session: i64) -> io::Result<File> {
    OpenOptions::new().write(true).open(path_of(store, session))
}

/// Rings a bell.
#[cfg(unix)]
pub(crate) fn ring(bell: &File) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(bell, b"!", 0)
}

/// Elsewhere nobody can write to what another one has locked: they look by themselves.
#[cfg(not(unix))]
pub(crate) fn ring(_: &File) -> io::Result<()> {
    Ok(())
}
