//! What a command has written to one of its outputs: in memory as long as it is little.

use std::collections::VecDeque;

use crate::engine::Attempt;
use crate::error::{Error, Result};
use crate::spill::{Captured, SpillWriter};

/// The last bytes of an output that are kept at hand, to be shown with a failure.
const TAIL: usize = 4_096;

/// All that was written, and the last of it.
#[derive(Debug)]
pub(super) struct Capture {
    writer: Result<SpillWriter>,
    tail: VecDeque<u8>,
    cut: bool,
}

impl Capture {
    /// Takes in what `attempt` writes as its output `name`.
    pub(super) fn new(attempt: &Attempt, name: &str) -> Self {
        Self {
            writer: attempt.output(name),
            tail: VecDeque::new(),
            cut: false,
        }
    }

    /// Whether it would be waited for a disk to take so many more bytes in, or to end it where they are none.
    pub(super) fn waits_for_disk(&self, more: usize) -> bool {
        let writer = self.writer.as_ref();
        writer.is_ok_and(|writer| writer.waits_for_disk(more))
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        if let Ok(writer) = &mut self.writer
            && let Err(error) = writer.append(bytes)
        {
            self.writer = Err(error);
        }
        self.tail.extend(&bytes[bytes.len().saturating_sub(TAIL)..]);
        let over = self.tail.len().saturating_sub(TAIL);
        self.cut |= over > 0;
        self.tail.drain(..over);
    }

    /// Ends it: everything, in memory or in a file.
    ///
    /// # Errors
    /// `Unavailable` where it could not be written, `Invalid` where the store keeps no output.
    pub(super) fn finish(&mut self) -> Result<Captured> {
        std::mem::replace(&mut self.writer, Err(Error::closed()))?.finish()
    }

    /// The last of it as text; from a line's beginning, where it is cut.
    pub(super) fn tail(&self) -> String {
        let bytes: Vec<u8> = self.tail.iter().copied().collect();
        let beginning = bytes
            .iter()
            .position(|byte| *byte == b'\n')
            .filter(|_| self.cut);
        let shown = &bytes[beginning.map_or(0, |end| end + 1)..];
        String::from_utf8_lossy(shown).trim_end().to_owned()
    }
}
