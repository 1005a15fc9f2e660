//! Reads what a command writes, when the reactor says that there is something. Once that goes to a file, it is
//! read where a disk may be waited for: nothing is taken from the pipe meanwhile, so that a command writes no
//! faster than the disk does.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
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
    this: Weak<Self>,
    pipe: OwnedFd,
    reactor: Reactor,
    /// While the reactor tells of it.
    token: Mutex<Option<Token>>,
    /// Held by whoever reads, from the pipe to its place in what was written: the order stays that of the pipe.
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
        Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            pipe,
            reactor: reactor.clone(),
            token: Mutex::default(),
            written: Mutex::new(Written::new(attempt, level)),
            over: AtomicBool::new(false),
            run,
        })
    }

    /// Has the reactor tell of it.
    pub(super) fn begin(&self) -> io::Result<()> {
        let Some(source) = self.this.upgrade() else {
            return Ok(());
        };
        let mut token = self.token.lock();
        // Its end may have been read meanwhile, and nobody would remove it any more.
        if !self.over.load(Ordering::Acquire) {
            *token = Some(
                self.reactor
                    .add(self.pipe.as_fd(), Interest::Read, source)?,
            );
        }
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

    /// Reads what is there, and no more from then on: whoever could write is gone. `false` where that would
    /// wait for a disk, as would [`keep`](Self::keep): it is then to be [finished](Self::finish) elsewhere.
    pub(super) fn finish_here(&self, log: &Log) -> bool {
        // Only who may wait keeps it for long.
        let Some(mut written) = self.written.try_lock() else {
            return false;
        };
        while !self.over.load(Ordering::Acquire) {
            if written.waits_for_disk(CHUNK) {
                return false;
            }
            self.take_last(&mut written, log);
        }
        !written.waits_for_disk(0)
    }

    /// Reads what is there, and no more from then on, however long that takes.
    pub(super) fn finish(&self, log: &Log) {
        let mut written = self.written.lock();
        while !self.over.load(Ordering::Acquire) {
            self.take_last(&mut written, log);
        }
    }

    fn take_last(&self, written: &mut Written, log: &Log) {
        if !matches!(self.take(written, log), Taken::Some) {
            self.close(written, log);
        }
    }

    fn take(&self, written: &mut Written, log: &Log) -> Taken {
        let mut chunk = [0; CHUNK];
        match rustix::io::read(&self.pipe, &mut chunk[..]) {
            Ok(0) => Taken::End,
            Ok(length) => {
                written.add(&chunk[..length], log);
                Taken::Some
            }
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Taken::Nothing,
            Err(_) => Taken::End,
        }
    }

    /// Reads one chunk after the other until others are to have a turn, as long as `may` allows it; `false`
    /// where it did not.
    fn take_turn(&self, written: &mut Written, log: &Log, may: fn(&Written) -> bool) -> bool {
        for _ in 0..TURN {
            if self.over.load(Ordering::Acquire) {
                return true;
            }
            if !may(written) {
                return false;
            }
            match self.take(written, log) {
                Taken::Some => {}
                Taken::Nothing => return true,
                Taken::End => self.close(written, log),
            }
        }
        true
    }

    /// Reads on where a disk may be waited for; the reactor tells of it again after that.
    fn read_elsewhere(&self, run: &Run) {
        self.let_go();
        if let Some(output) = self.this.upgrade() {
            run.beside(move || output.read_on());
        }
    }

    fn read_on(&self) {
        let Some(run) = self.run.upgrade() else {
            return;
        };
        let read = || {
            self.take_turn(&mut self.written.lock(), run.log(), |_| true);
        };
        // One that panics must not leave its command waiting for somebody to read.
        if catch_unwind(AssertUnwindSafe(read)).is_err() || self.begin().is_err() {
            drop(catch_unwind(AssertUnwindSafe(|| self.abandon())));
        }
    }

    fn close(&self, written: &mut Written, log: &Log) {
        if self.over.swap(true, Ordering::AcqRel) {
            return;
        }
        written.end_line(log);
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
        // Who reads its end elsewhere keeps it.
        let Some(mut written) = self.written.try_lock() else {
            return self.let_go();
        };
        let done = self.take_turn(&mut written, run.log(), |written| {
            !written.waits_for_disk(CHUNK)
        });
        drop(written);
        if !done {
            self.read_elsewhere(&run);
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
