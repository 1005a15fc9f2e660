//! Frames: what a pool and a child tell each other, over a stream. A frame is the length of its body, its
//! kind and the key of the attempt that it is about, then the body. Numbers are little-endian.

use std::io;
use std::os::fd::AsFd;

use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

/// The bytes before a body: length, kind, key.
pub(super) const HEADER: usize = 4 + 1 + 8;

/// The largest result that a child may send, in bytes.
pub(super) const LARGEST_RESULT: usize = 256 << 20;

/// The largest body that a child may send: a result and its head. One that announces more is not read.
pub(super) const LARGEST: usize = LARGEST_RESULT + (1 << 16);

/// How much is read at once.
const CHUNK: usize = 1 << 16;

/// How much room is made for a large body at once: what a child announces isn't believed before it comes.
const STEP: usize = 4 << 20;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// To a child: run this.
    Start = 1,
    /// To a child: the job is asked to stop.
    Stop = 2,
    /// To a child: what became of its note.
    Reply = 3,
    /// To a child: for what kind of reason the job is asked to stop. Comes before that.
    Reason = 4,
    /// To a child: hand back the jobs that have not begun.
    Recall = 5,
    /// Of a child: how the job ended.
    Ended = 16,
    /// Of a child: how far the job has come.
    Progress = 17,
    /// Of a child: a line to log.
    Log = 18,
    /// Of a child: a checkpoint to save.
    Checkpoint = 19,
    /// Of a child: something breaks it, and what.
    Breaks = 20,
    /// Of a child: it is to be replaced after this job.
    Spent = 21,
    /// Of a child: it loads what it needs for this job.
    Loads = 22,
    /// Of a child: it has loaded that, and the job begins.
    Loaded = 23,
    /// Of a child: the keys of jobs that it hands back, and has not begun.
    HandedBack = 24,
    /// Of a child: this job, whose turn had come, is one that takes a while.
    Lasts = 25,
}

/// Who sends frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sender {
    Pool,
    #[default]
    Child,
}

impl Sender {
    /// The kind of one of its frames.
    fn kind(self, code: u8) -> Option<Kind> {
        let kinds: &[Kind] = match self {
            Self::Pool => &[
                Kind::Start,
                Kind::Stop,
                Kind::Reply,
                Kind::Reason,
                Kind::Recall,
            ],
            Self::Child => &[
                Kind::Ended,
                Kind::Progress,
                Kind::Log,
                Kind::Checkpoint,
                Kind::Breaks,
                Kind::Spent,
                Kind::Loads,
                Kind::Loaded,
                Kind::HandedBack,
                Kind::Lasts,
            ],
        };
        kinds.iter().copied().find(|kind| *kind as u8 == code)
    }

    /// The largest body that is read.
    fn largest(self) -> usize {
        match self {
            Self::Pool => usize::MAX - HEADER,
            Self::Child => LARGEST,
        }
    }
}

/// The header of a frame.
pub(super) fn header(length: usize, kind: Kind, key: u64) -> io::Result<[u8; HEADER]> {
    let length = u32::try_from(length).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let mut header = [0; HEADER];
    header[..4].copy_from_slice(&length.to_le_bytes());
    header[4] = kind as u8;
    header[5..].copy_from_slice(&key.to_le_bytes());
    Ok(header)
}

/// A frame of a child.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    pub(super) key: u64,
    pub(super) body: Vec<u8>,
}

/// What came of reading.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// Something came.
    Some,
    /// Nothing is there for now.
    Nothing,
    /// Nothing comes any more.
    End,
}

/// A child has sent what is no frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) String);

/// Puts frames together from what arrives.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    from: Sender,
    bytes: Vec<u8>,
    /// Where the next frame begins.
    at: usize,
}

impl Inbox {
    /// For what comes from there.
    pub(super) fn of(from: Sender) -> Self {
        Self {
            from,
            ..Self::default()
        }
    }

    /// Reads what is there, at most a few times [`CHUNK`].
    pub(super) fn read(&mut self, socket: impl AsFd) -> Read {
        self.make_room();
        loop {
            return match recv(
                &socket,
                spare_capacity(&mut self.bytes),
                RecvFlags::DONTWAIT,
            ) {
                Ok((0, _)) => Read::End,
                Ok(_) => Read::Some,
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => Read::Nothing,
                Err(_) => Read::End,
            };
        }
    }

    fn make_room(&mut self) {
        if self.at == self.bytes.len() {
            self.at = 0;
            self.bytes.clear();
            if self.bytes.capacity() > STEP {
                self.bytes = Vec::new();
            }
        } else if self.at > 0 {
            self.bytes.drain(..self.at);
            self.at = 0;
        }
        let missing = self.length().unwrap_or(0).saturating_sub(self.bytes.len());
        self.bytes.reserve(missing.clamp(CHUNK, STEP));
    }

    /// The length of the frame that has begun, header and all.
    fn length(&self) -> Option<usize> {
        let length: [u8; 4] = self.bytes.get(self.at..self.at + 4)?.try_into().ok()?;
        Some(HEADER + u32::from_le_bytes(length) as usize)
    }

    /// Takes the next whole frame.
    ///
    /// # Errors
    /// For an unknown kind, and for a body that is announced as larger than [`LARGEST`].
    pub(super) fn take(&mut self) -> Result<Option<Frame>, Malformed> {
        let Some(length) = self.length() else {
            return Ok(None);
        };
        let largest = self.from.largest();
        if length > HEADER + largest {
            return Err(Malformed(format!(
                "a message of {} bytes, of which it may send {largest}",
                length - HEADER
            )));
        }
        let Some(frame) = self.bytes.get(self.at..self.at + length) else {
            return self.check_kind().map(|()| None);
        };
        let kind = self.from.kind(frame[4]).ok_or_else(|| unknown(frame[4]))?;
        let mut key = [0; 8];
        key.copy_from_slice(&frame[5..HEADER]);
        let (key, body) = (u64::from_le_bytes(key), frame[HEADER..].to_vec());
        self.at += length;
        Ok(Some(Frame { kind, key, body }))
    }

    fn check_kind(&self) -> Result<(), Malformed> {
        match self.bytes.get(self.at + 4) {
            Some(code) if self.from.kind(*code).is_none() => Err(unknown(*code)),
            _ => Ok(()),
        }
    }

    #[cfg(test)]
    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.make_room();
        self.bytes.extend_from_slice(bytes);
    }
}

fn unknown(code: u8) -> Malformed {
    Malformed(format!("a message of the unknown kind {code}"))
}
