//! Control groups (version 2) below the one that was delegated to this process.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits::{CpuAction, Limits};

/// The controllers that leaves have. Without the first there is no use in them.
const CONTROLLERS: [&str; 3] = ["memory", "cpu", "pids"];

/// In how many microseconds a leaf has its share of the processors.
const PERIOD: u64 = 100_000;

/// Where leaves can be made: a group in which this process may decide.
#[derive(Debug)]
pub struct Groups {
    folder: PathBuf,
    next: AtomicU64,
}

impl Groups {
    /// The group of this process, where it is delegated to it. It is prepared for leaves: a group that
    /// has any holds no processes itself, so this process moves to one named `bursar-engine`.
    pub fn find() -> Option<Arc<Self>> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        Self::at(&mount_of(&mounts)?, &own)
    }

    /// The same, for a file system mounted at `mount` in which `own`, as in `/proc/self/cgroup`, says
    /// where this process is.
    pub fn at(mount: &Path, own: &str) -> Option<Arc<Self>> {
        let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
        let folder = mount.join(path.trim_start_matches('/'));
        let offered = words(&folder.join("cgroup.controllers"));
        if !offered.iter().any(|name| name == CONTROLLERS[0]) {
            return None;
        }
        let groups = Self {
            folder,
            next: AtomicU64::new(1),
        };
        groups.prepare(&offered).ok()?;
        Some(Arc::new(groups))
    }

    fn prepare(&self, offered: &[String]) -> io::Result<()> {
        let wanted: Vec<String> = offered
            .iter()
            .filter(|name| CONTROLLERS.contains(&name.as_str()))
            .map(|name| format!("+{name}"))
            .collect();
        let enable = || put(&self.folder, "cgroup.subtree_control", &wanted.join(" "));
        if enable().is_ok() {
            return Ok(());
        }
        let engine = self.folder.join("bursar-engine");
        make(&engine)?;
        put(&engine, "cgroup.procs", "0")?;
        enable().inspect_err(|_| {
            // Others live in the group too: everything stays as it was.
            let _ = put(&self.folder, "cgroup.procs", "0");
            let _ = fs::remove_dir(&engine);
        })
    }

    /// A leaf with these limits.
    ///
    /// # Errors
    /// Those of the system: it is no longer this process's to decide, say.
    pub fn leaf(self: &Arc<Self>, limits: &Limits) -> io::Result<Group> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let name = format!("bursar-{}-{number}", std::process::id());
        let group = Group {
            folder: self.folder.join(name),
        };
        make(&group.folder)?;
        group.limit(limits)?;
        Ok(group)
    }
}

/// A control group for the tree of one attempt. Dropped, it is emptied and removed.
#[derive(Debug)]
pub struct Group {
    folder: PathBuf,
}

impl Group {
    fn limit(&self, limits: &Limits) -> io::Result<()> {
        if let Some(memory) = limits.memory {
            put(&self.folder, "memory.max", &memory.to_string())?;
            put(&self.folder, "memory.oom.group", "1")?;
            // Where there is no swap there is nothing to forbid.
            let _ = put(&self.folder, "memory.swap.max", "0");
        }
        if let (Some(milli), CpuAction::Throttle) = (limits.cpu, limits.cpu_action) {
            // The least that the system takes is a thousandth of a second.
            let quota = (milli * PERIOD / 1_000).max(1_000);
            put(&self.folder, "cpu.max", &format!("{quota} {PERIOD}"))?;
        }
        Ok(())
    }

    /// What a process writes to in order to join.
    pub fn procs(&self) -> PathBuf {
        self.folder.join("cgroup.procs")
    }

    /// Whether the system has ended what was in it for want of memory.
    pub fn ran_out(&self) -> bool {
        let events = fs::read_to_string(self.folder.join("memory.events")).unwrap_or_default();
        let kills = |line: &str| line.strip_prefix("oom_kill ")?.trim().parse::<u64>().ok();
        events.lines().filter_map(kills).any(|kills| kills > 0)
    }

    /// Ends everything that is in it.
    pub fn kill(&self) {
        // Older systems can't: then whoever guards the tree does it.
        let _ = put(&self.folder, "cgroup.kill", "1");
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
        // It can't be removed while something of it is left, and goes with the parent then.
        let _ = fs::remove_dir(&self.folder);
    }
}

