//! Reads what a command writes: line by line for its log, and all of it for its result.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::capture::Capture;
use super::run::Run;
use crate::engine::Attempt;
use crate::error::Result;
use crate::process::{Interest, Reactor, Readiness, Source, Token};
use crate::spill::Captured;

/// How much is read at a time, and how often before others have a turn.
const CHUNK: usize = 64 * 1_024;
const TURN: usize = 16;

/// A longer line is logged in parts.
const LONGEST_LINE: usize = 16 * 1_024;

/// Lines that the store has not answered for yet: beyond that, lines are left out of the log, so that a
/// command that writes much isn't slowed down. The result has them all.
const MOST_UNDER_WAY: usize = 1_000;

/// Lines on their way to the log of one attempt, of all its outputs.
pub(super) struct Log {
    attempt: Arc<Attempt>,
    under_way: Arc<AtomicUsize>,
    left_out: AtomicUsize,
}

impl Log {
    pub(super) fn new(attempt: Arc<Attempt>) -> Self {
        Self {
            attempt,
            under_way: Arc::default(),
            left_out: AtomicUsize::new(0),
        }
    }

    fn line(&self, level: &str, line: &[u8]) {
        if self.under_way.load(Ordering::Relaxed) >= MOST_UNDER_WAY {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.say_what_was_left_out();
        self.put(level, &String::from_utf8_lossy(line));
    }

    /// Says in the log how many lines are missing there.
    pub(super) fn say_what_was_left_out(&self) {
        match self.left_out.swap(0, Ordering::Relaxed) {
            0 => {}
            lines => self.put(
                "info",
                &format!("{lines} lines are left out here; the result has them"),
            ),
        }
    }

    fn put(&self, level: &str, line: &str) {
        let Some(engine) = self.attempt.engine() else {
            return;
        };
        self.under_way.fetch_add(1, Ordering::Relaxed);
        let under_way = Arc::clone(&self.under_way);
        let reply = self.attempt.log(level, line);
        engine.with_reply(reply, move |_, _| {
            under_way.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

/// One output of a command.
pub(super) struct Output {
    /// What it is called in the log.
    level: &'static str,
    pipe: OwnedFd,
    reactor: Reactor,
    token: Mutex<Option<Token>>,
    read: Mutex<Read>,
    over: AtomicBool,
    run: Weak<Run>,
}

struct Read {
    all: Capture,
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
}

impl Output {
    /// Reads from `pipe`, which doesn't block, for the `run` of `attempt`.
    pub(super) fn new(
        level: &'static str,
        pipe: OwnedFd,
        reactor: &Reactor,
        (attempt, run): (&Attempt, Weak<Run>),
    ) -> Arc<Self> {
        let read = Read {
            all: Capture::new(attempt, level),
            line: Vec::new(),
        };
        Arc::new(Self {
            level,
            pipe,
            reactor: reactor.clone(),
            token: Mutex::default(),
            read: Mutex::new(read),
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
        let captured = self.read.lock().all.finish()?;
        if captured.size() > 0 {
            attempt.keep_output(self.level, captured.clone())?;
        }
        Ok(captured)
    }

    /// The last that was written, as text.
    pub(super) fn tail(&self) -> String {
        self.read.lock().all.tail()
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
                self.read.lock().add(&chunk[..length], self.level, log);
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
        self.read.lock().end_line(self.level, log);
        self.stop_hearing();
    }

    fn stop_hearing(&self) {
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

impl Read {
    fn add(&mut self, bytes: &[u8], level: &str, log: &Log) {
        self.all.add(bytes);
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LONGEST_LINE.saturating_sub(self.line.len());
            for piece in part.chunks(room.max(1)) {
                self.line.extend_from_slice(piece);
                if piece.ends_with(b"\n") || self.line.len() >= LONGEST_LINE {
                    self.end_line(level, log);
                }
            }
        }
    }

    fn end_line(&mut self, level: &str, log: &Log) {
        if self.line.is_empty() {
            return;
        }
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        log.line(level, line.strip_suffix(b"\r").unwrap_or(line));
        self.line.clear();
    }
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
        self.stop_hearing();
        // What it writes from now on would be lost.
        if let Some(run) = self.run.upgrade() {
            run.kill();
        }
    }
}
