//! What was written: few bytes as they are, many by reference.

use std::sync::Arc;

use crate::error::Result;
use crate::payload::{ContentType, Payload};
use crate::spill::{PREVIEW, SpillReader, Spilled};

/// What a [`SpillWriter`](crate::SpillWriter) was given.
#[derive(Clone, Debug)]
pub enum Captured {
    /// The bytes themselves: at most [`SPILL_ABOVE`](crate::SPILL_ABOVE).
    Inline(Arc<[u8]>),
    /// The file that they are in.
    File(Arc<Spilled>),
}

impl Captured {
    /// How many bytes there are.
    pub fn size(&self) -> u64 {
        match self {
            Self::Inline(bytes) => bytes.len() as u64,
            Self::File(file) => file.size(),
        }
    }

    /// The first of them: at most [`PREVIEW`](crate::PREVIEW).
    pub fn preview(&self) -> &[u8] {
        match self {
            Self::Inline(bytes) => &bytes[..bytes.len().min(PREVIEW)],
            Self::File(file) => file.preview(),
        }
    }

    /// All of them.
    ///
    /// # Errors
    /// As [`Spilled::read`].
    pub fn read(&self) -> Result<Arc<[u8]>> {
        match self {
            Self::Inline(bytes) => Ok(Arc::clone(bytes)),
            Self::File(file) => file.read().map(Arc::from),
        }
    }

    /// Reads them a piece at a time.
    ///
    /// # Errors
    /// As [`Spilled::open`].
    pub fn open(&self) -> Result<SpillReader> {
        match self {
            Self::Inline(bytes) => Ok(SpillReader::of(Arc::clone(bytes))),
            Self::File(file) => file.open(),
        }
    }

    /// The file, where they are in one.
    pub fn as_file(&self) -> Option<&Arc<Spilled>> {
        match self {
            Self::Inline(_) => None,
            Self::File(file) => Some(file),
        }
    }

    /// The same as a payload.
    pub fn into_payload(self, kind: ContentType) -> Payload {
        match self {
            Self::Inline(bytes) => Payload::Bytes(kind, bytes),
            Self::File(file) => Payload::Spilled(kind, file),
        }
    }
}

/// Something that an attempt wrote beside its result, such as `stdout`.
#[derive(Clone, Debug)]
pub struct Output {
    /// What it is: one of a name in an attempt, of `a-z`, `0-9` and `_`.
    pub name: Arc<str>,
    /// What was written.
    pub data: Captured,
}
