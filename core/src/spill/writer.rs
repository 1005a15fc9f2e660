//! Writing output of which nobody knows how much it will be.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::spill::folder::unwritable;
use crate::spill::{Captured, PREVIEW, SPILL_ABOVE, SpillFolder, SpillName, Spilled};

/// How much is collected before it is written, in bytes.
const BLOCK: usize = 64 << 10;

/// Takes bytes in: the first [`SPILL_ABOVE`] are kept in memory, and more go to a file, so that it
/// needs no more memory however many come. Dropped before its [`finish`](Self::finish), it leaves nothing
/// behind. It blocks the thread that writes.
pub struct SpillWriter {
    folder: SpillFolder,
    name: SpillName,
    size: u64,
    body: Body,
}

enum Body {
    Memory(Vec<u8>),
    File(Box<Writing>),
    /// A write has failed, and nothing more can be made of it.
    Broken,
}

/// A file that is being written, removed when this is dropped unless it is kept.
struct Writing {
    file: File,
    folder: Arc<Path>,
    path: PathBuf,
    block: Vec<u8>,
    hash: Sha256,
    preview: Arc<[u8]>,
    kept: bool,
}

impl SpillWriter {
    pub(super) fn new(folder: SpillFolder, name: SpillName) -> Self {
        Self {
            folder,
            name,
            size: 0,
            body: Body::Memory(Vec::new()),
        }
    }

    /// How many bytes were taken in.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The first of them: at most [`PREVIEW`].
    pub fn preview(&self) -> &[u8] {
        match &self.body {
            Body::Memory(bytes) => &bytes[..bytes.len().min(PREVIEW)],
            Body::File(writing) => &writing.preview,
            Body::Broken => &[],
        }
    }

    /// Whether so many more bytes go to a file, or whether [`finish`](Self::finish) waits for one where they are
    /// none: it may then block for as long as the disk takes.
    pub(crate) fn waits_for_disk(&self, more: usize) -> bool {
        match &self.body {
            Body::Memory(begun) => begun.len() + more > SPILL_ABOVE,
            Body::File(_) => true,
            Body::Broken => false,
        }
    }

    /// Takes `bytes` in.
    ///
    /// # Errors
    /// `Unavailable`, which names the file, where it can't be written: nothing more can be written then.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let done = self.take(bytes);
        if done.is_err() {
            self.body = Body::Broken;
        }
        self.size += bytes.len() as u64;
        done
    }

    fn take(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.body {
            Body::Broken => Err(broken(&self.name)),
            Body::File(writing) => writing.append(bytes),
            Body::Memory(begun) if begun.len() + bytes.len() <= SPILL_ABOVE => {
                begun.extend_from_slice(bytes);
                Ok(())
            }
            Body::Memory(begun) => {
                let begun = std::mem::take(begun);
                let mut writing = Writing::begin(&self.folder, &mut self.name, &begun, bytes)?;
                writing.append(&begun)?;
                writing.append(bytes)?;
                self.body = Body::File(Box::new(writing));
                Ok(())
            }
        }
    }

    /// Ends it: the bytes themselves, or the file that they are in, which is on the disk by then. Whoever
    /// gets a file hands it to the store with the end of the attempt.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn finish(self) -> Result<Captured> {
        match self.body {
            Body::Broken => Err(broken(&self.name)),
            Body::Memory(bytes) => Ok(Captured::Inline(Arc::from(bytes))),
            Body::File(writing) => {
                let spilled = writing.finish(&self.folder, &self.name, self.size)?;
                Ok(Captured::File(Arc::new(spilled)))
            }
        }
    }
}

impl Write for SpillWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.append(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    /// Nobody reads it before it is finished.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Writing {
    /// A new file for what begins with these two.
    fn begin(
        folder: &SpillFolder,
        name: &mut SpillName,
        begun: &[u8],
        more: &[u8],
    ) -> Result<Self> {
        let (file, place) = folder.create(name)?;
        let preview = begun.iter().chain(more).copied().take(PREVIEW).collect();
        Ok(Self {
            file,
            path: place.join(name.to_string()),
            folder: place,
            block: Vec::new(),
            hash: Sha256::new(),
            preview,
            kept: false,
        })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        if self.block.len() + bytes.len() > BLOCK {
            self.flush()?;
        }
        if bytes.len() > BLOCK {
            self.write(bytes)
        } else {
            self.block.extend_from_slice(bytes);
            Ok(())
        }
    }

    fn flush(&mut self) -> Result<()> {
        let mut block = std::mem::take(&mut self.block);
        self.write(&block)?;
        block.clear();
        self.block = block;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.file.write_all(bytes);
        written.map_err(|error| unwritable(&self.path, error))?;
        self.hash.update(bytes);
        Ok(())
    }

    fn finish(mut self, folder: &SpillFolder, name: &SpillName, size: u64) -> Result<Spilled> {
        self.flush()?;
        let synced = folder.sync(&self.file, &self.folder);
        synced.map_err(|error| unwritable(&self.path, error))?;
        self.kept = true;
        Ok(Spilled {
            folder: Arc::clone(&self.folder),
            file: name.to_string().into(),
            size,
            sha256: self.hash.finalize_reset().into(),
            preview: Arc::clone(&self.preview),
        })
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if !self.kept {
            // What can't be removed is a stray, and is swept.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn broken(name: &SpillName) -> Error {
    Error::new(
        crate::error::ErrorKind::Unavailable,
        format!("the output {name} could not be written before: nothing more is added to it"),
    )
}

impl fmt::Debug for SpillWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpillWriter")
            .field("name", &self.name)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
