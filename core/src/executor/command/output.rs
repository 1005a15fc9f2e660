//! Reads what a command writes, when the reactor says that there is something.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::lines::{Log, Written};
use super::run::Run;
use crate::engine::Attempt;
use crate::error::Result;
use crate::process::{Interest, Reactor, Readiness, Source, Token};
use crate::spill::Captured;

/// How much is read at a time, and how often before others have a turn.
const CHUNK: usize = 64 * 1_024;
const TURN: usize = 16;

/// One output of a command.
pub(super) struct Output {
    pipe: OwnedFd,
    reactor: Reactor,
    token: Mutex<Option<Token>>,
    written: Mutex<Written>,
    over: AtomicBool,
    run: Weak<Run>,
}

impl Output {
    /// Reads from `pipe`, which doesn't block, for the `run` of `attempt`.
    pub(super) fn new(
        level: &'static str,
        pipe: OwnedFd,
        reactor: &Reactor,
        (attempt, run): (&Attempt, Weak<Run>),
    ) -> Arc<Self> {
        Arc::new(Self {
            pipe,
            reactor: reactor.clone(),
            token: Mutex::default(),
            written: Mutex::new(Written::new(attempt, level)),
            over: AtomicBool::new(false),
            run,
        })
    }

    pub(super) fn begin(self: &Arc<Self>) -> io::Result<()> {
        let mut token = self.token.lock();
        let source = Arc::clone(self);
        *token = Some(
            self.reactor
                .add(self.pipe.as_fd(), Interest::Read, source)?,
        );
        Ok(())
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

    /// Reads what is there, and no more from then on: whoever could write is gone.
    pub(super) fn finish(&self, log: &Log) {
        while !self.over.load(Ordering::Acquire) {
            if !matches!(self.take(log), Taken::Some) {
                self.close(log);
            }
        }
    }

    fn take(&self, log: &Log) -> Taken {
        let mut chunk = [0; CHUNK];
        match rustix::io::read(&self.pipe, &mut chunk[..]) {
            Ok(0) => Taken::End,
            Ok(length) => {
                self.written.lock().add(&chunk[..length], log);
                Taken::Some
            }
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Taken::Nothing,
            Err(_) => Taken::End,
        }
    }

    fn close(&self, log: &Log) {
        if self.over.swap(true, Ordering::AcqRel) {
            return;
        }
        self.written.lock().end_line(log);
        self.let_go();
    }

    fn let_go(&self) {
        if let Some(token) = self.token.lock().take() {
            self.reactor.remove(self.pipe.as_fd(), token);
        }
    }
}

enum Taken {
    Some,
    Nothing,
    End,
}

impl Source for Output {
    fn ready(&self, _: Readiness) {
        let Some(run) = self.run.upgrade() else {
            return;
        };
        for _ in 0..TURN {
            match self.take(run.log()) {
                Taken::Some => {}
                Taken::Nothing => return,
                Taken::End => return self.close(run.log()),
            }
        }
    }

    fn abandon(&self) {
        self.over.store(true, Ordering::Release);
        self.let_go();
        // What it writes from now on would be lost.
        if let Some(run) = self.run.upgrade() {
            run.kill();
        }
    }
}
