//! What an engine needs to run processes: made when the first one is started.

use std::io;
use std::sync::{Arc, OnceLock};

use super::launch::{Launch, Watch};
use super::reactor::Reactor;
use super::tree::Tree;
use super::warden::Warden;

/// The processes of one engine, of all its executors.
#[derive(Debug, Default)]
pub struct Processes {
    started: OnceLock<(Reactor, Warden)>,
}

impl Processes {
    /// None yet.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Starts a process. Whether it could be is told to `watch`.
    ///
    /// # Errors
    /// As [`Warden::launch`].
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

    fn started(&self) -> io::Result<&(Reactor, Warden)> {
        if let Some(started) = self.started.get() {
            return Ok(started);
        }
        let reactor = Reactor::new()?;
        let warden = Warden::new(reactor.clone());
        Ok(self.started.get_or_init(|| (reactor, warden)))
    }
}
