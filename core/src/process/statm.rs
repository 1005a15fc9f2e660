//! What the file `statm` of a process tells of its memory: proc(5).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// The memory of a process, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// What is resident.
    pub(crate) resident: u64,
    /// What of that is no file's, and shared with nobody by name.
    pub(crate) own: u64,
    /// What it has reserved for its data.
    pub(crate) reserved: u64,
}

impl Sizes {
    /// Those of the process whose `statm` is open.
    ///
    /// # Errors
    /// Those of the system; as `parse`.
    pub(crate) fn read(statm: &File) -> io::Result<Self> {
        let mut text = [0; 128];
        let length = statm.read_at(&mut text, 0)?;
        Self::parse(&text[..length])
    }

    /// Those that a text tells.
    ///
    /// # Errors
    /// `InvalidData` where it isn't such a text.
    pub(crate) fn parse(text: &[u8]) -> io::Result<Self> {
        let text = str::from_utf8(text).map_err(|_| io::ErrorKind::InvalidData)?;
        let mut words = text.split_whitespace();
        let mut bytes = |skipped| {
            let pages = words.nth(skipped).and_then(|pages| pages.parse().ok());
            let pages: u64 = pages.ok_or(io::ErrorKind::InvalidData)?;
            io::Result::Ok(pages.saturating_mul(rustix::param::page_size() as u64))
        };
        let (resident, shared, reserved) = (bytes(1)?, bytes(0)?, bytes(2)?);
        Ok(Self {
            resident,
            own: resident.saturating_sub(shared),
            reserved,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_told_in_bytes() {
        let page = rustix::param::page_size() as u64;
        let sizes = Sizes {
            resident: 30 * page,
            own: 20 * page,
            reserved: 60 * page,
        };
        assert_eq!(Sizes::parse(b"20 30 10 40 0 60 0\n").unwrap(), sizes);
        for text in [
            "",
            "20 30",
            "20 30 10 40 0",
            "a b c d e f g",
            "20 -1 0 0 0 0 0",
        ] {
            assert!(Sizes::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
