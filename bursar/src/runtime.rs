//! The tokio runtime that runs asynchronous tasks: the caller's, or one of the engine's own.

use bursar_core::{Error, ErrorKind, Result};
use tokio::runtime::{Builder, Handle, Runtime as Tokio};

/// A runtime that somebody else keeps, or that ends with the engine.
#[derive(Debug)]
pub(crate) struct Runtime {
    handle: Handle,
    own: Option<Tokio>,
}

impl Runtime {
    /// The runtime that this code runs in, else a new one with a thread per core.
    ///
    /// # Errors
    /// `Unavailable` where the system gives no threads.
    pub(crate) fn current_or_own() -> Result<Self> {
        if let Ok(handle) = Handle::try_current() {
            return Ok(Self { handle, own: None });
        }
        let own = Builder::new_multi_thread()
            .thread_name("bursar-async")
            .enable_time()
            .build()
            .map_err(|error| {
                let message = "the threads of the engine could not be started";
                Error::new(ErrorKind::Unavailable, message).with_source(error)
            })?;
        let handle = own.handle().clone();
        Ok(Self {
            handle,
            own: Some(own),
        })
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Runtime {
    /// The last handle of an engine may be dropped in asynchronous code, which must not block.
    fn drop(&mut self) {
        if let Some(own) = self.own.take() {
            own.shutdown_background();
        }
    }
}
