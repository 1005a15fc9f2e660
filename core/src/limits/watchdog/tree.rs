//! A process and everything that descends from it, and what they use together.

use std::collections::HashMap;
use std::time::Duration;

use super::procfs::{Process, Sizes, time};
use crate::limits::{Limits, Root};

/// What the processes of a tree use together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    /// Resident memory in bytes, what they share counted for each; of a root that is part of the tree, what
    /// came since the tree is known.
    pub(super) resident: u64,
    /// Processor time since the tree is known; what has ended and was waited for is part of it.
    pub(super) cpu_time: Duration,
    /// Open descriptors, where they are counted.
    pub(super) files: u64,
    /// Open sockets, where they are counted.
    pub(super) connections: u64,
}

/// A tree of processes.
#[derive(Debug)]
pub(super) struct Tree {
    root: Root,
    /// The root, whether it is part of the tree or not.
    top: Process,
    /// Everything below it.
    below: HashMap<u32, Process>,
    /// What its root had when the tree became known, which is not the tree's.
    before: Before,
    used: Used,
    /// Whether its root was there when it was last looked at.
    there: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Before {
    ticks: u64,
    sizes: Sizes,
}

impl Tree {
    /// The tree from `root` on, as it is now. What a process that is part of it has used before is not
    /// counted.
    pub(super) fn new(root: Root, top: Option<Process>) -> Self {
        let (Root::Below(pid) | Root::With(pid)) = root;
        let mut top = top.unwrap_or_else(|| Process::new(pid));
        let before = match root {
            Root::With(_) => Before::of(&mut top),
            Root::Below(_) => Before::default(),
        };
        Self {
            root,
            top,
            below: HashMap::new(),
            before,
            used: Used::default(),
            there: false,
        }
    }

    /// The memory that its root had before, in bytes.
    pub(super) fn memory_before(&self) -> u64 {
        self.before.sizes.resident
    }

    /// Whether its root is a process that runs on without it: what is below a guard is gone when the guard
    /// says so, and it says what it has used.
    pub(super) fn runs_on(&self) -> bool {
        matches!(self.root, Root::With(_))
    }

    /// The root, where it is part of the tree and was there when it was last looked at. Nothing can be
    /// looked at any more.
    pub(super) fn take_top(&mut self) -> Option<Process> {
        self.below.clear();
        let own = matches!(self.root, Root::With(_)) && self.there;
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
        if matches!(self.root, Root::With(_)) {
            ticks += top.own;
            count(&mut self.top, limits, &mut used, &mut sockets);
            used.resident = used.resident.saturating_sub(self.memory_before());
        }
        let mut next = self.top.children();
        while let Some(pid) = next.pop() {
            if self.below.contains_key(&pid) {
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
            resident: resident.saturating_sub(self.memory_before()),
            cpu_time: time(ticks),
            ..Used::default()
        };
        Some(self.used)
    }

    /// Looks at the memory of the processes that are known, and at nothing else.
    pub(super) fn glance(&mut self) -> Used {
        let own = matches!(self.root, Root::With(_)).then(|| {
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
            Root::With(_) => Some(self.top.grown(self.before.sizes.own)),
            Root::Below(_) if self.below.is_empty() => return None,
            Root::Below(_) => None,
        };
        let below = self.below.values().map(Process::proportional);
        // One that can't be looked at leaves it unknown.
        own.into_iter().chain(below).sum()
    }
}

impl Before {
    fn of(process: &mut Process) -> Self {
        let ticks = process.ticks().unwrap_or_default();
        Self {
            ticks: ticks.own + ticks.reaped,
            sizes: process.sizes().unwrap_or_default(),
        }
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
