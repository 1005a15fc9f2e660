//! What a command writes: line by line for its log, and all of it for its result.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::capture::Capture;
use crate::engine::Attempt;
use crate::error::Result;
use crate::spill::Captured;

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

/// What one output of a command has written.
pub(super) struct Written {
    /// What the output is called in the log.
    level: &'static str,
    all: Capture,
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
}

impl Written {
    /// Takes in what `attempt` writes as its output `level`.
    pub(super) fn new(attempt: &Attempt, level: &'static str) -> Self {
        Self {
            level,
            all: Capture::new(attempt, level),
            line: Vec::new(),
        }
    }

    /// Whether it would be waited for a disk to take so many more bytes in, or to keep it where they are none.
    pub(super) fn waits_for_disk(&self, more: usize) -> bool {
        self.all.waits_for_disk(more)
    }

    /// It has written more.
    pub(super) fn add(&mut self, bytes: &[u8], log: &Log) {
        self.all.add(bytes);
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LONGEST_LINE.saturating_sub(self.line.len());
            for piece in part.chunks(room.max(1)) {
                self.line.extend_from_slice(piece);
                if piece.ends_with(b"\n") || self.line.len() >= LONGEST_LINE {
                    self.end_line(log);
                }
            }
        }
    }

    /// It has written the last of a line.
    pub(super) fn end_line(&mut self, log: &Log) {
        if self.line.is_empty() {
            return;
        }
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        log.line(self.level, line.strip_suffix(b"\r").unwrap_or(line));
        self.line.clear();
    }

    /// Ends it: everything that was written is kept with the attempt.
    ///
    /// # Errors
    /// Where it could not be kept.
    pub(super) fn keep(&mut self, attempt: &Attempt) -> Result<Captured> {
        let captured = self.all.finish()?;
        if captured.size() > 0 {
            attempt.keep_output(self.level, captured.clone())?;
        }
        Ok(captured)
    }

    /// The last that was written, as text.
    pub(super) fn tail(&self) -> String {
        self.all.tail()
    }
}
