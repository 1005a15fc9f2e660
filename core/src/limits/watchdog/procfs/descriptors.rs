//! What a process has open.

use std::io;
use std::sync::OnceLock;

use rustix::fs::{AtFlags, CWD, readlinkat, statat};

use super::file::each_entry;
use super::{Process, unless_it_passes};

impl Process {
    /// How many descriptors it has open.
    ///
    /// # Errors
    /// Those of the system that pass.
    pub(in crate::limits::watchdog) fn files(&self) -> io::Result<u64> {
        let folder = format!("/proc/{}/fd", self.pid);
        if counts_descriptors() {
            return Ok(size_of(&folder));
        }
        let mut files = 0;
        unless_it_passes(each_entry(&folder, |_| files += 1))?;
        Ok(files)
    }

    /// The numbers of its open sockets that reach beyond this machine's file system: all but local ones.
    ///
    /// # Errors
    /// Those of the system that pass.
    pub(in crate::limits::watchdog) fn sockets(&self, found: &mut Vec<u64>) -> io::Result<()> {
        let folder = format!("/proc/{}/fd", self.pid);
        let before = found.len();
        let listed = each_entry(&folder, |name| {
            let link = readlinkat(CWD, format!("{folder}/{name}"), Vec::new());
            let link = link.ok().and_then(|link| link.into_string().ok());
            let inode = link.as_deref().and_then(|link| {
                link.strip_prefix("socket:[")?
                    .strip_suffix(']')?
                    .parse()
                    .ok()
            });
            found.extend::<Option<u64>>(inode);
        });
        unless_it_passes(listed)?;
        if found.len() > before {
            let local = local_sockets(self.pid)?;
            found.retain(|inode| local.binary_search(inode).is_err());
        }
        Ok(())
    }
}

fn size_of(path: &str) -> u64 {
    let stat = statat(CWD, path, AtFlags::empty());
    stat.map_or(0, |stat| u64::try_from(stat.st_size).unwrap_or(0))
}

/// Whether the size of a folder of descriptors is their number, as from Linux 6.2 on.
fn counts_descriptors() -> bool {
    static COUNTS: OnceLock<bool> = OnceLock::new();
    *COUNTS.get_or_init(|| size_of("/proc/self/fd") > 0)
}

/// The numbers of the local sockets of the machine as a process sees it, sorted.
fn local_sockets(pid: u32) -> io::Result<Vec<u64>> {
    let text = unless_it_passes(std::fs::read_to_string(format!("/proc/{pid}/net/unix")))?;
    let inode = |line: &str| line.split_whitespace().nth(6)?.parse().ok();
    let mut local: Vec<u64> = text.lines().skip(1).filter_map(inode).collect();
    local.sort_unstable();
    Ok(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_files_are_counted() {
        let own = Process::new(std::process::id());
        let before = own.files().unwrap();
        let more = std::fs::File::open("/dev/null").unwrap();
        assert!(own.files().unwrap() > 3 && before > 2);
        drop(more);
    }

    #[test]
    fn sockets_are_found_and_local_ones_are_not() {
        let own = Process::new(std::process::id());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut with, mut without) = (Vec::new(), Vec::new());
        own.sockets(&mut with).unwrap();
        let pair = std::os::unix::net::UnixStream::pair().unwrap();
        own.sockets(&mut without).unwrap();
        assert!(with.len() >= 2);
        // Other tests of this process have sockets of their own, but no local ones remain.
        let local = local_sockets(own.pid).unwrap();
        assert!(
            without
                .iter()
                .all(|inode| local.binary_search(inode).is_err())
        );
        drop((client, pair));
    }
}
