//! One thread that waits for descriptors, and tells whoever is interested.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};

/// How many descriptors are told of at a time.
const BATCH: usize = 64;

/// The token of the descriptor that wakes the reactor itself.
const WAKE: u64 = 0;

/// What to wait for. Its end is always told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Something to read.
    Read,
    /// Room to write.
    Write,
    /// Something to read, or room to write.
    ReadWrite,
}

impl Interest {
    fn flags(self) -> EventFlags {
        match self {
            Self::Read => EventFlags::IN,
            Self::Write => EventFlags::OUT,
            Self::ReadWrite => EventFlags::IN | EventFlags::OUT,
        }
    }
}

/// What a descriptor is ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// There is something to read, or it has ended.
    pub read: bool,
    /// There is room to write, or nobody reads any more.
    pub write: bool,
}

/// Told when its descriptor is ready, on the reactor's thread, as long as it stays so: it must read what
/// is there, or be removed. It must not block.
pub trait Source: Send + Sync + 'static {
    /// The descriptor is ready.
    fn ready(&self, readiness: Readiness);

    /// It has panicked when it was told. It must have itself removed, and see to it that whoever waits for
    /// it learns that nothing more comes.
    fn abandon(&self);
}

/// The name of a descriptor that a reactor waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(u64);

/// Waits for descriptors, on a thread that comes with the first one and goes with the last handle.
#[derive(Clone)]
pub struct Reactor {
    /// Held by handles alone.
    handle: Arc<Handle>,
}

struct Handle(Arc<Shared>);

struct Shared {
    epoll: OwnedFd,
    wake: OwnedFd,
    next: AtomicU64,
    closed: AtomicBool,
    sources: Mutex<Sources>,
}

#[derive(Default)]
struct Sources {
    by_token: HashMap<u64, Arc<dyn Source>>,
    running: bool,
}

impl Reactor {
    /// A reactor that waits for nothing yet.
    ///
    /// # Errors
    /// Those of the system, such as no descriptor left.
    pub fn new() -> io::Result<Self> {
        let shared = Shared {
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
            next: AtomicU64::new(WAKE + 1),
            closed: AtomicBool::new(false),
            sources: Mutex::default(),
        };
        epoll::add(
            &shared.epoll,
            &shared.wake,
            EventData::new_u64(WAKE),
            EventFlags::IN,
        )?;
        let handle = Arc::new(Handle(Arc::new(shared)));
        Ok(Self { handle })
    }

    /// Waits for `fd` from now on. Whoever owns it removes it before it is closed.
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
        let token = shared.next.fetch_add(1, Ordering::Relaxed);
        let mut sources = shared.sources.lock();
        if !sources.running {
            spawn(Arc::clone(shared))?;
            sources.running = true;
        }
        sources.by_token.insert(token, source);
        drop(sources);
        let added = epoll::add(
            &shared.epoll,
            fd,
            EventData::new_u64(token),
            interest.flags(),
        );
        if let Err(error) = added {
            shared.forget(token);
            return Err(error.into());
        }
        Ok(Token(token))
    }

    /// Waits for something else of `fd`.
    pub fn modify(&self, fd: BorrowedFd<'_>, token: Token, interest: Interest) {
        // It fails where it was removed: then there is nothing to wait for.
        let _ = epoll::modify(
            &self.handle.0.epoll,
            fd,
            EventData::new_u64(token.0),
            interest.flags(),
        );
    }

    /// Waits for `fd` no longer. What is being told just now is still told.
    pub fn remove(&self, fd: BorrowedFd<'_>, token: Token) {
        let _ = epoll::delete(&self.handle.0.epoll, fd);
        self.handle.0.forget(token.0);
    }
}

impl fmt::Debug for Reactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waits = self.handle.0.sources.lock().by_token.len();
        f.debug_struct("Reactor").field("waits", &waits).finish()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.closed.store(true, Ordering::Release);
        let _ = rustix::io::write(&self.0.wake, &1_u64.to_ne_bytes());
    }
}

fn spawn(shared: Arc<Shared>) -> io::Result<()> {
    let builder = std::thread::Builder::new().name("bursar-reactor".into());
    builder.spawn(move || shared.run()).map(drop)
}

/// One that panics must not take the others with it.
fn tell(source: &dyn Source, readiness: Readiness) {
    if catch_unwind(AssertUnwindSafe(|| source.ready(readiness))).is_err() {
        drop(catch_unwind(AssertUnwindSafe(|| source.abandon())));
    }
}

impl Shared {
    fn run(&self) {
        let mut events = Vec::with_capacity(BATCH);
        while !self.closed.load(Ordering::Acquire) {
            events.clear();
            // A call that a signal broke off says that nothing is there.
            let _ = epoll::wait(&self.epoll, spare_capacity(&mut events), None);
            for event in &events {
                let flags = event.flags;
                let over = flags.intersects(EventFlags::HUP | EventFlags::ERR);
                let readiness = Readiness {
                    read: over || flags.contains(EventFlags::IN),
                    write: over || flags.contains(EventFlags::OUT),
                };
                if let Some(source) = self.source(event.data.u64()) {
                    tell(&*source, readiness);
                }
            }
        }
    }

    fn source(&self, token: u64) -> Option<Arc<dyn Source>> {
        self.sources.lock().by_token.get(&token).cloned()
    }

    fn forget(&self, token: u64) {
        // It is dropped after the lock is released.
        let source = self.sources.lock().by_token.remove(&token);
        drop(source);
    }
}
