//! Results in files: opened and read on the threads that Node keeps for such work.

use std::sync::Arc;

use bursar::core::{Captured, Engine, Error, JobId, SpillReader, Spilled};
use napi::Env;
use napi::bindgen_prelude::{AsyncTask, Buffer, Task};
use napi_derive::napi;
use parking_lot::Mutex;

use crate::engine::NativeEngine;
use crate::error::Result;
use crate::query::parse;

/// A result that is in a file.
#[napi]
pub struct SpilledResult {
    file: Arc<Spilled>,
}

impl SpilledResult {
    pub(crate) fn new(file: &Arc<Spilled>) -> Self {
        let file = Arc::clone(file);
        Self { file }
    }
}

#[napi]
impl SpilledResult {
    /// Opens the file.
    #[napi(catch_unwind)]
    pub fn open(&self) -> AsyncTask<Opening> {
        let captured = Captured::File(Arc::clone(&self.file));
        AsyncTask::new(Opening::Known(captured))
    }
}

#[napi]
impl NativeEngine {
    /// Opens what the newest attempt of a job has written under a name.
    #[napi(catch_unwind)]
    pub fn open_output(&self, id: String, name: String) -> Result<AsyncTask<Opening>> {
        let (engine, id) = (self.engine.clone(), parse(&id)?);
        Ok(AsyncTask::new(Opening::Asked { engine, id, name }))
    }
}

/// A file on its way to be opened.
pub enum Opening {
    /// It is known which.
    Known(Captured),
    /// The store knows which.
    Asked {
        /// The engine that asks it.
        engine: Engine,
        /// The job.
        id: JobId,
        /// What of it.
        name: String,
    },
}

impl Opening {
    fn open(&self) -> std::result::Result<SpillReader, Error> {
        match self {
            Self::Known(captured) => captured.open(),
            Self::Asked { engine, id, name } => engine.output(*id, name).wait()?.open(),
        }
    }
}

/// What was opened, or why it wasn't.
#[napi(object, object_from_js = false)]
pub struct Opened {
    /// What reads it.
    pub reader: Option<ResultReader>,
    /// The code of the error.
    pub code: Option<String>,
    /// Its message.
    pub message: Option<String>,
}

impl Task for Opening {
    type Output = std::result::Result<SpillReader, Error>;
    type JsValue = Opened;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(self.open())
    }

    fn resolve(&mut self, _: Env, opened: Self::Output) -> napi::Result<Opened> {
        Ok(match opened {
            Ok(reader) => Opened {
                reader: Some(ResultReader {
                    reader: Arc::new(Mutex::new(Some(reader))),
                }),
                code: None,
                message: None,
            },
            Err(error) => Opened {
                reader: None,
                code: Some(error.kind().as_str().to_owned()),
                message: Some(error.message().to_owned()),
            },
        })
    }
}

type Shared = Arc<Mutex<Option<SpillReader>>>;

/// A result that is read a piece at a time.
#[napi]
pub struct ResultReader {
    reader: Shared,
}

#[napi]
impl ResultReader {
    /// At most `size` bytes; none at the end.
    #[napi(catch_unwind)]
    pub fn read(&self, size: u32) -> AsyncTask<Reading> {
        let reader = Arc::clone(&self.reader);
        let most = Some(size as usize);
        AsyncTask::new(Reading { reader, most })
    }

    /// All that is left.
    #[napi(catch_unwind)]
    pub fn read_whole(&self) -> AsyncTask<Reading> {
        let reader = Arc::clone(&self.reader);
        AsyncTask::new(Reading { reader, most: None })
    }

    /// Lets the file go.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        // A read that is under way on another thread ends first: it lets go of the file itself.
        if let Some(mut reader) = self.reader.try_lock() {
            drop(reader.take());
        }
    }
}

/// What was read, or why it wasn't.
#[napi(object, object_from_js = false)]
pub struct Piece {
    /// The bytes.
    pub bytes: Option<Buffer>,
    /// The code of the error.
    pub code: Option<String>,
    /// Its message.
    pub message: Option<String>,
}

/// A read on its way.
pub struct Reading {
    reader: Shared,
    most: Option<usize>,
}

impl Reading {
    fn read(&self) -> std::result::Result<Vec<u8>, Error> {
        let mut reader = self.reader.lock();
        match (self.most, reader.as_mut()) {
            (_, None) => Ok(Vec::new()),
            (Some(most), Some(reader)) => {
                let mut bytes = vec![0; most];
                let length = reader.fill(&mut bytes)?;
                bytes.truncate(length);
                Ok(bytes)
            }
            (None, Some(_)) => reader
                .take()
                .map_or(Ok(Vec::new()), SpillReader::read_whole),
        }
    }
}

impl Task for Reading {
    type Output = std::result::Result<Vec<u8>, Error>;
    type JsValue = Piece;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        Ok(self.read())
    }

    fn resolve(&mut self, _: Env, read: Self::Output) -> napi::Result<Piece> {
        Ok(match read {
            Ok(bytes) => Piece {
                bytes: Some(bytes.into()),
                code: None,
                message: None,
            },
            Err(error) => Piece {
                bytes: None,
                code: Some(error.kind().as_str().to_owned()),
                message: Some(error.message().to_owned()),
            },
        })
    }
}
