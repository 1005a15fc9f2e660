//! The process that a tree begins with, and the one that takes in what loses its parent there.

use std::io;

use super::procfs::{Pids, Process};
use super::{Root, Times};

/// Where a tree begins.
#[derive(Debug)]
pub(super) struct Top {
    pub(super) process: Process,
    /// Its parent, where that takes in what loses its parent.
    adopter: Option<Process>,
}

impl Top {
    /// The root of a tree.
    pub(super) fn new(root: Root) -> Self {
        Self {
            process: Process::new(root.pid()),
            adopter: root.adopter().map(Process::new),
        }
    }

    /// The number of the process.
    pub(super) fn pid(&self) -> u32 {
        self.process.pid
    }

    /// Whether the process has gone, as far as that can be seen at once.
    pub(super) fn is_gone(&self) -> bool {
        self.process.is_gone()
    }

    /// What the process has used, and what both have waited for.
    ///
    /// # Errors
    /// Those of the system; `NotFound` once one of them has ended.
    pub(super) fn times(
        &mut self,
        of: impl Fn(&mut Process) -> io::Result<Times>,
    ) -> io::Result<Times> {
        let mut times = of(&mut self.process)?;
        if let Some(adopter) = &mut self.adopter {
            times.reaped += of(adopter)?.reaped;
        }
        Ok(times)
    }

    /// What the process has started that runs by itself, and what both have taken in.
    ///
    /// # Errors
    /// Those of the system that pass.
    pub(super) fn children(&mut self) -> io::Result<Pids> {
        let found = self.process.children()?;
        self.with_adopted(found)
    }

    /// The same, but for what other threads of the process than its main one have started, and are there to
    /// wait for.
    ///
    /// # Errors
    /// Those of the system that pass.
    pub(super) fn settled(&mut self) -> io::Result<Pids> {
        let found = self.process.settled_children()?;
        self.with_adopted(found)
    }

    fn with_adopted(&mut self, mut found: Pids) -> io::Result<Pids> {
        if let Some(adopter) = &mut self.adopter {
            let own = self.process.pid;
            found.extend(adopter.children()?.into_iter().filter(|pid| *pid != own));
        }
        Ok(found)
    }

    /// Whether neither has run since they were last asked for their times.
    pub(super) fn is_still(&self) -> bool {
        self.process.is_still() && self.adopter.as_ref().is_none_or(Process::is_still)
    }
}
