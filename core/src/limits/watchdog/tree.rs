//! A process and everything that descends from it, and what they use together.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use super::Times;
use super::before::Before;
use super::procfs::{Pids, Process, if_there, passes};
pub(super) use super::top::Top;
use super::used::Used;
use crate::limits::{Limits, Root};

/// A tree of processes.
#[derive(Debug)]
pub(super) struct Tree {
    root: Root,
    /// The root, whether it is part of the tree or not.
    top: Top,
    /// Everything that it has started, but for what was there before.
    below: HashMap<u32, Process>,
    /// What was there when the tree became known, and is not the tree's; none while that couldn't be read.
    before: Option<Before>,
    /// What its root had waited for when it was last looked at.
    reaped: Duration,
    used: Used,
    /// Whether its root was there when it was last looked at.
    there: bool,
    /// Whether everything could be read then.
    sure: bool,
}

/// What is found on a walk.
#[derive(Default)]
struct Found {
    used: Used,
    cpu_time: Duration,
    sockets: Vec<u64>,
}

impl Tree {
    /// The tree from `root` on, as it is now; `top` is the root as it was known before, maybe another
    /// process that had its number. What a process that is part of it has used before is not counted, and
    /// nor are the processes that it has started then, as long as they live. Where the process says all of
    /// that itself, nothing is read before the first look: most jobs have ended by then.
    pub(super) fn new(root: Root, top: Option<Top>) -> Self {
        let known = top.and_then(|mut top| top.times(Process::times).is_ok().then_some(top));
        let mut tree = Self {
            root,
            top: known.unwrap_or_else(|| Top::new(root)),
            below: HashMap::new(),
            before: None,
            reaped: Duration::ZERO,
            used: Used::default(),
            there: false,
            sure: false,
        };
        if !root.says_all() {
            // Where it fails, it is tried again at the first look.
            let _ = tree.remember();
        }
        tree
    }

    /// Remembers what was there before, where it doesn't yet.
    fn remember(&mut self) -> io::Result<()> {
        if self.before.is_some() {
            return Ok(());
        }
        let before = match self.root {
            Root::With(_) => Before::of(&mut self.top)?,
            Root::Since { had, .. } => Before::told(&mut self.top, had)?,
            Root::Below(_) => Before::default(),
        };
        self.reaped = before.reaped;
        self.before = Some(before);
        Ok(())
    }

    /// The memory that was there before, in bytes.
    pub(super) fn memory_before(&self) -> u64 {
        match &self.before {
            Some(before) => before.sizes.resident.saturating_add(before.left),
            None => self.root.told().map_or(0, |had| had.resident),
        }
    }

    /// Whether its root is a process that runs on without it: what is below a guard is gone when the guard
    /// says so, and it says what it has used.
    pub(super) fn runs_on(&self) -> bool {
        self.root.is_within()
    }

    /// The root, where it is part of the tree and was there when it was last looked at. Nothing can be
    /// looked at any more.
    pub(super) fn take_top(&mut self) -> Option<Top> {
        self.below.clear();
        self.before = None;
        let own = self.root.is_within() && self.there;
        own.then(|| std::mem::replace(&mut self.top, Top::new(self.root)))
    }

    /// Looks at everything, from the root down: what has come is found and what has gone is let go.
    /// `None` once the root has ended.
    pub(super) fn look(&mut self, limits: &Limits) -> Option<Used> {
        self.walk(limits, Process::times)
    }

    /// The same, but that what has come and gone since the last `look` is not in the processor time: it
    /// takes the system half as long.
    pub(super) fn look_again(&mut self, limits: &Limits) -> Option<Used> {
        let nothing_left = |before: &Before| before.leftovers.is_empty();
        match self.before.as_ref().is_some_and(nothing_left) {
            true => self.walk(limits, Process::times_lately),
            false => self.look(limits),
        }
    }

    /// What couldn't be read this time is as it was.
    fn walk(
        &mut self,
        limits: &Limits,
        times: impl Fn(&mut Process) -> io::Result<Times>,
    ) -> Option<Used> {
        let mut known = std::mem::take(&mut self.below);
        let walked = self.try_to_walk(limits, times, &mut known);
        self.sure = walked.is_ok();
        match walked {
            Ok(used) => self.used = used,
            Err(error) if passes(&error) => self.below.extend(known),
            Err(_) => {
                self.there = false;
                return None;
            }
        }
        Some(self.used)
    }

    fn try_to_walk(
        &mut self,
        limits: &Limits,
        times: impl Fn(&mut Process) -> io::Result<Times>,
        known: &mut HashMap<u32, Process>,
    ) -> io::Result<Used> {
        self.remember()?;
        let mut found = Found::default();
        let top = self.top.times(&times)?;
        self.there = true;
        found.cpu_time = top.reaped;
        if self.root.is_within() {
            found.add(
                &mut self.top.process,
                Times {
                    own: top.own,
                    ..Times::default()
                },
                limits,
            )?;
            found.used.resident = self.since_before(found.used.resident);
        }
        // What has lost its parent since the first round is with the root in the second.
        for _ in 0..2 {
            let next = self.top.children()?;
            self.descend(next, limits, &times, known, &mut found)?;
        }
        self.let_go_of_leftovers(top.reaped);
        let before = self
            .before
            .as_ref()
            .map_or(Duration::ZERO, |before| before.cpu_time);
        // What ends between two looks at it is missing once, and is back with whoever waited for it.
        let cpu_time = found
            .cpu_time
            .saturating_sub(before)
            .max(self.used.cpu_time);
        found.sockets.sort_unstable();
        found.sockets.dedup();
        Ok(Used {
            cpu_time,
            connections: found.sockets.len() as u64,
            ..found.used
        })
    }

