//! The folder of a store's large output.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::error::{Error, ErrorKind, Result};
use crate::id::JobId;
use crate::payload::{ContentType, Payload};
use crate::spill::private::Private;
use crate::spill::{Captured, RESULT, SPILL_ABOVE, SpillName, SpillWriter, Spilled};

/// The file in a folder that is locked in part by whoever copies it, and whole by whoever removes files.
pub(super) const LOCK: &str = ".lock";

/// Where a store keeps large output: a folder for nobody but its user (0700) with files that nobody else
/// reads (0600). It is made when there is something to put in it. Clones are handles on the same one.
#[derive(Clone)]
pub struct SpillFolder(Arc<Place>);

enum Place {
    /// Beside a store on disk: what is in it is synced.
    Beside(Arc<Path>),
    /// In the system's temporary directory: it goes with its store.
    Private(Mutex<Private>),
}

/// While this is held, nobody removes a file from the folder.
#[derive(Debug)]
pub struct SpillHold(#[expect(dead_code, reason = "it is unlocked when it is closed")] File);

impl SpillFolder {
    /// A folder that stays, for a store that does.
    pub fn beside(path: impl Into<PathBuf>) -> Self {
        Self(Arc::new(Place::Beside(path.into().into())))
    }

    /// A folder in the system's temporary directory, removed with [`close`](Self::close), or with the last
    /// handle. One that a process left there which was killed goes when another one is made.
    pub fn private() -> Self {
        Self(Arc::new(Place::Private(Mutex::new(Private::NotMade))))
    }

    /// Whether it outlives the process.
    pub fn is_durable(&self) -> bool {
        matches!(&*self.0, Place::Beside(_))
    }

    /// Where it is; `None` for a private one that was not made yet, or is closed.
    pub fn path(&self) -> Option<Arc<Path>> {
        match &*self.0 {
            Place::Beside(path) => Some(Arc::clone(path)),
            Place::Private(private) => private.lock().path(),
        }
    }

    /// Takes in what an attempt gives as `what`: a name of `a-z`, `0-9` and `_`.
    ///
    /// # Errors
    /// `Invalid` for another name.
    pub fn writer(&self, job: JobId, attempt: u32, what: &str) -> Result<SpillWriter> {
        let name = SpillName::new(job, attempt, what)?;
        Ok(SpillWriter::new(self.clone(), name))
    }

    /// The same payload, by reference where it is encoded and too long to be kept as it is.
    ///
    /// # Errors
    /// `Unavailable` where the file can't be written.
    pub(crate) fn keep(&self, payload: &Payload, job: JobId, attempt: u32) -> Result<Payload> {
        let Payload::Bytes(kind, bytes) = payload else {
            return Ok(payload.clone());
        };
        let mut writer = self.writer(job, attempt, RESULT)?;
        writer.append(bytes)?;
        Ok(match writer.finish()? {
            // As it was, rather than another copy.
            Captured::Inline(_) => payload.clone(),
            Captured::File(file) => Payload::Spilled(*kind, file),
        })
    }

    /// What a store knows of a file here.
    ///
    /// # Errors
    /// `Invalid` where that is not the name of such a file.
    pub fn spilled(
        &self,
        file: &str,
        size: u64,
        sha256: [u8; 32],
        preview: &[u8],
    ) -> Result<Spilled> {
        file.parse::<SpillName>()?;
        Ok(Spilled {
            folder: self.path().unwrap_or_else(|| Path::new("").into()),
            file: file.into(),
            size,
            sha256,
            preview: preview.into(),
        })
    }

    /// Whether the file is one of this folder.
    pub fn holds(&self, spilled: &Spilled) -> bool {
        self.path().is_some_and(|path| path == spilled.folder)
    }

    /// The files that are here, in no order.
    ///
    /// # Errors
    /// What the system says.
    pub fn files(&self) -> io::Result<Vec<SpillName>> {
        let Some(path) = self.path() else {
            return Ok(Vec::new());
        };
        let entries = match fs::read_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            files.extend(name.to_str().and_then(|name| name.parse().ok()));
        }
        Ok(files)
    }

    /// Removes files that nobody names any more. Where somebody copies the folder at this moment, they
    /// stay, as strays that are swept later; so does what can't be removed.
    pub fn remove<'a>(&self, files: impl IntoIterator<Item = &'a str>) {
        let mut files = files.into_iter().peekable();
        if files.peek().is_none() {
            return;
        }
        let Some(path) = self.path() else { return };
        let lock = self.is_durable().then(|| open_lock(&path));
        if let Some(lock) = &lock
            && !lock.as_ref().is_ok_and(|lock| lock.try_lock().is_ok())
        {
            return;
        }
        for file in files.filter(|file| file.parse::<SpillName>().is_ok()) {
            let _ = fs::remove_file(path.join(file));
        }
    }

    /// Keeps every file that is here from being removed until the hold is dropped; `None` where there is no
    /// folder.
    ///
    /// # Errors
    /// What the system says.
    pub fn hold(&self) -> io::Result<Option<SpillHold>> {
        let Some(path) = self.path().filter(|path| path.is_dir()) else {
            return Ok(None);
        };
        let lock = open_lock(&path)?;
        lock.lock_shared()?;
        Ok(Some(SpillHold(lock)))
    }

    /// Removes a private folder with all that is in it; none is made again. One beside a store stays.
    pub fn close(&self) {
        if let Place::Private(private) = &*self.0 {
            let before = std::mem::replace(&mut *private.lock(), Private::Closed);
            drop(before);
        }
    }

    /// A new file of that name, or the next one that is free, and the folder that it is in.
    pub(super) fn create(&self, name: &mut SpillName) -> Result<(File, Arc<Path>)> {
        let folder = self.make()?;
        loop {
            let path = folder.join(name.to_string());
            match create_new(&path) {
                Ok(file) => return Ok((file, folder)),
                // A file of that name is another's, whatever became of them.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => name.copy += 1,
                Err(error) => return Err(unwritable(&path, error)),
            }
        }
    }

    fn make(&self) -> Result<Arc<Path>> {
        match &*self.0 {
            Place::Beside(path) => {
                let made = make_folder(path);
                made.map_err(|error| unwritable(path, error))?;
                Ok(Arc::clone(path))
            }
            Place::Private(private) => private.lock().make(),
        }
    }

    /// Brings a file to the disk, with its name, where it is to stay.
    pub(super) fn sync(&self, file: &File, folder: &Path) -> io::Result<()> {
        if !self.is_durable() {
            return Ok(());
        }
        file.sync_all()?;
        sync_folder(folder)
    }
}

