//! A process and everything that descends from it, and what they use together.

use std::collections::HashMap;

use super::before::Before;
pub(super) use super::procfs::Process;
use super::procfs::{Sizes, time};
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
    /// What its root had waited for when it was last looked at, in ticks.
    reaped: u64,
    used: Used,
    /// Whether its root was there when it was last looked at.
    there: bool,
}

impl Tree {
    /// The tree from `root` on, as it is now; `top` is the root as it was known before, maybe another
    /// process that had its number. What a process that is part of it has used before is not counted, and
    /// nor are the processes below such a one, as long as they live.
    pub(super) fn new(root: Root, top: Option<Process>) -> Self {
        let known = top.and_then(|mut top| top.ticks().is_ok().then_some(top));
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
        let mut used = Used::default();
        let mut sockets = Vec::new();
        let mut known = std::mem::take(&mut self.below);
        let top = self.top.ticks();
        self.there = top.is_ok();
        let top = top.ok()?;
        let mut ticks = top.reaped;
        if self.root.is_within() {
            ticks += top.own;
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
            let Ok(more) = process.ticks() else {
                continue;
            };
            ticks += more.own + more.reaped;
            count(&mut process, limits, &mut used, &mut sockets);
            next.extend(process.children());
            self.below.insert(pid, process);
        }
        sockets.sort_unstable();
        sockets.dedup();
        used.connections = sockets.len() as u64;
        self.let_go_of_leftovers(top.reaped);
        // What ends between two looks at it is missing once, and is back with whoever waited for it.
        used.cpu_time = time(ticks.saturating_sub(self.before.ticks)).max(self.used.cpu_time);
        self.used = used;
        Some(used)
    }

    /// Looks at its root alone, where that is part of it.
    pub(super) fn look_at_top(&mut self) -> Option<Used> {
        let ticks = self.top.ticks();
        self.there = ticks.is_ok();
        let ticks = ticks.ok()?;
        let ticks = (ticks.own + ticks.reaped).saturating_sub(self.before.ticks);
        let resident = self.top.resident().unwrap_or(0);
        self.used = Used {
            resident: resident.saturating_sub(self.before.sizes.resident),
            cpu_time: time(ticks),
            ..Used::default()
        };
        Some(self.used)
    }

    /// Leftovers that have ended are part of what the root has waited for, as far as it has: that isn't the
    /// tree's either. It had waited for `reaped` when this look began.
    fn let_go_of_leftovers(&mut self, reaped: u64) {
        let gone = self.before.let_go();
        if gone > 0 {
            let now = self.top.ticks().map_or(reaped, |ticks| ticks.reaped);
            self.before.ticks += gone.min(now.saturating_sub(self.reaped));
        }
        self.reaped = reaped;
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
    use std::io::{BufRead, BufReader, Lines, Write};
    use std::process::{Child, ChildStdout, Command, Stdio};

    use rustix::process::{Pid, Signal, kill_process};

    use super::*;

    /// A warm process: what it has to do is told by lines, and it tells lines.
    struct Warm {
        process: Child,
        says: Lines<BufReader<ChildStdout>>,
    }

    impl Warm {
        fn new(script: &str) -> Self {
            let mut sh = Command::new("/bin/sh");
            let sh = sh.args(["-c", script]);
            let mut process = sh
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let says = BufReader::new(process.stdout.take().unwrap()).lines();
            Self { process, says }
        }

        fn line(&mut self) -> String {
            self.says.next().unwrap().unwrap()
        }

        fn go_on(&mut self) {
            writeln!(self.process.stdin.as_mut().unwrap()).unwrap();
        }

        fn root(&self) -> Root {
            Root::With(self.process.id())
        }
    }

    impl Drop for Warm {
        fn drop(&mut self) {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }

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
        while busy.ticks().unwrap().own < 30 {
            std::thread::yield_now();
        }
        send(leftover, Signal::STOP);
        let mut tree = Tree::new(warm.root(), None);
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
            assert!(used.cpu_time < time(20), "{used:?}");
        }
        assert!(tree.before.leftovers.is_empty());
        send(own, Signal::KILL);
    }

    #[test]
    fn what_had_the_number_of_a_root_before_is_not_looked_at() {
        let mut ended = Warm::new("echo");
        ended.line();
        let mut before = Process::new(ended.process.id());
        before.ticks().unwrap();
        ended.process.wait().unwrap();
        let mut warm = Warm::new("echo; read x");
        warm.line();
        let mut tree = Tree::new(warm.root(), Some(before));
        assert!(tree.look(&Limits::NONE).is_some());
    }
}
