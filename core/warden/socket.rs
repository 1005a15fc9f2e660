//! Sockets that carry messages, read without waiting.

use std::io::ErrorKind;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::sys;

/// One message, or why there is none.
pub(crate) enum Received {
    /// These bytes, and the descriptors that came with them.
    Message(Vec<u8>, Vec<OwnedFd>),
    /// None is there.
    Nothing,
    /// The other side is gone.
    End,
}

/// One end of a socket.
pub(crate) struct Socket(OwnedFd);

impl Socket {
    pub(crate) fn new(fd: OwnedFd) -> Self {
        Self(fd)
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Takes one message.
    pub(crate) fn take(&self) -> Received {
        let mut bytes = vec![0; 4_096];
        match sys::receive(self.as_fd(), &mut bytes) {
            Ok((0, _)) => Received::End,
            Ok((length, fds)) => {
                bytes.truncate(length);
                Received::Message(bytes, fds)
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                Received::Nothing
            }
            Err(_) => Received::End,
        }
    }

    /// Sends one message. Whoever doesn't listen any more misses it.
    pub(crate) fn tell(&self, message: &[u8]) {
        sys::put(self.as_fd(), message);
    }
}
