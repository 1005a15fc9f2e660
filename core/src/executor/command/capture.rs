//! What a command has written to one of its outputs.

/// The last bytes of an error output that a failure shows.
const TAIL: usize = 4_096;

/// All that was written.
#[derive(Debug, Default)]
pub(super) struct Capture {
    bytes: Vec<u8>,
}

impl Capture {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Everything as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The last of it as text; from a line's beginning, where it is cut.
    pub(super) fn tail(&self) -> String {
        let from = self.bytes.len().saturating_sub(TAIL);
        let mut tail = &self.bytes[from..];
        if from > 0
            && let Some(end) = tail.iter().position(|byte| *byte == b'\n')
        {
            tail = &tail[end + 1..];
        }
        String::from_utf8_lossy(tail).trim_end().to_owned()
    }
}
