//! Reading what was written, whole or a piece at a time.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result};
use crate::spill::Spilled;

/// What is left to be read. Where it comes from a file, its checksum is looked at when the last byte was
/// read: that read fails where something else was in the file than was written.
///
/// It needs no memory of its own beside the caller's buffer. It blocks the thread that reads.
#[derive(Debug)]
pub struct SpillReader(Source);

#[derive(Debug)]
enum Source {
    Inline { bytes: Arc<[u8]>, at: usize },
    File(Box<Reading>),
}

#[derive(Debug)]
struct Reading {
    file: File,
    path: PathBuf,
    left: u64,
    size: u64,
    expected: [u8; 32],
    hash: Sha256,
    /// Its checksum was looked at.
    checked: bool,
}

impl SpillReader {
    /// Reads these bytes.
    pub(super) fn of(bytes: Arc<[u8]>) -> Self {
        Self(Source::Inline { bytes, at: 0 })
    }

    pub(super) fn open(spilled: &Spilled) -> Result<Self> {
        let path = spilled.path();
        // Something else of that name could keep whoever opens it waiting for ever.
        let found = path.symlink_metadata();
        let found = found.map_err(|error| unreadable(&path, error))?;
        if !found.is_file() {
            return Err(damaged(&path, "it is no file any more"));
        }
        if found.len() != spilled.size {
            let (is, was) = (found.len(), spilled.size);
            return Err(damaged(
                &path,
                &format!("it has {is} bytes, and {was} were written"),
            ));
        }
        let file = File::open(&path).map_err(|error| unreadable(&path, error))?;
        Ok(Self(Source::File(Box::new(Reading {
            file,
            path,
            left: spilled.size,
            size: spilled.size,
            expected: spilled.sha256,
            hash: Sha256::new(),
            checked: false,
        }))))
    }

    /// How many bytes there are in all.
    pub fn size(&self) -> u64 {
        match &self.0 {
            Source::Inline { bytes, .. } => bytes.len() as u64,
            Source::File(reading) => reading.size,
        }
    }

    /// Reads into `buffer`, and says how many bytes; 0 at the end.
    ///
    /// # Errors
    /// `Unavailable`, which names the file, where it can't be read, or holds something else than was
    /// written.
    pub fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        match &mut self.0 {
            Source::Inline { bytes, at } => {
                let rest = &bytes[*at..];
                let length = rest.len().min(buffer.len());
                buffer[..length].copy_from_slice(&rest[..length]);
                *at += length;
                Ok(length)
            }
            Source::File(reading) => reading.fill(buffer),
        }
    }

    /// All that is left.
    ///
    /// # Errors
    /// As [`fill`](Self::fill).
    pub fn read_whole(mut self) -> Result<Vec<u8>> {
        let mut whole = vec![0; self.size() as usize];
        let mut length = 0;
        loop {
            let read = self.fill(&mut whole[length..])?;
            if read == 0 {
                whole.truncate(length);
                return Ok(whole);
            }
            length += read;
        }
    }
}

impl Reading {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if self.left == 0 {
            return self.check().map(|()| 0);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let room = buffer.len().min(most);
        let buffer = &mut buffer[..room];
        if buffer.is_empty() {
            return Ok(0);
        }
        let length = loop {
            match self.file.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other.map_err(|error| unreadable(&self.path, error))?,
            }
        };
        if length == 0 {
            return Err(damaged(&self.path, "it ends too soon"));
        }
        self.hash.update(&buffer[..length]);
        self.left -= length as u64;
        if self.left == 0 {
            self.check()?;
        }
        Ok(length)
    }

    fn check(&mut self) -> Result<()> {
        if !self.checked {
            let found: [u8; 32] = self.hash.finalize_reset().into();
            if found != self.expected {
                return Err(damaged(&self.path, "its checksum is wrong"));
            }
            self.checked = true;
        }
        Ok(())
    }
}

impl Read for SpillReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.fill(buffer).map_err(|error| {
            let kind = match error.kind() {
                ErrorKind::NotFound => io::ErrorKind::NotFound,
                _ => io::ErrorKind::InvalidData,
            };
            io::Error::new(kind, error)
        })
    }
}

fn unreadable(path: &std::path::Path, error: io::Error) -> Error {
    let shown = path.display();
    if error.kind() == io::ErrorKind::NotFound {
        let message = format!(
            "the file {shown} of a large output is gone: it goes with its job, which was deleted or forgotten; or another program has removed it"
        );
        return Error::not_found(message).with_source(error);
    }
    let message = format!(
        "the file {shown} of a large output can't be read ({error}): look at its permissions, and at the disk"
    );
    Error::new(ErrorKind::Unavailable, message).with_source(error)
}

fn damaged(path: &std::path::Path, what: &str) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!(
            "the file {} of a large output is damaged: {what}; restore it from a backup, or run the job again",
            path.display()
        ),
    )
}
