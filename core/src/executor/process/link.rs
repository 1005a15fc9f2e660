//! The socket between a pool and one child. Nobody ever waits for it: what it doesn't take at once goes on
//! when the reactor says that there is room.

use std::fmt;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};

use super::frame::{Frame, Inbox, Kind, Malformed, Read, header};
use crate::process::{Interest, Reactor, Readiness, Source, Token};

/// Who hears what a child says, on the reactor's thread.
pub(super) trait Hears: Send + Sync {
    /// It has sent a frame.
    fn frame(&self, child: u64, frame: Frame);
    /// It has sent what is no frame.
    fn malformed(&self, child: u64, what: Malformed);
    /// Nothing comes of it any more: it has ended, or has closed its side.
    fn ended(&self, child: u64);
}

/// The socket to a child.
pub(super) struct Link {
    child: u64,
    socket: OwnedFd,
    reactor: Reactor,
    hears: Weak<dyn Hears>,
    state: Mutex<State>,
    inbox: Mutex<Inbox>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// What the socket didn't take yet.
    left: Vec<u8>,
    /// How much of that has gone.
    gone: usize,
    /// Whether it takes nothing any more. What it has said can still be read.
    deaf: bool,
    closed: bool,
}

impl Link {
    /// Hears what comes from `socket` from now on.
    ///
    /// # Errors
    /// The reactor's.
    pub(super) fn open(
        child: u64,
        socket: OwnedFd,
        reactor: &Reactor,
        hears: Weak<dyn Hears>,
    ) -> io::Result<Arc<Self>> {
        let link = Arc::new(Self {
            child,
            socket,
            reactor: reactor.clone(),
            hears,
            state: Mutex::default(),
            inbox: Mutex::default(),
        });
        let mut state = link.state.lock();
        let source = Arc::clone(&link);
        state.token = Some(reactor.add(link.socket.as_fd(), Interest::Read, source)?);
        drop(state);
        Ok(link)
    }

    /// Sends a frame whose body is made of `parts`: what can be sent at once on this thread. `false` where the
    /// child doesn't get it: it has ended, or can't be sent anything any more, which is told elsewhere.
    ///
    /// # Errors
    /// For a body of 4 GiB and more.
    pub(super) fn send(&self, kind: Kind, key: u64, parts: [&[u8]; 2]) -> io::Result<bool> {
        let header = header(parts[0].len() + parts[1].len(), kind, key)?;
        Ok(self.push([&header, parts[0], parts[1]]))
    }

    /// Sends frames that are whole, one after the other, as [`send`](Self::send) sends one.
    pub(super) fn send_all(&self, frames: &[u8]) -> bool {
        self.push([frames, &[], &[]])
    }

    fn push(&self, parts: [&[u8]; 3]) -> bool {
        let mut state = self.state.lock();
        if state.closed || state.deaf {
            return false;
        }
        let waited = !state.left.is_empty();
        let sent = match waited {
            true => Sent::Some(0),
            false => send_now(&self.socket, parts),
        };
        let Some(mut sent) = self.taken(&mut state, sent) else {
            return false;
        };
        for part in parts {
            let skipped = sent.min(part.len());
            sent -= skipped;
            state.left.extend_from_slice(&part[skipped..]);
        }
        if !waited && !state.left.is_empty() {
            self.wait_for_room(&state, Interest::ReadWrite);
        }
        true
    }

    /// How much the socket took; none where it takes nothing any more.
    fn taken(&self, state: &mut State, sent: Sent) -> Option<usize> {
        if let Sent::Some(sent) = sent {
            return Some(sent);
        }
        state.deaf = true;
        (state.left, state.gone) = (Vec::new(), 0);
        if matches!(sent, Sent::Failed) {
            // That ends what is read, so that the child is ended too: it would wait for what never comes.
            let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Read);
        }
        None
    }

    fn wait_for_room(&self, state: &State, interest: Interest) {
        if let Some(token) = state.token {
            self.reactor.modify(self.socket.as_fd(), token, interest);
        }
    }

    /// Sends more of what is left.
    fn go_on(&self) {
        let mut state = self.state.lock();
        if state.left.is_empty() {
            return;
        }
        let sent = send_now(&self.socket, [&state.left[state.gone..], &[], &[]]);
        let Some(sent) = self.taken(&mut state, sent) else {
            return self.wait_for_room(&state, Interest::Read);
        };
        state.gone += sent;
        if state.gone == state.left.len() {
            (state.left, state.gone) = (Vec::new(), 0);
            self.wait_for_room(&state, Interest::Read);
        }
    }

    /// Passes on what has come, after reading once.
    fn read(&self) -> Read {
        let read = self.inbox.lock().read(&self.socket);
        match read {
            Read::Some if !self.pass_on() => Read::End,
            read => read,
        }
    }

    /// Passes on the whole frames that were read; `false` where nobody is to hear more.
    fn pass_on(&self) -> bool {
        let Some(hears) = self.hears.upgrade() else {
            return false;
        };
        loop {
            // Whoever hears it may run others' code: not under the lock.
            let frame = self.inbox.lock().take();
            match frame {
                Ok(Some(frame)) => hears.frame(self.child, frame),
                Ok(None) => return true,
                Err(what) => {
                    hears.malformed(self.child, what);
                    return false;
                }
            }
        }
    }

    /// Passes on all that has come, of a child that has ended.
    pub(super) fn read_rest(&self) {
        while !self.state.lock().closed && self.read() == Read::Some {}
    }

    /// Lets the child see that nothing more comes, and hears no more of it.
    pub(super) fn close(&self) {
        let token = {
            let mut state = self.state.lock();
            state.closed = true;
            state.token.take()
        };
        if let Some(token) = token {
            self.reactor.remove(self.socket.as_fd(), token);
        }
        // It fails where the child has ended.
        let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both);
    }

    /// Hears no more of it; what it was sent, it can still read.
    fn stop_hearing(&self) {
        let token = self.state.lock().token.take();
        if let Some(token) = token {
            self.reactor.remove(self.socket.as_fd(), token);
        }
    }
}

impl Source for Link {
    fn ready(&self, readiness: Readiness) {
        if readiness.write {
            self.go_on();
        }
        if readiness.read && self.read() == Read::End {
            self.abandon();
        }
    }

    fn abandon(&self) {
        self.stop_hearing();
        if let Some(hears) = self.hears.upgrade() {
            hears.ended(self.child);
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("child", &self.child)
            .finish_non_exhaustive()
    }
}

/// What became of sending.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// So many bytes were taken; the rest is tried again.
    Some(usize),
    /// The child has ended.
    Gone,
    /// Nothing can be sent.
    Failed,
}

impl From<Result<usize, Errno>> for Sent {
    fn from(sent: Result<usize, Errno>) -> Self {
        match sent {
            Ok(sent) => Self::Some(sent),
            // There is no room, in the socket or in the system.
            Err(Errno::AGAIN | Errno::NOBUFS | Errno::NOMEM) => Self::Some(0),
            Err(Errno::PIPE | Errno::CONNRESET) => Self::Gone,
            Err(_) => Self::Failed,
        }
    }
}

/// Has the socket take what it can of `parts`.
fn send_now(socket: &OwnedFd, parts: [&[u8]; 3]) -> Sent {
    let slices = parts.map(IoSlice::new);
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    loop {
        return match sendmsg(socket, &slices, &mut SendAncillaryBuffer::default(), flags) {
            Err(Errno::INTR) => continue,
            sent => sent.into(),
        };
    }
}
