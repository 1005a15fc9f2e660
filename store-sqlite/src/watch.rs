//! What the watching thread has in common with those who call it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use bursar_core::{Error, Followed, Signal};
use parking_lot::Mutex;

use crate::ears::Ears;
use crate::lane::Answer;

/// Somebody who waits for what others change.
pub(crate) struct Follower {
    /// The last change that it knows of.
    pub(crate) after: i64,
    pub(crate) limit: usize,
    pub(crate) answer: Answer<Followed>,
}

/// The calls, and those who wait.
#[derive(Default)]
pub(crate) struct Watch {
    pub(crate) ears: OnceLock<Ears>,
    line: Mutex<Line>,
    /// The thread knows that jobs run here.
    pub(crate) busy: AtomicBool,
    pub(crate) ended: Arc<Signal<()>>,
}

#[derive(Default)]
struct Line {
    followers: Vec<Follower>,
    started: bool,
    closed: bool,
}

impl Watch {
    /// Gives a follower to the thread; gives it back where the store is closed.
    pub(crate) fn follow(&self, follower: Follower) -> Result<(), Follower> {
        let mut line = self.line.lock();
        if line.closed {
            return Err(follower);
        }
        line.followers.push(follower);
        drop(line);
        self.call();
        Ok(())
    }

    /// Has the thread look.
    pub(crate) fn call(&self) {
        if let Some(ears) = self.ears.get() {
            ears.call();
        }
    }

    /// Jobs run here from now on.
    pub(crate) fn claimed(&self) {
        if !self.busy.swap(true, Ordering::SeqCst) {
            self.call();
        }
    }

    /// Whether the thread is to be started now, by whoever asks.
    ///
    /// # Errors
    /// What the system says where it can't be called.
    pub(crate) fn must_start(&self) -> std::io::Result<bool> {
        let mut line = self.line.lock();
        if line.started || line.closed {
            return Ok(false);
        }
        let ears = Ears::open()?;
        // A test may have given it others.
        let _ = self.ears.set(ears);
        line.started = true;
        Ok(true)
    }

    /// Ends the thread; whoever waits for changes is told so.
    pub(crate) fn close(&self) {
        let started = {
            let mut line = self.line.lock();
            line.closed = true;
            line.started
        };
        if started {
            self.call();
        } else {
            self.ended.set(());
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.line.lock().closed
    }

    /// Everybody who waits.
    pub(crate) fn take(&self) -> Vec<Follower> {
        std::mem::take(&mut self.line.lock().followers)
    }

    /// Lets them wait again: the thread has looked for them.
    pub(crate) fn put_back(&self, followers: Vec<Follower>) {
        self.line.lock().followers.extend(followers);
    }

    /// It ends, however it does.
    pub(crate) fn end(&self) {
        let left = {
            let mut line = self.line.lock();
            line.closed = true;
            std::mem::take(&mut line.followers)
        };
        for follower in left {
            follower.answer.give(Err(Error::closed()));
        }
        self.ended.set(());
    }
}

/// Ends a watch however its thread ends, so that nobody waits for ever.
pub(crate) struct EndOf(pub(crate) Arc<Watch>);

impl Drop for EndOf {
    fn drop(&mut self) {
        self.0.end();
    }
}
