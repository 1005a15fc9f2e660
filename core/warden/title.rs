//! What `ps` shows of this process: it is written over the arguments that it was started with, which
//! are long enough for that.

use crate::sys;

/// Where the arguments of this process stand in its memory.
#[derive(Clone, Copy)]
pub(crate) struct Title {
    start: usize,
    end: usize,
}

impl Title {
    /// Finds the place; none where the system doesn't tell.
    pub(crate) fn find() -> Option<Self> {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        // What stands in brackets may hold anything, blanks and brackets too.
        let fields = stat.rsplit_once(')')?.1.split_whitespace();
        let mut from_arguments = fields.skip(45).map(str::parse);
        let start = from_arguments.next()?.ok()?;
        let end = from_arguments.next()?.ok()?;
        (start > 0 && start < end).then_some(Self { start, end })
    }

    /// Shows `text`, as far as there is room.
    #[allow(unsafe_code)]
    pub(crate) fn show(self, text: &[u8]) {
        // SAFETY: the system put the arguments of this process there, and nothing here reads them.
        unsafe { sys::fill(self.start, self.end, text) };
    }
}
