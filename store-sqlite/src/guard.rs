//! Locks of our own beside SQLite's. Those of SQLite are dropped when another copy of SQLite in
//! this process (Python's own `sqlite3`) closes the same file (sqlite.org/howtocorrupt.html, 2.2);
//! these are not.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use rusqlite::ffi;

/// Two files beside the store's.
#[derive(Debug)]
pub(crate) struct Guard {
    /// Held whole by whoever writes.
    turn: File,
    /// Held in part by everyone who has the store open.
    presence: File,
    /// Nobody else had the store open when it was opened.
    pub(crate) alone: bool,
    /// The files, where they were made for this.
    made: Vec<PathBuf>,
}

/// The turn to write, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'a>(&'a File);

/// The file that whoever writes holds locked.
fn turn_path(path: &Path) -> PathBuf {
    beside(path, "-lock")
}

/// The file that everyone who has the store open holds locked.
fn presence_path(path: &Path) -> PathBuf {
    beside(path, "-open")
}

pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

impl Guard {
    /// Opens the files of the store at `path`, and is present from now on. Whoever is alone keeps
    /// others out until it calls [`let_in`](Self::let_in).
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        let paths = [turn_path(path), presence_path(path)];
        let made = paths.iter().filter(|path| !path.exists()).cloned();
        let made = made.collect();
        let [turn, presence] = paths;
        let (turn, presence) = (create(&turn)?, create(&presence)?);
        let alone = presence.try_lock().is_ok();
        if !alone {
            // Until whoever opens it at this moment has looked around.
            presence.lock_shared()?;
        }
        Ok(Self {
            turn,
            presence,
            alone,
            made,
        })
    }

    /// Lets others open the store.
    pub(crate) fn let_in(&self) -> std::io::Result<()> {
        self.presence.lock_shared()
    }

    /// Is present no more: nothing is written from here again.
    pub(crate) fn leave(&self) {
        // It can only fail where there is no lock. A child that was forked meanwhile shares the
        // lock: closing our side alone would not end it.
        let _ = self.presence.unlock();
    }

    /// Removes the files that were made for a store that could not be opened.
    pub(crate) fn discard(&self) {
        if self.alone {
            for path in &self.made {
                // A file more does no harm.
                let _ = std::fs::remove_file(path);
            }
        }
    }

    /// Waits for the turn to write.
    pub(crate) fn hold(&self) -> rusqlite::Result<Turn<'_>> {
        // Where everybody takes turns, the bug of a transaction that begins by reading can't show.
        if cfg!(bursar_plant = "deferred_begin") {
            return Ok(Turn(&self.turn));
        }
        self.turn.lock().map_err(|error| {
            let failed = ffi::Error::new(ffi::SQLITE_IOERR_LOCK);
            rusqlite::Error::SqliteFailure(failed, Some(format!("its lock file: {error}")))
        })?;
        Ok(Turn(&self.turn))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // It can only fail where there is no lock.
        let _ = self.0.unlock();
    }
}

pub(crate) fn create(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use bursar_testkit::Folder;

    use super::*;

    fn open(path: &Path) -> Guard {
        let guard = Guard::open(path).unwrap();
        guard.let_in().unwrap();
        guard
    }

    #[test]
    fn one_writes_at_a_time_whatever_else_closes_the_file() {
        let folder = Folder::new();
        let path = folder.join("jobs.db");
        let (one, other) = (open(&path), open(&path));
        assert_eq!((one.alone, other.alone), (true, false));
        let turn = one.hold().unwrap();
        // This is what drops a lock of SQLite's kind.
        drop(File::open(turn_path(&path)).unwrap());
        let (send, receive) = channel();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let turn = other.hold().unwrap();
                send.send(()).unwrap();
                drop(turn);
            });
            let early = receive.recv_timeout(Duration::from_millis(50));
            assert!(early.is_err(), "two had the turn at once");
            drop(turn);
            receive.recv().unwrap();
        });
    }

    #[test]
    fn whoever_comes_after_all_have_gone_is_alone() {
        let folder = Folder::new();
        let path = folder.join("jobs.db");
        let (one, other) = (open(&path), open(&path));
        drop(one);
        assert!(!open(&path).alone);
        drop(other);
        assert!(open(&path).alone);
    }
}
