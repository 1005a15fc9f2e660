//! Writes to a command's standard input what it reads, as fast as it does.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::process::{Interest, Reactor, Readiness, Source, Token};

/// The end of a pipe that is written to.
pub(super) struct Feed {
    reactor: Reactor,
    left: Mutex<Option<Left>>,
}

struct Left {
    pipe: OwnedFd,
    bytes: Vec<u8>,
    written: usize,
    token: Option<Token>,
}

impl Feed {
    /// Writes `bytes` to `pipe`, which doesn't block, and then closes it.
    pub(super) fn start(reactor: &Reactor, pipe: OwnedFd, bytes: Vec<u8>) -> io::Result<Arc<Self>> {
        let left = Left {
            pipe,
            bytes,
            written: 0,
            token: None,
        };
        let feed = Arc::new(Self {
            reactor: reactor.clone(),
            left: Mutex::new(Some(left)),
        });
        let mut locked = feed.left.lock();
        if let Some(left) = &mut *locked {
            let source = Arc::clone(&feed);
            left.token = Some(reactor.add(left.pipe.as_fd(), Interest::Write, source)?);
        }
        drop(locked);
        Ok(feed)
    }

    /// Writes no more.
    pub(super) fn stop(&self) {
        if let Some(Left {
            pipe,
            token: Some(token),
            ..
        }) = self.left.lock().take()
        {
            self.reactor.remove(pipe.as_fd(), token);
        }
    }
}

impl Left {
    /// Writes what there is room for; `true` once nothing more can or need be.
    fn write(&mut self) -> bool {
        while self.written < self.bytes.len() {
            match rustix::io::write(&self.pipe, &self.bytes[self.written..]) {
                Ok(count) => self.written += count,
                Err(rustix::io::Errno::INTR) => {}
                // Whoever doesn't read all of it need not.
                Err(error) => return error != rustix::io::Errno::AGAIN,
            }
        }
        true
    }
}

impl Source for Feed {
    fn ready(&self, _: Readiness) {
        let over = self.left.lock().as_mut().is_some_and(Left::write);
        if over {
            self.stop();
        }
    }

    fn abandon(&self) {
        self.stop();
    }
}
