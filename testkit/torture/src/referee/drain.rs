use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use bursar_core::{Clock, Follow, Position, Store, SystemClock, Tally};

use crate::outcome::{Outcome, failed};

/// Waits for the end of all jobs in a store: it is told of each change, and looks then.
#[derive(Debug)]
pub struct Drain {
    store: Arc<dyn Store>,
    changes: Receiver<()>,
    clock: SystemClock,
}

impl Drain {
    /// Follows this store until it is closed.
    pub fn of(store: Arc<dyn Store>) -> Self {
        let (tell, changes) = channel();
        let follows = Arc::clone(&store);
        std::thread::spawn(move || {
            let (mut from, limit) = (Position::Unfinished(0), 1_000);
            while let Ok(page) = follows.follow(Follow { from, limit }).wait() {
                from = page.next;
                if tell.send(()).is_err() {
                    return;
                }
            }
        });
        let clock = SystemClock::new();
        Self {
            store,
            changes,
            clock,
        }
    }

    /// Waits at most this long for the end of all; how many have not ended then.
    ///
    /// # Errors
    /// Where the store doesn't answer, or tells nothing any more.
    pub fn wait(&self, patience: Duration) -> Outcome<u64> {
        let tally = self.wait_until(patience, |tally| tally.unfinished() == 0)?;
        Ok(tally.unfinished())
    }

    /// Waits at most this long until the tally is as wanted; gives the last one.
    ///
    /// # Errors
    /// Where the store doesn't answer, or tells nothing any more.
    pub fn wait_until(
        &self,
        patience: Duration,
        wanted: impl Fn(&Tally) -> bool,
    ) -> Outcome<Tally> {
        let until = self.clock.tick().after(patience);
        loop {
            let tally = self.store.tally().wait()?;
            let time = until.since(self.clock.tick());
            if wanted(&tally) || time.is_zero() {
                return Ok(tally);
            }
            match self.changes.recv_timeout(time) {
                Err(RecvTimeoutError::Disconnected) => {
                    return failed("the store tells nothing any more");
                }
                // One look is enough for all that came meanwhile.
                _ => while self.changes.try_recv().is_ok() {},
            }
        }
    }
}
