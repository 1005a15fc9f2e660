//! What a job is given and what it gives back. The engine never looks inside.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::spill::{Captured, SpillReader, Spilled};

/// How the bytes of a payload are encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ContentType {
    /// `application/json`
    #[default]
    Json,
}

impl ContentType {
    /// The media type, as it is stored beside the bytes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "application/json",
        }
    }
}

/// Bytes in an encoding of the host language's own, such as pickle: what it and its own processes
/// exchange. A payload of them is live: no store on disk takes it.
struct HostBytes(Box<[u8]>);

/// Arguments or a result: encoded bytes, or a live object of the host language where the store
/// lives and ends with the process.
#[derive(Clone, Default)]
pub enum Payload {
    /// Nothing: JSON's `null`.
    #[default]
    Null,
    /// Encoded bytes and how they are encoded.
    Bytes(ContentType, Arc<[u8]>),
    /// A live object that only its own binding understands. It is never dropped under a lock of
    /// the engine, since dropping it may run the user's code.
    Live(Arc<dyn Any + Send + Sync>),
    /// Encoded bytes in a file, and how they are encoded: a result that is too large to be kept with its
    /// job.
    Spilled(ContentType, Arc<Spilled>),
}

impl Payload {
    /// JSON text as a payload.
    pub fn json(bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        if *bytes == *b"null" {
            Self::Null
        } else {
            Self::Bytes(ContentType::Json, bytes)
        }
    }

    /// Bytes in an encoding of the host language's own.
    pub fn host_bytes(bytes: impl Into<Box<[u8]>>) -> Self {
        Self::Live(Arc::new(HostBytes(bytes.into())))
    }

    /// The bytes in an encoding of the host language's own; `None` for anything else.
    pub fn as_host_bytes(&self) -> Option<&[u8]> {
        self.live_ref::<HostBytes>().map(|bytes| &*bytes.0)
    }

    /// The JSON text; `None` for a live object, and for a file, which must be [`read`](Self::read) before.
    pub fn as_json(&self) -> Option<&[u8]> {
        match self {
            Self::Null => Some(b"null"),
            Self::Bytes(ContentType::Json, bytes) => Some(bytes),
            Self::Live(_) | Self::Spilled(..) => None,
        }
    }

    /// The file that it is in, if it is.
    pub fn as_spilled(&self) -> Option<&Arc<Spilled>> {
        match self {
            Self::Spilled(_, file) => Some(file),
            _ => None,
        }
    }

    /// The same without a file: what is in one is read, and its checksum looked at. Blocks the thread
    /// meanwhile.
    ///
    /// # Errors
    /// As [`Spilled::read`].
    pub fn read(&self) -> Result<Self> {
        match self {
            Self::Spilled(kind, file) => Ok(Self::Bytes(*kind, file.read()?.into())),
            other => Ok(other.clone()),
        }
    }

    /// Reads the encoded bytes a piece at a time.
    ///
    /// # Errors
    /// `Invalid` for a live object; as [`Spilled::open`].
    pub fn open(&self) -> Result<SpillReader> {
        match self {
            Self::Null => Captured::Inline(Arc::from(*b"null")).open(),
            Self::Bytes(_, bytes) => Captured::Inline(Arc::clone(bytes)).open(),
            Self::Spilled(_, file) => file.open(),
            Self::Live(_) => Err(Error::invalid(
                "a live object has no bytes to be read: ask for the result itself",
            )),
        }
    }

    /// The live object, where it is one of type `T`.
    pub fn as_live<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        match self {
            Self::Live(object) => Arc::clone(object).downcast().ok(),
            Self::Null | Self::Bytes(..) | Self::Spilled(..) => None,
        }
    }

    /// The live object, where it is one of type `T`, without taking a share in it.
    pub fn live_ref<T: Any + Send + Sync>(&self) -> Option<&T> {
        match self {
            Self::Live(object) => object.downcast_ref(),
            Self::Null | Self::Bytes(..) | Self::Spilled(..) => None,
        }
    }

    /// Whether this is a live object.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Live(_))
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Bytes(kind, bytes) => {
                write!(f, "Bytes({}, {} bytes)", kind.as_str(), bytes.len())
            }
            Self::Live(_) => f.write_str("Live"),
            Self::Spilled(kind, file) => {
                write!(f, "Spilled({}, {} bytes)", kind.as_str(), file.size())
            }
        }
    }
}
