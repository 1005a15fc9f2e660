//! What the control groups of this process say of memory, of version 1 and 2.

use std::fs;
use std::path::{Path, PathBuf};

/// The control group of this process that accounts for its memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MemoryGroup {
    mount: PathBuf,
    folder: PathBuf,
    /// The file with its limit.
    limit: &'static str,
}

impl MemoryGroup {
    /// That of this process.
    pub(super) fn own() -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        Self::of(&mounts, &own)
    }

    /// By the texts of `/proc/self/mountinfo` and `/proc/self/cgroup`.
    fn of(mounts: &str, own: &str) -> Option<Self> {
        Self::first(mounts, own).or_else(|| Self::second(mounts, own))
    }

    fn first(mounts: &str, own: &str) -> Option<Self> {
        let path = own.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            controllers
                .split(',')
                .any(|name| name == "memory")
                .then_some(path)
        })?;
        let is_memory = |kind: &str| {
            let options = kind.rsplit(' ').next().unwrap_or_default();
            kind.starts_with("cgroup ") && options.split(',').any(|name| name == "memory")
        };
        Self::mounted(mounts, is_memory, path, "memory.limit_in_bytes")
    }

    fn second(mounts: &str, own: &str) -> Option<Self> {
        let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
        Self::mounted(
            mounts,
            |kind| kind.starts_with("cgroup2 "),
            path,
            "memory.max",
        )
    }

    fn mounted(
        mounts: &str,
        is_it: impl Fn(&str) -> bool,
        path: &str,
        limit: &'static str,
    ) -> Option<Self> {
        let (root, mount) = mounts.lines().find_map(|line| {
            let (place, kind) = line.split_once(" - ")?;
            let mut words = place.split(' ').skip(3);
            is_it(kind).then(|| Some((words.next()?, words.next()?)))?
        })?;
        // In a container, what is mounted may begin at its own group.
        let below = Path::new(path).strip_prefix(root).unwrap_or(Path::new(""));
        let mount = PathBuf::from(mount);
        let folder = mount.join(below.strip_prefix("/").unwrap_or(below));
        Some(Self {
            mount,
            folder,
            limit,
        })
    }

    /// The most that it may use, in bytes: the least limit from it up to the top.
    pub(super) fn limit(&self) -> Option<u64> {
        let up = self.folder.ancestors();
        let ours = up.take_while(|folder| folder.starts_with(&self.mount));
        let limits = ours.filter_map(|folder| {
            let text = fs::read_to_string(folder.join(self.limit)).ok()?;
            text.trim().parse().ok()
        });
        limits.min()
    }

    /// Where it says how much is waited for memory, if it does.
    pub(super) fn pressure(&self) -> Option<PathBuf> {
        let file = self.folder.join("memory.pressure");
        file.exists().then_some(file)
    }
}

/// The share of the last ten seconds in which something waited for memory, in percent, by the text of such
/// a file or of `/proc/pressure/memory`.
pub(super) fn stalled(text: &str) -> Option<u8> {
    let some = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let average = some
        .split(' ')
        .find_map(|word| word.strip_prefix("avg10="))?;
    let percent: f64 = average.parse().ok()?;
    Some(percent.clamp(0.0, 100.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that stands for a mounted file system; gone with its value.
    struct Fake(PathBuf);

    impl Fake {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let name = format!("bursar-gauge-{name}-{}", std::process::id());
            let root = std::env::temp_dir().join(name);
            for (path, text) in files {
                let file = root.join(path);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, text).unwrap();
            }
            Self(root)
        }

        fn group(&self, root: &str, kind: &str, own: &str) -> MemoryGroup {
            let place = self.0.display();
            let mounts = format!(
                "22 1 0:1 / / rw - ext4 /dev/vda rw\n35 31 0:32 {root} {place} rw - {kind}\n"
            );
            MemoryGroup::of(&mounts, own).unwrap()
        }
    }

    impl Drop for Fake {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_least_limit_on_the_way_up_counts() {
        let files = [
            ("a/b/memory.max", "max\n"),
            ("a/memory.max", "2000\n"),
            ("memory.max", "3000\n"),
            ("a/b/memory.pressure", ""),
        ];
        let fake = Fake::new("second", &files);
        let group = fake.group("/", "cgroup2 cgroup2 rw", "0::/a/b\n");
        assert_eq!(group.limit(), Some(2_000));
        assert!(group.pressure().is_some());
    }

    #[test]
    fn version_1_goes_first_where_it_has_the_memory() {
        let files = [
            ("a/memory.limit_in_bytes", "5000\n"),
            ("memory.limit_in_bytes", "9223372036854771712\n"),
        ];
        let fake = Fake::new("first", &files);
        let own = "5:cpu,cpuacct:/x\n4:memory:/a\n0::/y\n";
        let group = fake.group("/", "cgroup cgroup rw,memory", own);
        assert_eq!((group.limit(), group.pressure()), (Some(5_000), None));
    }

    #[test]
    fn in_a_container_the_mount_begins_at_its_group() {
        let fake = Fake::new("container", &[("memory.limit_in_bytes", "700")]);
        let group = fake.group("/docker/1", "cgroup cgroup rw,memory", "4:memory:/docker/1");
        assert_eq!(group.limit(), Some(700));
        // One that is told of a group that it can't see has what is mounted.
        let group = fake.group("/docker/1", "cgroup cgroup rw,memory", "4:memory:/other");
        assert_eq!(group.limit(), Some(700));
    }

    #[test]
    fn waiting_for_memory_is_read_in_percent() {
        let text = "some avg10=23.45 avg60=1.00 avg300=0.00 total=9\nfull avg10=1.00 total=3\n";
        assert_eq!(stalled(text), Some(23));
        assert_eq!((stalled(""), stalled("full avg10=1")), (None, None));
    }
}
