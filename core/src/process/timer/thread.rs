//! A moment to come, told on a thread of its own: there are few of them.

use std::fmt;
use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use super::Reactor;

/// Calls a function once, after a time. Dropped before, it doesn't.
pub struct Timer {
    _dropped: Sender<()>,
}

impl Timer {
    /// Calls `then` after `time`, on a thread of its own.
    ///
    /// # Errors
    /// Those of the system, where it gives no thread.
    pub fn after(
        _: &Reactor,
        time: Duration,
        then: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let (dropped, hears) = channel::<()>();
        let builder = std::thread::Builder::new().name("bursar-timer".into());
        builder.spawn(move || {
            if hears.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
                then();
            }
        })?;
        Ok(Self { _dropped: dropped })
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").finish_non_exhaustive()
    }
}
