use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use bursar_core::{Clock, Follow, Position, Store, SystemClock};

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

    /// Waits at most this long; how many have not ended then.
    ///
    /// # Errors
    /// Where the store doesn't answer, or tells nothing any more.
    pub fn wait(&self, patience: Duration) -> Outcome<u64> {
        let until = self.clock.tick().after(patience);
        loop {
            let left = self.store.tally().wait()?.unfinished();
            let time = until.since(self.clock.tick());
            if left == 0 || time.is_zero() {
                return Ok(left);
            }
            match self.changes.recv_timeout(time) {
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
                    return failed("the store tells nothing any more");
                }
                _ => while self.changes.try_recv().is_ok() {},
            }
        }
    }
}
