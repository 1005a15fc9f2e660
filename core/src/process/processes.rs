//! What an engine needs to run processes: made when the first one is started.

use std::io;
use std::sync::{Arc, OnceLock};

use super::launch::{Launch, Watch};
use super::{Reactor, Starter, Tree};
use crate::limits::{Enforcer, Watchdog};

/// The processes of one engine, of all its executors.
#[derive(Debug)]
pub struct Processes {
    started: OnceLock<(Reactor, Starter)>,
    enforcer: OnceLock<Enforcer>,
    watchdog: Arc<Watchdog>,
}

impl Processes {
    /// None yet.
    pub fn new() -> Arc<Self> {
        Self::guarded(Watchdog::new(), None)
    }

    /// None yet, to be looked after by `watchdog`, and with their limits enforced by `enforcer`, where one is
    /// given.
    pub fn guarded(watchdog: Arc<Watchdog>, enforcer: Option<Enforcer>) -> Arc<Self> {
        Arc::new(Self {
            started: OnceLock::new(),
            enforcer: enforcer.map(OnceLock::from).unwrap_or_default(),
            watchdog,
        })
    }

    /// What looks after them.
    pub fn watchdog(&self) -> &Arc<Watchdog> {
        &self.watchdog
    }

    /// What their limits are enforced with. The first call finds out what this system gives.
    pub fn enforcer(&self) -> &Enforcer {
        self.enforcer.get_or_init(Enforcer::find)
    }

    /// Starts a process. Whether it could be is told to `watch`.
    ///
    /// # Errors
    /// Those of the system, where it can't be asked for one. What the program itself is refused for may be told so
    /// too, instead of to `watch`.
    pub fn launch(&self, launch: Launch, watch: Arc<dyn Watch>) -> io::Result<Tree> {
        self.started()?.1.launch(launch, watch)
    }

    /// What waits for their descriptors.
    ///
    /// # Errors
    /// As [`Reactor::new`].
    pub fn reactor(&self) -> io::Result<&Reactor> {
        Ok(&self.started()?.0)
    }

    fn started(&self) -> io::Result<&(Reactor, Starter)> {
        if let Some(started) = self.started.get() {
            return Ok(started);
        }
        let reactor = Reactor::new()?;
        let starter = Starter::new(reactor.clone());
        Ok(self.started.get_or_init(|| (reactor, starter)))
    }
}
