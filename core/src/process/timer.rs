//! A moment to come, told on the reactor's thread.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use super::reactor::{Interest, Reactor, Readiness, Source, Token};

/// Calls a function once, after a time. Dropped before, it doesn't.
pub struct Timer {
    reactor: Reactor,
    token: Token,
    bell: Arc<Bell>,
}

struct Bell {
    fd: OwnedFd,
    then: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Timer {
    /// Calls `then` after `time`, on the reactor's thread, which it must not keep.
    ///
    /// # Errors
    /// Those of the system, such as no descriptor left.
    pub fn after(
        reactor: &Reactor,
        time: Duration,
        then: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let fd = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK,
        )?;
        let zero = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // A time of zero would mean never.
        let time = time.max(Duration::from_nanos(1));
        let value = Timespec {
            tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: time.subsec_nanos().into(),
        };
        let when = Itimerspec {
            it_interval: zero,
            it_value: value,
        };
        timerfd_settime(&fd, TimerfdTimerFlags::empty(), &when)?;
        let bell = Arc::new(Bell {
            fd,
            then: Mutex::new(Some(Box::new(then))),
        });
        let source = Arc::clone(&bell);
        let token = reactor.add(bell.fd.as_fd(), Interest::Read, source)?;
        Ok(Self {
            reactor: reactor.clone(),
            token,
            bell,
        })
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").finish_non_exhaustive()
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.reactor.remove(self.bell.fd.as_fd(), self.token);
    }
}

impl Source for Bell {
    fn ready(&self, _: Readiness) {
        // Read, so that it isn't told again.
        let _ = rustix::io::read(&self.fd, &mut [0_u8; 8][..]);
        let then = self.then.lock().take();
        if let Some(then) = then {
            then();
        }
    }

    fn abandon(&self) {
        // It was read before it called anybody, so it isn't told again.
    }
}
