//! Locks of our own beside SQLite's. Those of SQLite are dropped when another copy of SQLite in
//! this process (Python's own `sqlite3`) closes the same file (sqlite.org/howtocorrupt.html, 2.2);
//! these are not.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::holder;
use crate::timed_lock::{NotLocked, Share, TimedLock};

/// Two files beside the store's.
#[derive(Debug)]
pub(crate) struct Guard {
    path: PathBuf,
    /// Held whole by whoever writes.
    turn: TimedLock,
    /// Held in part by everyone who has the store open.
    presence: TimedLock,
    /// Nobody else had the store open when it was opened.
    pub(crate) alone: bool,
    /// The files, where they were made for this.
    made: Vec<PathBuf>,
}

/// The turn to write, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'a>(&'a TimedLock);

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
    /// others out until it calls [`let_in`](Self::let_in). Others are waited for at most for
    /// `patience`, here and at each turn.
    ///
    /// # Errors
    /// What the system says; `TimedOut`, with who is to blame, where the patience was not enough.
    pub(crate) fn open(path: &Path, patience: Duration) -> std::io::Result<Self> {
        let paths = [turn_path(path), presence_path(path)];
        let made = paths.iter().filter(|path| !path.exists()).cloned();
        let made = made.collect();
        let [turn, presence] = paths;
        let (turn, presence) = (create(&turn)?, create(&presence)?);
        let alone = presence.try_lock().is_ok();
        let guard = Self {
            path: path.to_owned(),
            turn: TimedLock::new(turn, Share::Alone, patience),
            presence: TimedLock::new(presence, Share::Together, patience),
            alone,
            made,
        };
        if !alone {
            // Until whoever opens it at this moment has looked around.
            guard.let_in()?;
        }
        Ok(guard)
    }

    /// Lets others open the store, as soon as nobody keeps others out.
    pub(crate) fn let_in(&self) -> std::io::Result<()> {
        let waited = self.presence.lock();
        waited.map_err(|error| explain(error, &self.presence, &presence_path(&self.path)))
    }

    /// Is present no more: nothing is written from here again.
    pub(crate) fn leave(&self) {
        self.presence.unlock();
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

    /// Waits for the turn to write, at most for the patience that it was opened with: whoever
    /// stands still with it keeps it, since only its holder knows whether it is in the middle of a
    /// write.
    ///
    /// # Errors
    /// See [`open`](Self::open).
    pub(crate) fn hold(&self) -> std::io::Result<Turn<'_>> {
        // Where everybody takes turns, the bug of a transaction that begins by reading can't show.
        if !cfg!(bursar_plant = "deferred_begin") {
            let waited = self.turn.lock();
            waited.map_err(|error| explain(error, &self.turn, &turn_path(&self.path)))?;
        }
        Ok(Turn(&self.turn))
    }

    /// Whether nobody has the turn to write at this moment, here or elsewhere.
    pub(crate) fn is_turn_free(&self) -> bool {
        // By a file of its own: what our writer holds is another's to this one.
        let file = File::open(turn_path(&self.path));
        file.is_ok_and(|file| file.try_lock_shared().is_ok())
    }
}

/// What to tell whoever can't go on.
fn explain(error: NotLocked, lock: &TimedLock, path: &Path) -> Error {
    let waited = match error {
        NotLocked::Held(waited) => waited,
        NotLocked::Failed(error) => return error,
    };
    let path = path.display();
    let holder = holder::of(lock.file()).map_or_else(
        || format!("another process (lsof {path} lists those that may be it)"),
        |process| format!("process {process}"),
    );
    let message = format!(
        "{holder} holds {path} locked, and others have waited for {waited:?}: it stands still or hangs; let it go on, or end it, nothing is lost by that"
    );
    Error::new(ErrorKind::TimedOut, message)
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.unlock();
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

    use bursar_testkit::{Folder, PATIENCE, until};

    use super::*;

    fn open(path: &Path) -> Guard {
        let guard = Guard::open(path, PATIENCE).unwrap();
        guard.let_in().unwrap();
        guard
    }

    #[test]
    fn one_writes_at_a_time_whatever_else_closes_the_file() {
        let folder = Folder::new();
        let path = folder.join("jobs.db");
        let (one, other) = (open(&path), open(&path));
        assert_eq!((one.alone, other.alone), (true, false));
        assert!(one.is_turn_free());
        let turn = one.hold().unwrap();
        assert!(!one.is_turn_free() && !other.is_turn_free());
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

    #[test]
    fn whoever_keeps_the_turn_is_named() {
        let folder = Folder::new();
        let path = folder.join("jobs.db");
        let hasty = || Guard::open(&path, Duration::from_millis(20));
        let one = hasty().unwrap();
        let names = |error: Error, file: &str| {
            let said = error.to_string();
            assert_eq!(error.kind(), ErrorKind::TimedOut, "{said}");
            assert!(said.contains(file) && said.contains("20ms"), "{said}");
            let holder = format!("process {} ", std::process::id());
            assert!(
                !cfg!(target_os = "linux") || said.contains(&holder),
                "{said}"
            );
        };
        names(hasty().unwrap_err(), "jobs.db-open");
        one.let_in().unwrap();
        let other = hasty().unwrap();
        let turn = one.hold().unwrap();
        names(other.hold().unwrap_err(), "jobs.db-lock");
        drop(turn);
        until("it is given back", || one.hold().is_ok());
    }
}
