//! What a group uses, by looking at the processes of the machine.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use crate::clock::{Clock, SystemClock, Tick};

/// How long a list of all processes is good for: trees are looked at one after the other.
const FRESH: Duration = Duration::from_millis(5);

/// How long a group is trusted to have no new processes: a list of all takes milliseconds.
const LIST: Duration = Duration::from_millis(100);

/// Looks at the processes of a group, and at what descends from them.
#[derive(Debug)]
pub(crate) struct Meter {
    group: u32,
    /// The processor time of each that is there, by its number and when it began.
    times: HashMap<(u32, u64), Duration>,
    /// That of those which have ended since they were looked at.
    over: Duration,
    /// When all processes were gone through for it.
    listed: Option<Tick>,
}

impl Meter {
    /// For the group whose first process has the number `pid`.
    pub(crate) fn new(pid: u32) -> Self {
        Self {
            group: pid,
            times: HashMap::new(),
            over: Duration::ZERO,
            listed: None,
        }
    }

    /// The resident bytes and the processor time of all; `None` where nobody is there. What began and ended
    /// between two looks is not part of it.
    pub(crate) fn look(&mut self) -> Option<(u64, Duration)> {
        let found = self.find();
        let mut before = std::mem::take(&mut self.times);
        let mut resident = 0;
        for seen in &found {
            before.remove(&(seen.pid, seen.began));
            self.times.insert((seen.pid, seen.began), seen.cpu_time);
            resident += seen.resident;
        }
        self.over += before.into_values().sum::<Duration>();
        let all = self.over + self.times.values().sum::<Duration>();
        (!found.is_empty()).then_some((resident, all))
    }

    fn find(&mut self) -> Vec<Seen> {
        let mut machine = machine().lock();
        let now = machine.clock.tick();
        let is_new = |at: Tick| now.since(at) < LIST;
        if self.listed.is_some_and(is_new) && !self.times.is_empty() {
            let found = machine.again(self.times.keys().map(|(pid, _)| *pid));
            // Where one has ended, others may have come in its place.
            if found.len() == self.times.len() {
                return found;
            }
        }
        self.listed = Some(now);
        members(&machine.list(now), self.group)
    }
}

/// A process of the machine.
#[derive(Clone, Debug)]
struct Seen {
    pid: u32,
    parent: u32,
    group: u32,
    /// In seconds.
    began: u64,
    resident: u64,
    cpu_time: Duration,
}

/// The processes of a group, and all that descends from them.
fn members(machine: &[Seen], group: u32) -> Vec<Seen> {
    let own = |seen: &&Seen| seen.group == group || seen.pid == group;
    let mut found: Vec<&Seen> = machine.iter().filter(own).collect();
    let mut known: HashSet<u32> = found.iter().map(|seen| seen.pid).collect();
    let mut next = 0;
    while next < found.len() {
        let parent = found[next].pid;
        let children = machine.iter().filter(|seen| seen.parent == parent);
        found.extend(children.filter(|child| known.insert(child.pid)));
        next += 1;
    }
    found.into_iter().cloned().collect()
}

/// What is known of the processes of this machine.
fn machine() -> &'static Mutex<Machine> {
    static MACHINE: OnceLock<Mutex<Machine>> = OnceLock::new();
    MACHINE.get_or_init(Mutex::default)
}

#[derive(Default)]
struct Machine {
    clock: SystemClock,
    system: System,
    last: Option<(Tick, Arc<[Seen]>)>,
}

impl Machine {
    /// All processes, as they were at most 5 ms ago.
    fn list(&mut self, now: Tick) -> Arc<[Seen]> {
        if let Some((at, seen)) = &self.last
            && now.since(*at) < FRESH
        {
            return Arc::clone(seen);
        }
        self.refresh(ProcessesToUpdate::All);
        let seen: Arc<[Seen]> = self.system.processes().values().map(Seen::of).collect();
        self.last = Some((now, Arc::clone(&seen)));
        seen
    }

    /// These, as they are now.
    fn again(&mut self, pids: impl Iterator<Item = u32>) -> Vec<Seen> {
        let pids: Vec<Pid> = pids.map(Pid::from_u32).collect();
        self.refresh(ProcessesToUpdate::Some(&pids));
        let found = pids.iter().filter_map(|pid| self.system.process(*pid));
        found.map(Seen::of).collect()
    }

    fn refresh(&mut self, which: ProcessesToUpdate<'_>) {
        let kind = ProcessRefreshKind::nothing().with_memory().with_cpu();
        self.system.refresh_processes_specifics(which, true, kind);
    }
}

impl Seen {
    fn of(process: &sysinfo::Process) -> Self {
        let pid = process.pid().as_u32();
        Self {
            pid,
            parent: process.parent().map_or(0, Pid::as_u32),
            group: group_of(pid).unwrap_or(0),
            began: process.start_time(),
            resident: process.memory(),
            cpu_time: Duration::from_millis(process.accumulated_cpu_time()),
        }
    }
}

/// The group of a process; `None` where it has ended, or is one of the system's own, which have none.
fn group_of(pid: u32) -> Option<u32> {
    let pid = libc::pid_t::try_from(pid).ok()?;
    #[expect(
        unsafe_code,
        reason = "rustix takes it that every process has a group, and panics"
    )]
    // SAFETY: it takes and gives numbers.
    let group = unsafe { libc::getpgid(pid) };
    u32::try_from(group).ok().filter(|group| *group > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(pid: u32, parent: u32, group: u32) -> Seen {
        Seen {
            pid,
            parent,
            group,
            began: 1,
            resident: 0,
            cpu_time: Duration::ZERO,
        }
    }

    #[test]
    fn a_group_has_its_own_and_what_descends_from_them() {
        let machine = [
            seen(1, 0, 1),
            seen(10, 5, 10),
            seen(11, 10, 10),
            seen(12, 11, 12),
            seen(13, 1, 10),
            seen(14, 1, 14),
        ];
        let pids: HashSet<u32> = members(&machine, 10).iter().map(|seen| seen.pid).collect();
        assert_eq!(pids, HashSet::from([10, 11, 12, 13]));
    }

    #[test]
    fn a_process_is_measured_until_it_ends() {
        use std::os::unix::process::CommandExt;
        let mut command = std::process::Command::new("/bin/cat");
        let command = command.stdin(std::process::Stdio::piped());
        let mut child = command.process_group(0).spawn().unwrap();
        let mut meter = Meter::new(child.id());
        assert!(meter.look().unwrap().0 > 0);
        drop(child.stdin.take());
        child.wait().unwrap();
        while meter.look().is_some() {
            std::thread::yield_now();
        }
    }
}