    /// Finds what is in `next` and below it, but for what was found already.
    fn descend(
        &mut self,
        mut next: Pids,
        limits: &Limits,
        times: impl Fn(&mut Process) -> io::Result<Times>,
        known: &mut HashMap<u32, Process>,
        found: &mut Found,
    ) -> io::Result<()> {
        while let Some(pid) = next.pop() {
            if self.below.contains_key(&pid) {
                continue;
            }
            if let Some(before) = &mut self.before
                && let Some(children) = before.find(pid)?
            {
                next.extend(children);
                continue;
            }
            let mut process = known.remove(&pid).unwrap_or_else(|| Process::new(pid));
            let Some(times) = if_there(times(&mut process))? else {
                continue;
            };
            found.add(&mut process, times, limits)?;
            next.extend(process.children()?);
            self.below.insert(pid, process);
        }
        Ok(())
    }

    /// Looks at its root alone, where that is part of it; at everything, where what others have left there may
    /// have ended. `None` where it isn't known what was there before: nobody has looked yet.
    pub(super) fn look_at_top(&mut self) -> Option<Used> {
        let before = self.before.as_ref()?;
        if !before.leftovers.is_empty() {
            return self.look(&Limits::NONE);
        }
        let times = self.top.process.times();
        self.there = times.is_ok();
        let times = times.ok()?;
        let cpu_time = times.sum().saturating_sub(before.cpu_time);
        let resident = self.top.process.resident().unwrap_or(0);
        self.used = Used {
            resident: self.since_before(resident),
            cpu_time,
            ..Used::default()
        };
        Some(self.used)
    }

    /// How much of the memory of its root came since the tree is known.
    fn since_before(&self, resident: u64) -> u64 {
        let before = self.before.as_ref();
        resident.saturating_sub(before.map_or(0, |before| before.sizes.resident))
    }

    /// Leftovers that have ended are part of what the root has waited for, as far as it has: that isn't the
    /// tree's either. It had waited for `reaped` when this look began.
    fn let_go_of_leftovers(&mut self, reaped: Duration) {
        let Some(before) = &mut self.before else {
            return;
        };
        let gone = before.let_go();
        if gone > Duration::ZERO {
            let now = self.top.times(Process::times);
            let now = now.map_or(reaped, |times| times.reaped);
            before.cpu_time += gone.min(now.saturating_sub(self.reaped));
        }
        self.reaped = reaped;
    }

    /// What it used when it was looked at, where none of its processes has run since: who hasn't run has
    /// started nothing, waited for nothing and taken no memory. `None` where one has, or may have.
    pub(super) fn unmoved(&self) -> Option<Used> {
        let nothing_left = |before: &Before| before.leftovers.is_empty();
        let still = self.sure
            && self.before.as_ref().is_some_and(nothing_left)
            && self.top.is_still()
            && self.below.values().all(Process::is_still);
        still.then_some(self.used)
    }

    /// Looks at the memory of the processes that are known, and at nothing else.
    pub(super) fn glance(&mut self) -> Used {
        let own = match self.root.is_within() {
            true => self
                .top
                .process
                .resident()
                .map_or(0, |own| self.since_before(own)),
            false => 0,
        };
        let all = self.below.values_mut();
        let below: u64 = all.filter_map(|process| process.resident().ok()).sum();
        self.used.resident = own + below;
        self.used
    }

    /// Their memory in bytes, what they share counted once as far as they share it with each other.
    pub(super) fn proportional(&self) -> Option<u64> {
        let own = match self.root {
            Root::Below(_) if self.below.is_empty() => return None,
            Root::Below(_) => None,
            _ => {
                let before = self.before.as_ref()?;
                Some(self.top.process.grown(before.sizes.own))
            }
        };
        let below = self.below.values().map(Process::proportional);
        // One that can't be looked at leaves it unknown.
        own.into_iter().chain(below).sum()
    }
}

