//! A folder in the system's temporary directory, which goes with its process.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::spill::folder::{LOCK, make_private, open_lock, unwritable};

/// How the names of all such folders begin; the number of the process and another number follow.
const BEGINNING: &str = "bursar-";

/// A private folder, made when it is first needed.
#[derive(Debug)]
pub(super) enum Private {
    NotMade,
    Made(Made),
    Closed,
}

#[derive(Debug)]
pub(super) struct Made {
    path: Arc<Path>,
    /// Locked while the process lives: whoever finds it free removes the folder.
    _lock: File,
    /// A child that was forked from it must not remove it.
    process: u32,
}

impl Private {
    pub(super) fn path(&self) -> Option<Arc<Path>> {
        match self {
            Self::Made(made) => Some(Arc::clone(&made.path)),
            Self::NotMade | Self::Closed => None,
        }
    }

    /// The folder, made now where it isn't there.
    ///
    /// # Errors
    /// `Closed` after the close; `Unavailable` where it can't be made.
    pub(super) fn make(&mut self) -> Result<Arc<Path>> {
        if matches!(self, Self::Closed) {
            return Err(Error::closed());
        }
        if let Self::Made(made) = self {
            return Ok(Arc::clone(&made.path));
        }
        let parent = std::env::temp_dir();
        let made = Made::new(&parent).map_err(|error| unwritable(&parent, error))?;
        sweep(&parent, &made.path);
        let path = Arc::clone(&made.path);
        *self = Self::Made(made);
        Ok(path)
    }
}

impl Made {
    fn new(parent: &Path) -> io::Result<Self> {
        let process = std::process::id();
        let mut number = 0_u32;
        loop {
            number += 1;
            let path = parent.join(format!("{BEGINNING}{process}-{number}"));
            match make_private(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                made => made?,
            }
            if let Some(lock) = take(&path)? {
                return Ok(Self {
                    path: path.into(),
                    _lock: lock,
                    process,
                });
            }
        }
    }
}

/// The lock of a folder that was just made; `None` where somebody has swept it meanwhile.
fn take(path: &Path) -> io::Result<Option<File>> {
    let lock = match open_lock(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        lock => lock?,
    };
    Ok((lock.try_lock().is_ok() && path.join(LOCK).exists()).then_some(lock))
}

impl Drop for Made {
    fn drop(&mut self) {
        if self.process == std::process::id() {
            // What stays is removed by whoever makes the next one.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Removes the folders of processes that are gone: those of this user whose lock is free.
fn sweep(parent: &Path, own: &Path) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path != own && is_ours(&path, own) && is_left(&path) {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

fn is_ours(path: &Path, own: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let numbers = name.and_then(|name| name.strip_prefix(BEGINNING)?.split_once('-'));
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    numbers.is_some_and(|(process, count)| number(process) && number(count)) && same_user(path, own)
}

#[cfg(unix)]
fn same_user(path: &Path, own: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let found = |path: &Path| path.symlink_metadata().ok().filter(fs::Metadata::is_dir);
    let user = |path: &Path| found(path).map(|found| found.uid());
    user(path).is_some() && user(path) == user(own)
}

#[cfg(not(unix))]
fn same_user(path: &Path, _: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_dir())
}

/// Whether nobody holds its lock. One that has none is about to be locked.
fn is_left(path: &Path) -> bool {
    File::open(path.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_processes_that_are_gone_are_swept() {
        let parent = std::env::temp_dir().join(format!("bursar-private-{}", std::process::id()));
        fs::create_dir_all(&parent).unwrap();
        let (one, other) = (Made::new(&parent).unwrap(), Made::new(&parent).unwrap());
        let make = |name: &str| {
            let path = parent.join(name);
            fs::create_dir(&path).unwrap();
            path
        };
        let left = make("bursar-999999-1");
        fs::write(left.join(LOCK), "").unwrap();
        fs::write(left.join("what"), "ever").unwrap();
        let kept = [
            make("bursar-999999-2"),
            make("bursar-of-mine"),
            make("other-1-1"),
        ];
        for path in &kept[1..] {
            fs::write(path.join(LOCK), "").unwrap();
        }
        sweep(&parent, &one.path);
        assert!(!left.exists());
        assert!(kept.iter().all(|path| path.exists()) && other.path.exists());
        let path = Arc::clone(&other.path);
        drop(other);
        assert!(!path.exists());
        drop(one);
        fs::remove_dir_all(parent).unwrap();
    }

    #[test]
    fn a_forked_child_leaves_the_folder_alone() {
        let parent = std::env::temp_dir();
        let mut made = Made::new(&parent).unwrap();
        made.process += 1;
        let path = Arc::clone(&made.path);
        drop(made);
        assert!(path.exists());
        fs::remove_dir_all(path).unwrap();
    }
}