/// Whether a payload is to be written to a file.
pub(crate) fn is_large(payload: &Payload) -> bool {
    matches!(payload, Payload::Bytes(ContentType::Json, bytes) if bytes.len() > SPILL_ABOVE)
}

/// Makes a folder for its user alone, where it isn't there.
fn make_folder(path: &Path) -> io::Result<()> {
    match make_private(path) {
        Ok(()) => path.parent().map_or(Ok(()), sync_folder),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => check_folder(path),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
pub(super) fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(path)
}

#[cfg(not(unix))]
pub(super) fn make_private(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// Refuses what only stands in the place of our folder, and keeps others out of it.
fn check_folder(path: &Path) -> io::Result<()> {
    let found = path.symlink_metadata()?;
    if !found.is_dir() {
        let message = "something that is no folder stands in its place";
        return Err(io::Error::new(io::ErrorKind::NotADirectory, message));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if found.permissions().mode() & 0o077 != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
        }
    }
    Ok(())
}

/// A file that wasn't there before, for its user alone.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    for_its_user(&mut options);
    options.open(path)
}

pub(super) fn open_lock(folder: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    for_its_user(&mut options);
    options.open(folder.join(LOCK))
}

#[cfg(unix)]
fn for_its_user(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600);
}

#[cfg(not(unix))]
fn for_its_user(_: &mut OpenOptions) {}

/// Brings the names in a folder to the disk.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        // A folder can't be opened as a file there, and its changes are ordered by the system's journal.
        Ok(())
    }
}

pub(super) fn unwritable(path: &Path, error: io::Error) -> Error {
    let message = format!(
        "the file {} of a large output can't be written ({error}): free some space, or allow it",
        path.display()
    );
    Error::new(ErrorKind::Unavailable, message).with_source(error)
}

impl PartialEq for SpillFolder {
    fn eq(&self, other: &Self) -> bool {
        match (&*self.0, &*other.0) {
            (Place::Beside(one), Place::Beside(other)) => one == other,
            _ => Arc::ptr_eq(&self.0, &other.0),
        }
    }
}

impl Eq for SpillFolder {}

impl fmt::Debug for SpillFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SpillFolder").field(&self.path()).finish()
    }
}
