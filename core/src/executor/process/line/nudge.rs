//! How the thread of a child that runs jobs wakes the one that waits for the pool.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};

use super::timespec;

/// Something that can be waited for beside a socket.
#[derive(Debug)]
pub(super) struct Nudge(OwnedFd);

/// Why a wait is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Woken {
    /// Something came, or nothing comes any more.
    ByMore,
    /// Somebody has nudged.
    Nudged,
    /// It took too long.
    Late,
}

impl Nudge {
    pub(super) fn new() -> io::Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        Ok(Self(eventfd(0, flags)?))
    }

    pub(super) fn send(&self) {
        // It fails only where it was nudged 2^64 times and not woken.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    /// Waits for what comes by `socket`, or a nudge, as long as `patience`.
    pub(super) fn wait(&self, socket: &OwnedFd, patience: Option<Duration>) -> Woken {
        let patience = patience.map(timespec);
        let mut fds =
            [socket.as_fd(), self.0.as_fd()].map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        // Interrupted, it is as if nudged.
        let ready = poll(&mut fds, patience.as_ref());
        if !fds[0].revents().is_empty() {
            return Woken::ByMore;
        }
        if ready == Ok(0) {
            return Woken::Late;
        }
        // There is nothing to read where it was interrupted.
        let _ = rustix::io::read(&self.0, &mut [0; 8]);
        Woken::Nudged
    }
}
