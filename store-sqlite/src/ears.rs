//! What the watching thread waits on: our bell, the ends of others, and calls from within.

use std::path::PathBuf;
use std::time::Duration;

/// How often somebody looks by itself where it can't be woken.
const POLL: Duration = Duration::from_millis(250);

/// What was heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// Somebody may have ended.
    pub(crate) an_end: bool,
}

/// The files to listen to.
#[derive(Debug, Default)]
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "elsewhere nobody listens")
)]
pub(crate) struct Bells {
    /// Ours: written to by others.
    pub(crate) own: PathBuf,
    /// Those of others: closed when they end, however they do.
    pub(crate) others: Vec<PathBuf>,
}

#[cfg(target_os = "linux")]
mod kind {
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
    use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};

    use super::{Bells, Heard, POLL};

    /// Linux tells of writes and closes (`inotify(7)`).
    #[derive(Debug)]
    pub(crate) struct Ears {
        /// None where the system gives no more of them.
        inotify: Option<OwnedFd>,
        calls: OwnedFd,
    }

    impl Ears {
        pub(crate) fn open() -> std::io::Result<Self> {
            Ok(Self {
                inotify: inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).ok(),
                calls: eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?,
            })
        }

        /// As they are where the system gives no more of them.
        #[cfg(test)]
        pub(crate) fn deaf() -> Self {
            let open = Self::open().unwrap();
            Self {
                inotify: None,
                ..open
            }
        }

        /// Ends the wait of the thread that listens, or the next one.
        pub(crate) fn call(&self) {
            // It fails only where it was called already.
            let _ = rustix::io::write(&self.calls, &1_u64.to_ne_bytes());
        }

        /// Listens to these files from now on, beside those before. Says whether it hears ours.
        pub(crate) fn attend(&self, bells: &Bells) -> bool {
            let Some(inotify) = &self.inotify else {
                return false;
            };
            for other in &bells.others {
                // Whoever can't be heard is looked at once in a while.
                let _ = inotify::add_watch(inotify, other, WatchFlags::CLOSE_WRITE);
            }
            inotify::add_watch(inotify, &bells.own, WatchFlags::MODIFY).is_ok()
        }

        /// Waits until there is something to hear, or the time is up.
        pub(crate) fn wait(&self, hears: bool, most: Option<Duration>) -> Heard {
            let most = if hears {
                most
            } else {
                Some(most.map_or(POLL, |most| most.min(POLL)))
            };
            let most = most.and_then(|most| Timespec::try_from(most).ok());
            let calls = PollFd::new(&self.calls, PollFlags::IN);
            let waited = match &self.inotify {
                Some(inotify) => {
                    let bell = PollFd::new(inotify, PollFlags::IN);
                    poll(&mut [calls, bell], most.as_ref())
                }
                None => poll(&mut [calls], most.as_ref()),
            };
            // A signal may come in between: one look more does no harm.
            let _ = waited;
            let _ = rustix::io::read(&self.calls, &mut [0; 8]);
            self.hear()
        }

        fn hear(&self) -> Heard {
            let mut heard = Heard::default();
            let Some(inotify) = &self.inotify else {
                return heard;
            };
            let mut space = [MaybeUninit::uninit(); 4_096];
            let mut events = Reader::new(inotify, &mut space);
            while let Ok(event) = events.next() {
                let an_end = ReadFlags::CLOSE_WRITE | ReadFlags::QUEUE_OVERFLOW;
                heard.an_end |= event.events().intersects(an_end);
            }
            heard
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod kind {
    use std::time::Duration;

    use parking_lot::{Condvar, Mutex};

    use super::{Bells, Heard, POLL};

    /// Elsewhere it looks by itself.
    #[derive(Debug, Default)]
    pub(crate) struct Ears {
        called: Mutex<bool>,
        calls: Condvar,
    }

    impl Ears {
        pub(crate) fn open() -> std::io::Result<Self> {
            Ok(Self::default())
        }

        /// They are so by nature.
        #[cfg(test)]
        pub(crate) fn deaf() -> Self {
            Self::default()
        }

        /// Ends the wait of the thread that listens, or the next one.
        pub(crate) fn call(&self) {
            *self.called.lock() = true;
            self.calls.notify_one();
        }

        /// Says whether it hears our bell.
        pub(crate) fn attend(&self, _: &Bells) -> bool {
            false
        }

        /// Waits until there is a call, or the time is up.
        pub(crate) fn wait(&self, _: bool, most: Option<Duration>) -> Heard {
            let mut called = self.called.lock();
            if !*called {
                let most = most.map_or(POLL, |most| most.min(POLL));
                self.calls.wait_for(&mut called, most);
            }
            *called = false;
            Heard::default()
        }
    }
}

pub(crate) use kind::Ears;
