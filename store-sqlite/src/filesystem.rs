//! File systems on which a store would not be safe.

use std::path::Path;

#[cfg(any(target_os = "linux", test))]
use bursar_core::Error;
use bursar_core::Result;

/// Refuses a folder on a network file system: its locks, and its memory shared between processes,
/// are not what SQLite needs (sqlite.org/wal.html, "All processes using a database must be on the
/// same host computer").
///
/// # Errors
/// `Invalid`, with the kind of the file system.
#[cfg(target_os = "linux")]
pub(crate) fn check(folder: &Path, path: &Path) -> Result<()> {
    let Ok(found) = rustix::fs::statfs(folder) else {
        // A folder that isn't there is refused where it is opened.
        return Ok(());
    };
    #[allow(
        clippy::unnecessary_cast,
        reason = "the type of the number is another one on other processors"
    )]
    refuse(path, found.f_type as u64)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn check(_: &Path, _: &Path) -> Result<()> {
    Ok(())
}

/// Network file systems by the number that Linux gives them (`statfs(2)`).
#[cfg(any(target_os = "linux", test))]
const NETWORKED: [(u64, &str); 10] = [
    (0x6969, "NFS"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x517b, "SMB"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
    (0x0102_1997, "9P"),
];

#[cfg(any(target_os = "linux", test))]
fn refuse(path: &Path, number: u64) -> Result<()> {
    let number = number & 0xffff_ffff;
    let Some((_, name)) = NETWORKED.iter().find(|(known, _)| *known == number) else {
        return Ok(());
    };
    Err(Error::invalid(format!(
        "the store in {}: this is a network file system ({name}), where SQLite's locks don't hold; choose a path on a disk of this machine",
        path.display()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_refused_by_name() {
        let path = Path::new("/mnt/share/jobs.db");
        for (number, name) in NETWORKED {
            let message = refuse(path, number).unwrap_err().to_string();
            assert!(message.contains(name) && message.contains("/mnt/share/jobs.db"));
        }
        // A 32-bit number that was widened with its sign.
        assert!(refuse(path, 0xffff_ffff_ff53_4d42).is_err());
        // ext4, tmpfs, btrfs, xfs, overlay.
        for number in [0xef53, 0x0102_1994, 0x9123_683e, 0x5846_5342, 0x794c_7630] {
            assert!(refuse(path, number).is_ok());
        }
    }
}
