//! Starts processes as heads of groups of their own.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, setrlimit};

use super::keeper::Keeper;
use super::reactor::Reactor;
use super::tree::{Group, Tree};
use crate::process::{Launch, Watch};

/// Starts processes, each in a process group of its own. Dropped, it goes, and everything that is left of what
/// it has started.
#[derive(Debug)]
pub struct Groups {
    keeper: Arc<Keeper>,
}

impl Groups {
    /// One that has started nothing yet. What becomes of what it starts is told on threads of their own.
    pub fn new(_: Reactor) -> Self {
        Self {
            keeper: Arc::new(Keeper::new()),
        }
    }

    /// Starts a process.
    ///
    /// # Errors
    /// Those of the system, where the program can't be run, and `Unsupported` for descriptors other than those
    /// of the standard streams.
    pub fn launch(&self, mut launch: Launch, watch: Arc<dyn Watch>) -> io::Result<Tree> {
        let name = launch.args.first().cloned().unwrap_or_default();
        let limits = std::mem::take(&mut launch.limits);
        let mut command = launch.into_command()?;
        command.arg0(name).process_group(0);
        if !limits.is_empty() {
            limit(&mut command, limits);
        }
        self.keeper.be_there()?;
        let group = Group::of(&command.spawn()?);
        // Between these two, the end of the engine would leave it.
        let watched = self.keeper.add(group.pid());
        if let Err(error) = watched.and_then(|()| self.wait_for(&group, watch)) {
            group.end();
            self.keeper.remove(group.pid());
            return Err(error);
        }
        Ok(Tree::of(group))
    }

    /// Tells what becomes of a group, on a thread of its own.
    fn wait_for(&self, group: &Arc<Group>, watch: Arc<dyn Watch>) -> io::Result<()> {
        let (group, keeper) = (Arc::clone(group), Arc::clone(&self.keeper));
        let waiter = std::thread::Builder::new().name("bursar-waiter".into());
        let waiter = waiter.spawn(move || {
            let usage = group.wait(&*watch);
            keeper.remove(group.pid());
            watch.gone(usage);
        });
        waiter.map(drop)
    }
}

#[expect(
    unsafe_code,
    reason = "only the new process itself can limit what it may use"
)]
fn limit(command: &mut Command, limits: Vec<(i32, u64, u64)>) {
    let limits: Vec<(Resource, Rlimit)> = limits
        .into_iter()
        .filter_map(|(number, soft, hard)| {
            let (current, maximum) = (Some(soft), Some(hard));
            Some((resource(number)?, Rlimit { current, maximum }))
        })
        .collect();
    let set = move || {
        for (resource, limit) in &limits {
            setrlimit(*resource, *limit)?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec, it calls setrlimit(2) alone, which is safe there, and allocates nothing.
    unsafe {
        command.pre_exec(set);
    }
}

/// The resource with this number.
fn resource(number: i32) -> Option<Resource> {
    [Resource::Cpu, Resource::Nofile]
        .into_iter()
        .find(|resource| *resource as i32 == number)
}
