//! A process that runs, and its group.

use std::fmt;
use std::process::Child;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process_group, test_kill_process_group, waitid,
};

use super::wait::wait;
use crate::outcome::Exit;
use crate::process::{TreeUsage, Watch};

/// How soon, and then how often, it is looked whether anybody is left of a group whose first process has
/// ended: the system doesn't tell.
const SOON: Duration = Duration::from_millis(1);
const OFTEN: Duration = Duration::from_millis(50);

/// A handle to a process and its group. Dropped, it ends them all.
pub struct Tree {
    group: Arc<Group>,
}

/// A process group, and the number of its first process.
pub(super) struct Group {
    pid: Pid,
    state: Mutex<State>,
    /// It was sent something.
    sent: Condvar,
}

#[derive(Default)]
struct State {
    /// Nobody is left, so that its number may be that of another group.
    gone: bool,
}

impl Tree {
    pub(super) fn of(group: Arc<Group>) -> Self {
        Self { group }
    }

    /// Asks the group to end (TERM), and lets it run on where it stands still.
    pub fn terminate(&self) {
        self.group.send(Signal::TERM);
        self.thaw();
    }

    /// Ends the group, at once and surely (KILL).
    pub fn kill(&self) {
        self.group.send(Signal::KILL);
    }

    /// Stops the group where it stands.
    pub fn freeze(&self) {
        self.group.send(Signal::STOP);
    }

    /// Lets the group run on.
    pub fn thaw(&self) {
        self.group.send(Signal::CONT);
    }

    /// Nothing: no process of ours is there that could show it.
    pub fn title(&self, _: &str) {}
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pid = self.group.pid();
        f.debug_struct("Tree").field("pid", &pid).finish()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Group {
    /// The group whose first process this is, which is waited for here alone: until then, its number is that
    /// of no other.
    pub(super) fn of(child: &Child) -> Arc<Self> {
        Arc::new(Self {
            pid: Pid::from_child(child),
            state: Mutex::default(),
            sent: Condvar::new(),
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    fn send(&self, signal: Signal) {
        let state = self.state.lock();
        if !state.gone {
            // It fails where everybody has ended.
            let _ = kill_process_group(self.pid, signal);
            self.sent.notify_all();
        }
    }

    /// Ends it by force, and waits for its first process.
    pub(super) fn end(&self) {
        self.send(Signal::KILL);
        self.wait_for_first();
    }

    /// Waits for its end, and tells of it but for that. Gives what its first process has used, with those that
    /// it has waited for.
    pub(super) fn wait(&self, watch: &dyn Watch) -> Option<TreeUsage> {
        watch.started(self.pid(), self.pid());
        let ended = self.wait_for_first();
        let left = !self.is_gone();
        if let Some((exit, _)) = ended {
            watch.exited(exit, left);
        }
        let mut pause = SOON;
        let mut state = self.state.lock();
        while !state.gone {
            self.sent.wait_for(&mut state, pause);
            pause = (pause * 2).min(OFTEN);
            state.look(self.pid);
        }
        ended.map(|(_, usage)| usage)
    }

    /// Waits for its first process, which keeps its number until the lock is held.
    fn wait_for_first(&self) -> Option<(Exit, TreeUsage)> {
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(self.pid), ended) {}
        let _state = self.state.lock();
        wait(self.pid).ok()
    }

    fn is_gone(&self) -> bool {
        let mut state = self.state.lock();
        state.look(self.pid);
        state.gone
    }
}

impl State {
    /// Looks whether anybody is left, once the first process was waited for.
    fn look(&mut self, group: Pid) {
        let looked = test_kill_process_group(group);
        self.gone = looked == Err(rustix::io::Errno::SRCH);
    }
}
