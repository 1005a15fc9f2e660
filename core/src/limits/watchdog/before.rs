//! What a process that serves one after the other has left of those before.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use super::procfs::{Pids, Process, if_there};
use super::top::Top;
use super::{Had, Times};
use crate::process::Sizes;

/// What was there when a tree became known, and is not the tree's.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// Of the root and of what it had waited for, and of what it has waited for since that was there.
    pub(super) cpu_time: Duration,
    /// What it had waited for.
    pub(super) reaped: Duration,
    pub(super) sizes: Sizes,
    /// What others have left behind below the root.
    pub(super) leftovers: HashMap<u32, Leftover>,
    /// The memory of those, in bytes.
    pub(super) left: u64,
}

/// A process that was there before.
#[derive(Debug)]
pub(super) struct Leftover {
    process: Process,
    /// What it and what it has waited for had used when it was last looked at.
    cpu_time: Duration,
    /// Whether it was found by the look that is being taken.
    found: bool,
}

impl Before {
    /// What the root has now, and everything that it has started. It is found out at the start of each job,
    /// so where there is nothing, it must take no longer than a read or two.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn of(top: &mut Top) -> io::Result<Self> {
        let sizes = top.process.sizes()?;
        let mut before = Self::with(sizes, top.times(Process::times)?);
        let mut next = top.settled()?;
        while let Some(pid) = next.pop() {
            next.extend(before.leave_out(pid)?);
        }
        Ok(before)
    }

    /// What the root says that it had, and had started nothing. Where it doesn't say what it had used of the
    /// processors, that was a moment ago, so that it has hardly used any since.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn told(top: &mut Top, had: Had) -> io::Result<Self> {
        let now = top.process.sizes()?;
        let times = top.times(Process::times)?;
        // It may be a tale: nobody had more than there is now, but for memory that was given back.
        let sizes = Sizes {
            resident: had.resident.min(now.resident),
            own: had.own.min(now.own),
            ..now
        };
        Ok(Self::with(
            sizes,
            had.times.map_or(times, |had| had.min(times)),
        ))
    }

    fn with(sizes: Sizes, times: Times) -> Self {
        Self {
            cpu_time: times.sum(),
            reaped: times.reaped,
            sizes,
            ..Self::default()
        }
    }

    /// Leaves out a process, as long as it lives; gives its children.
    fn leave_out(&mut self, pid: u32) -> io::Result<Pids> {
        let mut process = Process::new(pid);
        let Some(times) = if_there(process.times())? else {
            return Ok(Pids::new());
        };
        self.left += if_there(process.resident())?.unwrap_or(0);
        let children = process.children()?;
        let leftover = Leftover {
            process,
            cpu_time: times.sum(),
            found: false,
        };
        self.leftovers.insert(pid, leftover);
        Ok(children)
    }

    /// Looks at a leftover and gives its children; `None` where the process is none.
    ///
    /// # Errors
    /// Those of the system that pass.
    pub(super) fn find(&mut self, pid: u32) -> io::Result<Option<Pids>> {
        let Some(leftover) = self.leftovers.get_mut(&pid) else {
            return Ok(None);
        };
        let Some(times) = if_there(leftover.process.times())? else {
            return Ok(None);
        };
        leftover.cpu_time = times.sum();
        leftover.found = true;
        leftover.process.children().map(Some)
    }

    /// Lets go of the leftovers that weren't found; gives what they had used.
    pub(super) fn let_go(&mut self) -> Duration {
        let mut gone = Duration::ZERO;
        self.leftovers.retain(|_, leftover| {
            let found = std::mem::take(&mut leftover.found);
            if !found {
                gone += leftover.cpu_time;
            }
            found
        });
        gone
    }
}
