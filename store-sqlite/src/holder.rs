//! Who holds a file locked, as far as the system tells.

use std::fs::File;

/// How often the list of locks is read where the file isn't on it: it is read in pieces, and while others
/// lock and unlock something, lines are left out of it.
#[cfg(target_os = "linux")]
const LOOKS: usize = 16;

/// The process that holds this file locked for itself alone.
#[cfg(target_os = "linux")]
pub(crate) fn of(file: &File) -> Option<u32> {
    let name = name(file).ok()?;
    // The system's call that asks for a holder knows nothing of the locks that we use.
    let look = || std::fs::read_to_string("/proc/locks").ok();
    (0..LOOKS).find_map(|_| in_list(&look()?, &name))
}

/// Elsewhere the system doesn't tell.
#[cfg(not(target_os = "linux"))]
pub(crate) fn of(_: &File) -> Option<u32> {
    None
}

/// How the list of locks names a file (proc_locks(5)).
#[cfg(target_os = "linux")]
fn name(file: &File) -> std::io::Result<String> {
    use rustix::fs::{major, minor};
    use std::os::unix::fs::MetadataExt;
    let file = file.metadata()?;
    let (major, minor) = (major(file.dev()), minor(file.dev()));
    Ok(format!("{major:02x}:{minor:02x}:{}", file.ino()))
}

/// Finds a line such as `1: FLOCK ADVISORY WRITE 4711 fe:00:123 0 EOF`. Those who wait have an arrow
/// after the number, and those of other containers no line at all, or one with a 0.
#[cfg(target_os = "linux")]
fn in_list(locks: &str, name: &str) -> Option<u32> {
    locks.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        let kind = [words.next()?, words.next()?, words.next()?];
        let (process, file) = (words.next()?, words.next()?);
        let holds = kind == ["FLOCK", "ADVISORY", "WRITE"] && file == name;
        let process = holds.then(|| process.parse().ok())?;
        process.filter(|process| *process > 0)
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use bursar_testkit::Folder;

    use super::*;
    use crate::guard::create;

    #[test]
    fn the_holder_of_a_lock_is_found() {
        let folder = Folder::new();
        let path = folder.join("lock");
        let (one, other) = (create(&path).unwrap(), create(&path).unwrap());
        assert_eq!(of(&other), None);
        one.lock_shared().unwrap();
        assert_eq!(of(&other), None, "many may share it");
        one.lock().unwrap();
        assert_eq!(of(&other), Some(std::process::id()));
        one.unlock().unwrap();
        assert_eq!(of(&other), None);
    }

    #[test]
    fn those_who_wait_and_those_elsewhere_are_not_holders() {
        let list = "\
1: POSIX  ADVISORY  WRITE 11 fe:00:7 0 EOF
2: FLOCK  ADVISORY  WRITE 0 fe:00:8 0 EOF
3: FLOCK  ADVISORY  WRITE 13 fe:01:7 0 EOF
4: -> FLOCK  ADVISORY  WRITE 14 fe:00:7 0 EOF
5: FLOCK  ADVISORY  READ  15 fe:00:7 0 EOF
6: FLOCK  ADVISORY  WRITE 16 fe:00:7 0 EOF
";
        assert_eq!(in_list(list, "fe:00:7"), Some(16));
        assert_eq!(in_list(list, "fe:00:8"), None);
        assert_eq!(in_list("nonsense\n", "fe:00:7"), None);
    }
}
