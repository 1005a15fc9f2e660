//! The strongest that the system gives without being asked for more: a control group of its own, else
//! limits of the system, and sampling in any case.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use rustix::process::{Pid, Resource as System, Rlimit, getrlimit, prlimit};

use crate::limits::{Group, Groups, Isolation, Limits};
use crate::process::{Launch, Sizes};

/// Below this, no program starts, and what it says of it is nothing that people understand.
const LEAST_DATA: u64 = 16 << 20;

/// What a child of a pool may reserve beyond its limit: allocators take more than they are asked for. The
/// sampling finds who uses it.
const SPARE_DATA: u64 = 4 << 20;

/// How much of a file is looked at for what runs it, in bytes.
const HEAD: usize = 256;

/// Programs that reserve much more than they use, so that a limit on what is reserved would stop them long
/// before they use it: arenas of garbage collectors, stacks of many threads.
const RESERVING: [&str; 11] = [
    "node", "nodejs", "deno", "bun", "java", "dotnet", "mono", "go", "chrome", "chromium",
    "electron",
];

/// Knows what this system gives, once for an engine.
#[derive(Debug)]
pub struct Enforcer {
    groups: Option<Arc<Groups>>,
    /// Whether nothing but sampling is done.
    idle: bool,
}

/// How the limits of one attempt are enforced besides sampling.
#[derive(Debug)]
pub struct Enforcement {
    /// The strongest of what is done.
    pub isolation: Isolation,
    /// Limits of the system for each of its processes: resource, soft, hard.
    pub rlimits: Vec<(i32, u64, u64)>,
    /// The group that its first process joins, which is removed when this is dropped.
    pub group: Option<Group>,
}

impl Enforcer {
    /// Finds out what this system gives.
    pub fn find() -> Self {
        Self::new(Groups::find())
    }

    /// One that leaves everything to sampling, to see what that gives.
    pub fn sampling_only() -> Self {
        Self {
            idle: true,
            ..Self::new(None)
        }
    }

    /// One that makes leaves in `groups`, or none.
    pub fn new(groups: Option<Arc<Groups>>) -> Self {
        Self {
            groups,
            idle: false,
        }
    }

    /// For a command that runs `program`. The rule: a control group where one is delegated. Else what it
    /// may reserve is limited to `memory` (`RLIMIT_DATA`), unless that is below 16 MiB, where no program
    /// starts, or the program is known to reserve much more than it uses: those are sampled only.
    pub fn prepare(&self, limits: &Limits, program: &Path) -> Enforcement {
        if self.idle {
            return Enforcement::NONE;
        }
        let group = self
            .groups
            .as_ref()
            .filter(|_| !limits.is_none())
            .and_then(|groups| groups.leaf(limits).ok());
        let mut rlimits = backstops(limits);
        if group.is_none()
            && let Some(memory) = limits.memory
            && memory >= LEAST_DATA
            && !reserves(program)
        {
            rlimits.push((number(System::Data), memory, memory));
        }
        let isolation = match &group {
            Some(_) => Isolation::Cgroup,
            None if !rlimits.is_empty() => Isolation::Rlimit,
            None => Isolation::Sampling,
        };
        Enforcement {
            isolation,
            rlimits,
            group,
        }
    }

    /// For a child that runs one job after the other: while what this gives is kept, the child may
    /// reserve no more than `memory` and 4 MiB beyond what it has reserved. `None` where it can't be held
    /// down: it is sampled only.
    pub fn hold_down(&self, limits: &Limits, pid: u32) -> Option<HeldDown> {
        let memory = limits.memory.filter(|_| !self.idle)?;
        let child = Pid::from_raw(i32::try_from(pid).ok()?)?;
        let most = reserved(pid)?
            .saturating_add(memory)
            .saturating_add(SPARE_DATA);
        let before = limit_data(child, Some(most)).ok()?;
        Some(HeldDown { child, before })
    }
}

impl Enforcement {
    const NONE: Self = Self {
        isolation: Isolation::Sampling,
        rlimits: Vec::new(),
        group: None,
    };

    /// Holds what is launched to its limits.
    ///
    /// # Errors
    /// None: what could not be had was not prepared.
    pub(crate) fn apply(&self, launch: &mut Launch) -> io::Result<()> {
        launch.limits.clone_from(&self.rlimits);
        launch.group = self.group.as_ref().map(Group::procs);
        Ok(())
    }

    /// Whether the system says that it has ended the tree for want of memory.
    pub(crate) fn ran_out(&self) -> bool {
        self.group.as_ref().is_some_and(Group::ran_out)
    }
}

/// A child that may reserve only so much; dropped, it may again what it could before.
#[derive(Debug)]
pub struct HeldDown {
    child: Pid,
    before: Rlimit,
}

impl Drop for HeldDown {
    fn drop(&mut self) {
        // It fails where the child has ended.
        let _ = limit_data(self.child, self.before.current);
    }
}

