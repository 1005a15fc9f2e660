//! A process and everything that descends from it, and what they use together.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use super::before::Before;
pub(super) use super::procfs::Process;
use super::procfs::{Sizes, Times};
use super::used::Used;
use crate::limits::{Limits, Root};

/// A tree of processes.
#[derive(Debug)]
pub(super) struct Tree {
    root: Root,
    /// The root, whether it is part of the tree or not.
    top: Process,
    /// Everything below it, but for what was there before.
    below: HashMap<u32, Process>,
    /// What was there when the tree became known, and is not the tree's.
    before: Before,
    /// What its root had waited for when it was last looked at.
    reaped: Duration,
    used: Used,
    /// Whether its root was there when it was last looked at.
    there: bool,
}

impl Tree {
    /// The tree from `root` on, as it is now; `top` is the root as it was known before, maybe another
    /// process that had its number. What a process that is part of it has used before is not counted, and
    /// nor are the processes below such a one, as long as they live.
    pub(super) fn new(root: Root, top: Option<Process>) -> Self {
        let known = top.and_then(|mut top| top.times().is_ok().then_some(top));
        let mut top = known.unwrap_or_else(|| Process::new(root.pid()));
        let before = match root {
            Root::With(_) => Before::of(&mut top),
            Root::Since { resident, own, .. } => Before::since(&mut top, Sizes { resident, own }),
            Root::Below(_) => Before::default(),
        };
        Self {
            root,
            top,
            below: HashMap::new(),
            reaped: before.reaped,
            before,
            used: Used::default(),
            there: false,
        }
    }

    /// The memory that was there before, in bytes.
    pub(super) fn memory_before(&self) -> u64 {
        self.before.sizes.resident + self.before.left
    }

    /// Whether its root is a process that runs on without it: what is below a guard is gone when the guard
    /// says so, and it says what it has used.
    pub(super) fn runs_on(&self) -> bool {
        self.root.is_within()
    }

    /// The root, where it is part of the tree and was there when it was last looked at. Nothing can be
    /// looked at any more.
    pub(super) fn take_top(&mut self) -> Option<Process> {
        self.below.clear();
        self.before.leftovers.clear();
        let own = self.root.is_within() && self.there;
        let nobody = Process::new(self.top.pid);
        own.then(|| std::mem::replace(&mut self.top, nobody))
    }

    /// Looks at everything, from the root down: what has come is found and what has gone is let go.
    /// `None` once the root has ended.
    pub(super) fn look(&mut self, limits: &Limits) -> Option<Used> {
        self.walk(limits, Process::times)
    }

    /// The same, but that what has come and gone since the last `look` is not in the processor time: it
    /// takes the system half as long.
    pub(super) fn look_again(&mut self, limits: &Limits) -> Option<Used> {
        match self.before.leftovers.is_empty() {
            true => self.walk(limits, Process::times_lately),
            false => self.look(limits),
        }
    }

    fn walk(
        &mut self,
        limits: &Limits,
        times: impl Fn(&mut Process) -> io::Result<Times>,
    ) -> Option<Used> {
        let mut used = Used::default();
        let mut sockets = Vec::new();
        let mut known = std::mem::take(&mut self.below);
        let top = times(&mut self.top);
        self.there = top.is_ok();
        let top = top.ok()?;
        let mut cpu_time = top.reaped;
        if self.root.is_within() {
            cpu_time += top.own;
            count(&mut self.top, limits, &mut used, &mut sockets);
            used.resident = used.resident.saturating_sub(self.before.sizes.resident);
        }
        let mut next = self.top.children();
        while let Some(pid) = next.pop() {
            if self.below.contains_key(&pid) {
                continue;
            }
            if let Some(children) = self.before.find(pid) {
                next.extend(children);
                continue;
            }
            let mut process = known.remove(&pid).unwrap_or_else(|| Process::new(pid));
            let Ok(more) = times(&mut process) else {
                continue;
            };
            cpu_time += more.sum();
            count(&mut process, limits, &mut used, &mut sockets);
            next.extend(process.children());
            self.below.insert(pid, process);
        }
        sockets.sort_unstable();
        sockets.dedup();
        used.connections = sockets.len() as u64;
        self.let_go_of_leftovers(top.reaped);
        // What ends between two looks at it is missing once, and is back with whoever waited for it.
        let own = cpu_time.saturating_sub(self.before.cpu_time);
        used.cpu_time = own.max(self.used.cpu_time);
        self.used = used;
        Some(used)
    }

    /// Looks at its root alone, where that is part of it.
    pub(super) fn look_at_top(&mut self) -> Option<Used> {
        let times = self.top.times();
        self.there = times.is_ok();
        let cpu_time = times.ok()?.sum().saturating_sub(self.before.cpu_time);
        let resident = self.top.resident().unwrap_or(0);
        self.used = Used {
            resident: resident.saturating_sub(self.before.sizes.resident),
            cpu_time,
            ..Used::default()
        };
        Some(self.used)
    }

