//! A file by reference.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Result;
use crate::spill::SpillReader;

/// Many bytes in a file of their own: how many, their checksum, and how they begin. The file is there
/// for as long as the job that it belongs to, however long this is held.
#[derive(Clone, PartialEq, Eq)]
pub struct Spilled {
    pub(super) folder: Arc<Path>,
    pub(super) file: Arc<str>,
    pub(super) size: u64,
    pub(super) sha256: [u8; 32],
    pub(super) preview: Arc<[u8]>,
}

impl Spilled {
    /// The name of the file in its folder.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Where the file is.
    pub fn path(&self) -> PathBuf {
        self.folder.join(&*self.file)
    }

    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The SHA-256 of its bytes.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// The SHA-256 as 64 hexadecimal digits.
    pub fn sha256_hex(&self) -> String {
        self.sha256
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// How it begins: the first [`PREVIEW`](crate::PREVIEW) bytes.
    pub fn preview(&self) -> &[u8] {
        &self.preview
    }

    /// How it begins, as text: a character that is cut in two at the end is left out, and what is no text
    /// is shown as U+FFFD.
    pub fn preview_text(&self) -> String {
        let whole = match std::str::from_utf8(&self.preview) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.preview.len(),
        };
        String::from_utf8_lossy(&self.preview[..whole]).into_owned()
    }

    /// Opens it, to be read a piece at a time. Whoever has opened it reads on to its end, also where its
    /// job goes meanwhile (not on Windows).
    ///
    /// # Errors
    /// `NotFound` where the file is gone: with its job, as a rule. `Unavailable` where it has another
    /// length than was written, or can't be read. Both name the file.
    pub fn open(&self) -> Result<SpillReader> {
        SpillReader::open(self)
    }

    /// All that is in it, once its checksum was found to be right.
    ///
    /// # Errors
    /// As [`open`](Self::open), and `Unavailable` where it holds something else than was written.
    pub fn read(&self) -> Result<Vec<u8>> {
        self.open()?.read_whole()
    }

    /// Removes the file: nobody names it.
    pub(crate) fn remove(&self) {
        // What can't be removed is a stray, and is swept.
        let _ = fs::remove_file(self.path());
    }
}

impl fmt::Debug for Spilled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spilled")
            .field("file", &self.file)
            .field("size", &self.size)
            .field("sha256", &self.sha256_hex())
            .finish_non_exhaustive()
    }
}