/// Changes the soft limit on what a process may reserve; gives what it was. The hard one is that of this
/// process, from which it has it.
fn limit_data(child: Pid, soft: Option<u64>) -> io::Result<Rlimit> {
    let maximum = getrlimit(System::Data).maximum;
    let current = match (soft, maximum) {
        (Some(soft), Some(hard)) => Some(soft.min(hard)),
        (soft, hard) => soft.or(hard),
    };
    Ok(prlimit(
        Some(child),
        System::Data,
        Rlimit { current, maximum },
    )?)
}

/// What a process has reserved for its data, in bytes.
fn reserved(pid: u32) -> Option<u64> {
    let text = std::fs::read(format!("/proc/{pid}/statm")).ok()?;
    Some(Sizes::parse(&text).ok()?.reserved)
}

/// What stops a runaway between two looks at it: twice the files, a second more of processor time. Both
/// count for each process by itself; what is told of them is what the sampling finds.
fn backstops(limits: &Limits) -> Vec<(i32, u64, u64)> {
    let mut rlimits = Vec::new();
    if let Some(files) = limits.files {
        let most = (u64::from(files) * 2).max(u64::from(files) + 64);
        rlimits.push((number(System::Nofile), most, most));
    }
    if let Some(time) = limits.cpu_time {
        let most = time.as_secs() + 2;
        rlimits.push((number(System::Cpu), most, most + 1));
    }
    rlimits
}

fn number(resource: System) -> i32 {
    resource as i32
}

/// Whether a program, or what its first line says runs it, reserves much more than it uses.
fn reserves(program: &Path) -> bool {
    let real = std::fs::canonicalize(program).unwrap_or_else(|_| program.to_owned());
    let is_known = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        RESERVING.contains(&&*name)
    };
    if is_known(program) || is_known(&real) {
        return true;
    }
    let mut head = [0; HEAD];
    let read = File::open(&real).and_then(|mut file| file.read(&mut head));
    let head = String::from_utf8_lossy(&head[..read.unwrap_or(0)]).into_owned();
    let line = head.lines().next().and_then(|line| line.strip_prefix("#!"));
    let mut words = line.unwrap_or_default().split_whitespace();
    words.any(|word| is_known(Path::new(word)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn memory(bytes: u64) -> Limits {
        Limits {
            memory: Some(bytes),
            ..Limits::NONE
        }
    }

    #[test]
    fn a_program_may_reserve_what_it_may_use() {
        let enforcer = Enforcer::new(None);
        let sh = Path::new("/bin/sh");
        let done = enforcer.prepare(&memory(64_000_000), sh);
        assert_eq!(done.isolation, Isolation::Rlimit);
        assert_eq!(done.rlimits, [(2, 64_000_000, 64_000_000)]);
        for limits in [memory(0), memory(LEAST_DATA - 1), Limits::NONE] {
            let done = enforcer.prepare(&limits, sh);
            assert_eq!(
                (done.isolation, done.rlimits.len()),
                (Isolation::Sampling, 0)
            );
        }
    }

    #[test]
    fn what_reserves_more_than_it_uses_is_sampled_only() {
        let enforcer = Enforcer::new(None);
        let node = Path::new("/nowhere/bin/node");
        let done = enforcer.prepare(&memory(512_000_000), node);
        assert_eq!(done.isolation, Isolation::Sampling);
        let script = std::env::temp_dir().join(format!("bursar-script-{}", std::process::id()));
        std::fs::write(&script, "#!/usr/bin/env node\n").unwrap();
        let done = enforcer.prepare(&memory(512_000_000), &script);
        assert_eq!(done.isolation, Isolation::Sampling);
        std::fs::remove_file(&script).unwrap();
    }

    #[test]
    fn a_runaway_is_stopped_between_two_looks() {
        let limits = Limits {
            files: Some(10),
            cpu_time: Some(Duration::from_millis(1_500)),
            ..Limits::NONE
        };
        let done = Enforcer::new(None).prepare(&limits, Path::new("/bin/sh"));
        assert_eq!(done.rlimits, [(7, 74, 74), (0, 3, 4)]);
    }

    #[test]
    fn a_child_is_held_down_for_the_time_of_a_job() {
        let mut child = std::process::Command::new("/bin/cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let soft = || {
            let text = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix("Max data size"));
            line.unwrap().split_whitespace().next().unwrap().to_owned()
        };
        let before = soft();
        let held = Enforcer::new(None).hold_down(&memory(1 << 30), child.id());
        let most: u64 = soft().parse().unwrap();
        assert!((1 << 29..2 << 30).contains(&most), "{most}");
        drop(held);
        assert_eq!(soft(), before);
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(Enforcer::new(None).hold_down(&Limits::NONE, 1).is_none());
    }
}