fn make(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

fn put(folder: &Path, file: &str, text: &str) -> io::Result<()> {
    fs::write(folder.join(file), text)
}

fn words(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}

/// Where control groups of version 2 are mounted.
fn mount_of(mounts: &str) -> Option<PathBuf> {
    let of = |line: &str| {
        let (place, kind) = line.split_once(" - ")?;
        let found = kind.starts_with("cgroup2 ");
        found.then(|| place.split(' ').nth(4).map(PathBuf::from))?
    };
    mounts.lines().find_map(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that stands for a mounted file system; gone with its value.
    struct Fake(PathBuf);

    impl Fake {
        fn new(name: &str, controllers: &str) -> Self {
            let folder = format!("bursar-groups-{name}-{}", std::process::id());
            let mount = std::env::temp_dir().join(folder);
            let own = mount.join("user.slice/app");
            fs::create_dir_all(&own).unwrap();
            put(&own, "cgroup.controllers", controllers).unwrap();
            Self(mount)
        }

        fn groups(&self) -> Option<Arc<Groups>> {
            Groups::at(&self.0, "1:name=systemd:/x\n0::/user.slice/app\n")
        }

        fn read(&self, path: &str) -> String {
            fs::read_to_string(self.0.join("user.slice/app").join(path)).unwrap_or_default()
        }
    }

    impl Drop for Fake {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_leaf_has_the_limits_of_its_attempt() {
        let fake = Fake::new("leaf", "cpuset cpu io memory pids\n");
        let groups = fake.groups().unwrap();
        assert_eq!(fake.read("cgroup.subtree_control"), "+cpu +memory +pids");
        let limits = Limits {
            memory: Some(64_000_000),
            cpu: Some(1_500),
            ..Limits::NONE
        };
        let leaf = groups.leaf(&limits).unwrap();
        let name = format!("bursar-{}-1", std::process::id());
        let read = |file: &str| fake.read(&format!("{name}/{file}"));
        assert_eq!(read("memory.max"), "64000000");
        assert_eq!(read("memory.oom.group"), "1");
        assert_eq!(read("cpu.max"), "150000 100000");
        assert!(leaf.procs().ends_with(format!("{name}/cgroup.procs")));
        drop(leaf);
        assert_eq!(read("cgroup.kill"), "1");
    }

    #[test]
    fn a_leaf_limits_nothing_that_was_not_asked_for() {
        let fake = Fake::new("bare", "memory");
        let limits = Limits {
            cpu: Some(500),
            cpu_action: CpuAction::Stop,
            ..Limits::NONE
        };
        let leaf = fake.groups().unwrap().leaf(&limits).unwrap();
        assert_eq!(fs::read_dir(&leaf.folder).unwrap().count(), 0);
    }

    #[test]
    fn without_memory_to_decide_about_there_are_no_leaves() {
        assert!(Fake::new("none", "cpu pids").groups().is_none());
        assert!(Groups::at(Path::new("/nowhere"), "0::/a").is_none());
        assert!(Groups::at(Path::new("/nowhere"), "4:memory:/a").is_none());
    }

    #[test]
    fn what_ran_out_of_memory_is_told() {
        let fake = Fake::new("events", "memory");
        let leaf = fake.groups().unwrap().leaf(&Limits::NONE).unwrap();
        assert!(!leaf.ran_out());
        put(&leaf.folder, "memory.events", "low 0\noom 1\noom_kill 2\n").unwrap();
        assert!(leaf.ran_out());
        put(&leaf.folder, "memory.events", "oom 1\noom_kill 0\n").unwrap();
        assert!(!leaf.ran_out());
    }

    #[test]
    fn the_mount_is_found_among_others() {
        let mounts = "24 1 0:22 / /sys rw shared:7 - sysfs sysfs rw\n\
                      30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";
        assert_eq!(mount_of(mounts), Some(PathBuf::from("/sys/fs/cgroup")));
        assert_eq!(mount_of("30 24 0:26 / /x rw - cgroup cgroup rw,cpu"), None);
    }
}
