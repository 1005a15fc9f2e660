//! One thread that waits for descriptors by `poll`, which every Unix system has, and tells whoever is
//! interested.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read, Write};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, poll};

use crate::process::readiness::{Interest, Readiness, Source, Token, tell};

/// Waits for descriptors, on a thread that comes with the first one and goes with the last handle.
#[derive(Clone)]
pub struct Reactor {
    /// Held by handles alone.
    handle: Arc<Handle>,
}

struct Handle(Arc<Shared>);

struct Shared {
    /// Written to wake the thread.
    bell: UnixStream,
    hears: UnixStream,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    watched: HashMap<u64, Watched>,
    last: u64,
    running: bool,
    closed: bool,
}

#[derive(Clone)]
struct Watched {
    /// One of its own, so that it is there as long as it is waited for.
    fd: Arc<OwnedFd>,
    interest: Interest,
    source: Arc<dyn Source>,
}

impl Reactor {
    /// A reactor that waits for nothing yet.
    ///
    /// # Errors
    /// Those of the system, such as no descriptor left.
    pub fn new() -> io::Result<Self> {
        let (bell, hears) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        hears.set_nonblocking(true)?;
        let state = Mutex::default();
        let shared = Arc::new(Shared { bell, hears, state });
        let handle = Arc::new(Handle(shared));
        Ok(Self { handle })
    }

    /// Waits for `fd` from now on, until it is removed.
    ///
    /// # Errors
    /// Those of the system, such as too many descriptors, or no thread.
    pub fn add(
        &self,
        fd: BorrowedFd<'_>,
        interest: Interest,
        source: Arc<dyn Source>,
    ) -> io::Result<Token> {
        let shared = &self.handle.0;
        let fd = Arc::new(fd.try_clone_to_owned()?);
        let mut state = shared.state.lock();
        if !state.running {
            spawn(Arc::clone(shared))?;
            state.running = true;
        }
        state.last += 1;
        let token = state.last;
        let watched = Watched {
            fd,
            interest,
            source,
        };
        state.watched.insert(token, watched);
        drop(state);
        shared.ring();
        Ok(Token(token))
    }

    /// Waits for something else of a descriptor.
    pub fn modify(&self, _: BorrowedFd<'_>, token: Token, interest: Interest) {
        // Where it was removed, there is nothing to wait for.
        if let Some(watched) = self.handle.0.state.lock().watched.get_mut(&token.0) {
            watched.interest = interest;
        }
        self.handle.0.ring();
    }

    /// Waits for a descriptor no longer. What is being told just now is still told.
    pub fn remove(&self, _: BorrowedFd<'_>, token: Token) {
        // It is dropped after the lock is released.
        let removed = self.handle.0.state.lock().watched.remove(&token.0);
        drop(removed);
        self.handle.0.ring();
    }
}

impl fmt::Debug for Reactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waits = self.handle.0.state.lock().watched.len();
        f.debug_struct("Reactor").field("waits", &waits).finish()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.state.lock().closed = true;
        self.0.ring();
    }
}

fn spawn(shared: Arc<Shared>) -> io::Result<()> {
    let builder = std::thread::Builder::new().name("bursar-reactor".into());
    builder.spawn(move || shared.run()).map(drop)
}

impl Shared {
    /// Has the thread look again at what it waits for.
    fn ring(&self) {
        // Where there is no more room, it has been woken often enough.
        let _ = (&self.bell).write(&[1]);
    }

    fn run(&self) {
        while let Some(watched) = self.watched() {
            for (token, readiness) in self.wait(&watched) {
                if let Some(source) = self.source(token) {
                    tell(&*source, readiness);
                }
            }
        }
    }

    /// What is waited for; `None` once nothing is any more.
    fn watched(&self) -> Option<Vec<(u64, Watched)>> {
        let state = self.state.lock();
        let all = || state.watched.iter();
        (!state.closed).then(|| all().map(|(token, one)| (*token, one.clone())).collect())
    }

    fn wait(&self, watched: &[(u64, Watched)]) -> Vec<(u64, Readiness)> {
        let mut fds = vec![PollFd::new(&self.hears, PollFlags::IN)];
        let polled = |(_, one): &'_ (u64, Watched)| flags(one.interest);
        for one in watched {
            fds.push(PollFd::new(&one.1.fd, polled(one)));
        }
        // A call that a signal broke off says that nothing is there.
        if poll(&mut fds, None).is_err() {
            return Vec::new();
        }
        let told = |fd: &PollFd<'_>| readiness(fd.revents());
        if told(&fds[0]).is_some() {
            let _ = (&self.hears).read(&mut [0; 64]);
        }
        let ready = watched.iter().zip(&fds[1..]);
        ready
            .filter_map(|((token, _), fd)| Some((*token, told(fd)?)))
            .collect()
    }

    fn source(&self, token: u64) -> Option<Arc<dyn Source>> {
        let state = self.state.lock();
        Some(Arc::clone(&state.watched.get(&token)?.source))
    }
}

fn flags(interest: Interest) -> PollFlags {
    match interest {
        Interest::Read => PollFlags::IN,
        Interest::Write => PollFlags::OUT,
        Interest::ReadWrite => PollFlags::IN | PollFlags::OUT,
    }
}

fn readiness(flags: PollFlags) -> Option<Readiness> {
    let over = flags.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL);
    let readiness = Readiness {
        read: over || flags.contains(PollFlags::IN),
        write: over || flags.contains(PollFlags::OUT),
    };
    (readiness.read || readiness.write).then_some(readiness)
}
