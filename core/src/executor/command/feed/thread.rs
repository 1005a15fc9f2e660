//! Writes to a command's standard input what it reads, on a thread that waits for it.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use crate::process::{Descriptor, Reactor};

/// What is written to a command.
pub(super) struct Feed {
    _private: (),
}

impl Feed {
    /// Writes `bytes` to `pipe`, and then closes it.
    pub(super) fn start(_: &Reactor, pipe: Descriptor, bytes: Vec<u8>) -> io::Result<Arc<Self>> {
        let builder = std::thread::Builder::new().name("bursar-input".into());
        // Whoever doesn't read all of it need not: it fails once nobody is left who could.
        builder.spawn(move || File::from(pipe).write_all(&bytes))?;
        Ok(Arc::new(Self { _private: () }))
    }

    /// Nothing: it ends by itself with whoever reads.
    pub(super) fn stop(&self) {}
}