    /// Leftovers that have ended are part of what the root has waited for, as far as it has: that isn't the
    /// tree's either. It had waited for `reaped` when this look began.
    fn let_go_of_leftovers(&mut self, reaped: Duration) {
        let gone = self.before.let_go();
        if gone > Duration::ZERO {
            let now = self.top.times().map_or(reaped, |times| times.reaped);
            self.before.cpu_time += gone.min(now.saturating_sub(self.reaped));
        }
        self.reaped = reaped;
    }

    /// What it used when it was looked at, where none of its processes has run since: who hasn't run has
    /// started nothing, waited for nothing and taken no memory. `None` where one has, or may have.
    pub(super) fn unmoved(&self) -> Option<Used> {
        let mut all = std::iter::once(&self.top).chain(self.below.values());
        let still = self.before.leftovers.is_empty() && all.all(Process::is_still);
        still.then_some(self.used)
    }

    /// Looks at the memory of the processes that are known, and at nothing else.
    pub(super) fn glance(&mut self) -> Used {
        let own = self.root.is_within().then(|| {
            let resident = self.top.resident().unwrap_or(0);
            resident.saturating_sub(self.before.sizes.resident)
        });
        let all = self.below.values_mut();
        let below: u64 = all.filter_map(|process| process.resident().ok()).sum();
        self.used.resident = own.unwrap_or(0) + below;
        self.used
    }

    /// Their memory in bytes, what they share counted once as far as they share it with each other.
    pub(super) fn proportional(&self) -> Option<u64> {
        let own = match self.root {
            Root::Below(_) if self.below.is_empty() => return None,
            Root::Below(_) => None,
            _ => Some(self.top.grown(self.before.sizes.own)),
        };
        let below = self.below.values().map(Process::proportional);
        // One that can't be looked at leaves it unknown.
        own.into_iter().chain(below).sum()
    }
}

fn count(process: &mut Process, limits: &Limits, used: &mut Used, sockets: &mut Vec<u64>) {
    used.resident += process.resident().unwrap_or(0);
    if limits.files.is_some() {
        used.files += process.files();
    }
    if limits.connections.is_some() {
        process.sockets(sockets);
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{Pid, Signal, kill_process};

    use super::super::warm::Warm;
    use super::*;

    fn send(pid: u32, signal: Signal) {
        kill_process(Pid::from_raw(pid as i32).unwrap(), signal).unwrap();
    }

    #[test]
    fn what_a_job_leaves_behind_is_not_counted_to_the_next_one() {
        let mut warm = Warm::new(
            "sh -c 'while :; do :; done' & echo $!; a=$!; read x; sleep 1000 & echo $!; read x; \
             wait $a; echo gone; read x",
        );
        let leftover: u32 = warm.line().parse().unwrap();
        let mut busy = Process::new(leftover);
        while busy.times().unwrap().own < Duration::from_millis(300) {
            std::thread::yield_now();
        }
        send(leftover, Signal::STOP);
        let mut tree = Tree::new(Root::With(warm.pid()), None);
        assert!(tree.memory_before() > tree.before.sizes.resident);
        let used = tree.look(&Limits::NONE).unwrap();
        assert!(tree.below.is_empty() && used.resident < tree.before.left);
        warm.go_on();
        let own: u32 = warm.line().parse().unwrap();
        tree.look(&Limits::NONE).unwrap();
        assert!(tree.below.len() == 1 && tree.below.contains_key(&own));
        // When it ends, the root has waited for it.
        send(leftover, Signal::KILL);
        warm.go_on();
        assert_eq!(warm.line(), "gone");
        for _ in 0..2 {
            let used = tree.look(&Limits::NONE).unwrap();
            assert!(used.cpu_time < Duration::from_millis(200), "{used:?}");
        }
        assert!(tree.before.leftovers.is_empty());
        send(own, Signal::KILL);
    }

    #[test]
    fn what_had_the_number_of_a_root_before_is_not_looked_at() {
        let mut ended = Warm::new("echo");
        ended.line();
        let mut before = Process::new(ended.pid());
        before.times().unwrap();
        ended.wait();
        let mut warm = Warm::new("echo; read x");
        warm.line();
        let mut tree = Tree::new(Root::With(warm.pid()), Some(before));
        assert!(tree.look(&Limits::NONE).is_some());
    }

    #[test]
    fn a_tree_stands_still_until_one_of_its_processes_runs() {
        let mut warm = Warm::new("exec 3<&0; sh -c 'echo; read x; echo; read x' <&3 & wait");
        warm.line();
        let root = Root::Since {
            pid: warm.pid(),
            resident: 0,
            own: 0,
        };
        let mut tree = Tree::new(root, None);
        let mut look = || loop {
            let used = tree.look(&Limits::NONE).unwrap();
            if (0..100).all(|_| tree.unmoved() == Some(used)) {
                return tree.below.len();
            }
        };
        assert_eq!(look(), 1);
        warm.go_on();
        warm.line();
        assert_eq!(tree.unmoved(), None);
    }
}
