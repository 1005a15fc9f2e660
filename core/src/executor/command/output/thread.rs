//! Reads what a command writes, on a thread that waits for it.

use std::fs::File;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;

use super::lines::{Log, Written};
use super::run::Run;
use crate::engine::Attempt;
use crate::error::Result;
use crate::process::{Descriptor, Reactor};
use crate::spill::Captured;

/// How much is read at a time.
const CHUNK: usize = 64 * 1_024;

/// How long its end is waited for once nothing of the command is left: somebody else may have been given the
/// other end of the pipe, who is not to hold it up.
const LINGER: Duration = Duration::from_secs(2);

/// One output of a command.
pub(super) struct Output {
    /// Taken by its thread.
    pipe: Mutex<Option<Descriptor>>,
    /// Disconnected once its thread has read everything.
    over: Mutex<Option<Receiver<()>>>,
    written: Mutex<Written>,
    run: Weak<Run>,
}

impl Output {
    /// Reads from `pipe` for the `run` of `attempt`.
    pub(super) fn new(
        level: &'static str,
        pipe: Descriptor,
        _: &Reactor,
        (attempt, run): (&Attempt, Weak<Run>),
    ) -> Arc<Self> {
        Arc::new(Self {
            pipe: Mutex::new(Some(pipe)),
            over: Mutex::default(),
            written: Mutex::new(Written::new(attempt, level)),
            run,
        })
    }

    pub(super) fn begin(self: &Arc<Self>) -> io::Result<()> {
        let Some(pipe) = self.pipe.lock().take() else {
            return Ok(());
        };
        let (reads, over) = channel();
        let output = Arc::clone(self);
        let builder = std::thread::Builder::new().name("bursar-output".into());
        builder.spawn(move || output.read(pipe.into(), reads))?;
        *self.over.lock() = Some(over);
        Ok(())
    }

    fn read(&self, mut pipe: File, _reads: Sender<()>) {
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = pipe.read(&mut chunk);
            let Some(run) = self.run.upgrade() else {
                return;
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return self.written.lock().end_line(run.log()),
                Ok(length) => self.written.lock().add(&chunk[..length], run.log()),
            }
        }
    }

    /// Ends it: everything that was written is kept with the attempt.
    ///
    /// # Errors
    /// Where it could not be kept.
    pub(super) fn keep(&self, attempt: &Attempt) -> Result<Captured> {
        self.written.lock().keep(attempt)
    }

    /// The last that was written, as text.
    pub(super) fn tail(&self) -> String {
        self.written.lock().tail()
    }

    /// [Finishes](Self::finish); `false` where [`keep`](Self::keep) would wait for a disk.
    pub(super) fn finish_here(&self, log: &Log) -> bool {
        self.finish(log);
        let written = self.written.try_lock();
        written.is_some_and(|written| !written.waits_for_disk(0))
    }

    /// Waits until everything was read: whoever could write is gone.
    pub(super) fn finish(&self, _: &Log) {
        if let Some(over) = self.over.lock().take() {
            let _ = over.recv_timeout(LINGER);
        }
        // One that was not begun lets its pipe go.
        let pipe = self.pipe.lock().take();
        drop(pipe);
    }
}