impl Found {
    /// Adds what a process uses.
    fn add(&mut self, process: &mut Process, times: Times, limits: &Limits) -> io::Result<()> {
        self.cpu_time += times.sum();
        self.used.resident += if_there(process.resident())?.unwrap_or(0);
        if limits.files.is_some() {
            self.used.files += process.files()?;
        }
        if limits.connections.is_some() {
            process.sockets(&mut self.sockets)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;
    use rustix::process::{
        Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, waitpid,
    };

    use super::super::Had;
    use super::super::warm::Warm;
    use super::*;
    use crate::process::{Head, is_stopped, send_to_tree};

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
        let mut tree = Tree::new(Root::With(Head::alone(warm.pid())), None);
        let before = tree.before.as_ref().unwrap();
        let (left, sizes) = (before.left, before.sizes);
        assert!(tree.memory_before() > sizes.resident);
        let used = tree.look(&Limits::NONE).unwrap();
        assert!(tree.below.is_empty() && used.resident < left);
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
        assert!(tree.before.unwrap().leftovers.is_empty());
        send(own, Signal::KILL);
    }

    #[test]
    fn what_had_the_number_of_a_root_before_is_not_looked_at() {
        let mut ended = Warm::new("echo");
        ended.line();
        let mut before = Top::new(Root::With(Head::alone(ended.pid())));
        before.times(Process::times).unwrap();
        ended.wait();
        let mut warm = Warm::new("echo; read x");
        warm.line();
        let mut tree = Tree::new(Root::With(Head::alone(warm.pid())), Some(before));
        assert!(tree.look(&Limits::NONE).is_some());
    }

    #[test]
    fn a_tree_stands_still_until_one_of_its_processes_runs() {
        let mut warm = Warm::new("exec 3<&0; sh -c 'echo; read x; echo; read x' <&3 & wait");
        warm.line();
        let had = Had {
            resident: 0,
            own: 0,
            times: None,
        };
        let head = Head::alone(warm.pid());
        let root = Root::Since { head, had };
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
        // The clock of what still runs is brought up to date at times.
        while tree.unmoved().is_some() {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn where_a_process_says_what_it_had_nothing_is_read_before_the_first_look() {
        let mut warm = Warm::new("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo; read x");
        warm.line();
        warm.rest();
        let head = Head::alone(warm.pid());
        let now = Top::new(Root::With(head)).process.sizes().unwrap();
        let tree = |resident, own| {
            let had = Had {
                resident,
                own: 0,
                times: Some(Times {
                    own,
                    reaped: Duration::ZERO,
                }),
            };
            let mut tree = Tree::new(Root::Since { head, had }, None);
            assert!(tree.before.is_none() && tree.look_at_top().is_none());
            assert_eq!(tree.memory_before(), resident);
            assert!(tree.take_top().is_none());
            tree
        };
        let used = tree(4_096, Duration::ZERO).look(&Limits::NONE).unwrap();
        assert_eq!(used.resident, now.resident - 4_096);
        assert!(used.cpu_time > Duration::ZERO);
        // What can't have been counts as if nothing had come since.
        let mut tale = tree(u64::MAX, Duration::MAX);
        let used = tale.look(&Limits::NONE).unwrap();
        assert_eq!((used.resident, used.cpu_time), (0, Duration::ZERO));
        assert_eq!(tale.memory_before(), now.resident);
    }

    #[test]
    fn what_has_lost_its_parent_is_found_with_who_has_taken_it_in() {
        let mut warm = Warm::new("read x; (sleep 1000 & echo $!); echo; read x");
        let head = Head {
            pid: warm.pid(),
            adopter: Some(std::process::id()),
        };
        let roots = [Root::With(head), Root::With(Head::alone(warm.pid()))];
        let mut trees = roots.map(|root| Tree::new(root, None));
        // For a moment, since what other tests leave comes here too.
        set_child_subreaper(Some(getpid())).unwrap();
        warm.go_on();
        let orphan: u32 = warm.line().parse().unwrap();
        warm.line();
        set_child_subreaper(None).unwrap();
        let [with, without] = trees.each_mut().map(|tree| {
            tree.look(&Limits::NONE).unwrap();
            tree.below.contains_key(&orphan)
        });
        assert!(with && !without);
        send_to_tree(head, Signal::STOP);
        while ![warm.pid(), orphan].into_iter().all(is_stopped) {
            std::thread::yield_now();
        }
        send_to_tree(head, Signal::CONT);
        send(orphan, Signal::KILL);
        waitpid(Pid::from_raw(orphan as i32), WaitOptions::empty()).unwrap();
        assert_eq!(trees[0].unmoved(), None);
    }

    #[test]
    fn what_cannot_be_read_for_now_is_as_it_was() {
        let mut warm = Warm::new("echo; read x; sleep 1000 & echo $!; read x");
        warm.line();
        let mut tree = Tree::new(Root::With(Head::alone(warm.pid())), None);
        let before = tree.look(&Limits::NONE).unwrap();
        warm.go_on();
        let below: u32 = warm.line().parse().unwrap();
        let fails = |error: Errno| move |_: &mut Process| Err(error.into());
        assert_eq!(tree.walk(&Limits::NONE, fails(Errno::MFILE)), Some(before));
        assert!(!tree.sure && tree.unmoved().is_none());
        tree.look(&Limits::NONE).unwrap();
        assert!(tree.sure && tree.below.contains_key(&below));
        assert!(tree.walk(&Limits::NONE, fails(Errno::NFILE)).is_some());
        assert!(tree.below.contains_key(&below));
        assert_eq!(tree.walk(&Limits::NONE, fails(Errno::SRCH)), None);
        send(below, Signal::KILL);
    }
}
