//! Files of a process, kept open as far as there is room.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::{CWD, Dir, Mode, OFlags, fstat, openat};
use rustix::process::{Resource, getrlimit};

/// The part of the descriptors of this process that may be kept open here.
const SHARE: u64 = 4;

/// The most descriptors that are kept.
const MOST: u64 = 8_192;

/// How many descriptors are kept.
static KEPT: AtomicUsize = AtomicUsize::new(0);

/// How many descriptors may be kept.
fn room() -> usize {
    let most = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    (most / SHARE).min(MOST) as usize
}

/// A file of a process: kept open, or opened each time where there is no more room.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: String,
    kept: Option<OwnedFd>,
}

impl File {
    pub(super) fn new(path: String) -> Self {
        Self { path, kept: None }
    }

    /// Reads its beginning. A process that has ended gives an error, even where another one has its
    /// number by now, if the file was kept.
    pub(super) fn read<'a>(&mut self, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
        let length = match &self.kept {
            Some(fd) => rustix::io::pread(fd, &mut *buffer, 0)?,
            None => {
                let fd = self.open()?;
                let length = rustix::io::pread(&fd, &mut *buffer, 0)?;
                self.keep(fd);
                length
            }
        };
        Ok(&buffer[..length])
    }

    /// How many links it has; `None` where it isn't kept, or can't be.
    pub(super) fn links(&mut self) -> Option<usize> {
        if self.kept.is_none() {
            if KEPT.load(Ordering::Relaxed) >= room() {
                return None;
            }
            let fd = self.open().ok()?;
            self.keep(fd);
        }
        let stat = fstat(self.kept.as_ref()?).ok()?;
        usize::try_from(stat.st_nlink).ok()
    }

    fn open(&self) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        Ok(openat(CWD, &*self.path, flags, Mode::empty())?)
    }

    fn keep(&mut self, fd: OwnedFd) {
        if KEPT.fetch_add(1, Ordering::Relaxed) < room() {
            self.kept = Some(fd);
        } else {
            KEPT.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        if self.kept.take().is_some() {
            KEPT.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Calls `each` with the name of everything in a folder.
///
/// # Errors
/// Those of the system.
pub(super) fn each_entry(folder: &str, mut each: impl FnMut(&str)) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let fd = openat(CWD, folder, flags, Mode::empty())?;
    for entry in Dir::read_from(fd.as_fd())?.flatten() {
        if let Ok(name) = entry.file_name().to_str()
            && !name.starts_with('.')
        {
            each(name);
        }
    }
    Ok(())
}
