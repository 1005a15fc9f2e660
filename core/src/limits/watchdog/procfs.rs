//! What the system tells of one process, by files that are kept open as far as there is room.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, openat, readlinkat, statat};
use rustix::process::{Resource, getrlimit};
use smallvec::SmallVec;

/// The children of a process: most have few.
pub(super) type Pids = SmallVec<[u32; 4]>;

/// The part of the descriptors of this process that may be kept open here.
const SHARE: u64 = 4;

/// The most descriptors that are kept.
const MOST: u64 = 8_192;

/// How many descriptors are kept.
static KEPT: AtomicUsize = AtomicUsize::new(0);

/// How many descriptors may be kept.
fn room() -> usize {
    let most = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    (most / SHARE).min(MOST) as usize
}

/// A file of a process: kept open, or opened each time where there is no more room.
#[derive(Debug)]
struct File {
    path: String,
    kept: Option<OwnedFd>,
}

impl File {
    fn new(path: String) -> Self {
        Self { path, kept: None }
    }

    /// Reads its beginning. A process that has ended gives an error, even where another one has its
    /// number by now, if the file was kept.
    fn read<'a>(&mut self, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
        let length = match &self.kept {
            Some(fd) => rustix::io::pread(fd, &mut *buffer, 0)?,
            None => {
                let fd = openat(
                    CWD,
                    &*self.path,
                    OFlags::RDONLY | OFlags::CLOEXEC,
                    Mode::empty(),
                )?;
                let length = rustix::io::pread(&fd, &mut *buffer, 0)?;
                self.keep(fd);
                length
            }
        };
        Ok(&buffer[..length])
    }

    fn keep(&mut self, fd: OwnedFd) {
        if KEPT.fetch_add(1, Ordering::Relaxed) < room() {
            self.kept = Some(fd);
        } else {
            KEPT.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        if self.kept.take().is_some() {
            KEPT.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// What a process has used of the processors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ticks {
    /// By itself.
    pub(super) own: u64,
    /// By its children that have ended and that it has waited for.
    pub(super) reaped: u64,
}

/// What of a process's memory is resident, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sizes {
    /// All of it.
    pub(super) resident: u64,
    /// What is no file's, and shared with nobody by name.
    pub(super) own: u64,
}

/// One process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: u32,
    stat: File,
    statm: File,
    children: File,
    /// When it began: another one with its number began later.
    began: Option<u64>,
    threads: u64,
}

impl Process {
    pub(super) fn new(pid: u32) -> Self {
        let file = |name: &str| File::new(format!("/proc/{pid}/{name}"));
        Self {
            pid,
            stat: file("stat"),
            statm: file("statm"),
            children: file(&format!("task/{pid}/children")),
            began: None,
            threads: 1,
        }
    }

    /// What it has used of the processors.
    ///
    /// # Errors
    /// Those of the system; `NotFound` once it has ended.
    pub(super) fn ticks(&mut self) -> io::Result<Ticks> {
        let mut buffer = [0; 1_024];
        let stat = Stat::parse(self.stat.read(&mut buffer)?).ok_or(io::ErrorKind::InvalidData)?;
        if *self.began.get_or_insert(stat.began) != stat.began {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.threads = stat.threads;
        Ok(stat.ticks)
    }

    /// Its resident memory in bytes.
    ///
    /// # Errors
    /// Those of the system; `NotFound` once it has ended.
    pub(super) fn resident(&mut self) -> io::Result<u64> {
        Ok(self.sizes()?.resident)
    }

    /// What of its memory is resident.
    ///
    /// # Errors
    /// Those of the system; `NotFound` once it has ended.
    pub(super) fn sizes(&mut self) -> io::Result<Sizes> {
        let mut buffer = [0; 128];
        let text = self.statm.read(&mut buffer)?;
        let bytes = |index| {
            let pages = number(text, index).ok_or(io::ErrorKind::InvalidData)?;
            io::Result::Ok(pages * rustix::param::page_size() as u64)
        };
        let (resident, shared) = (bytes(1)?, bytes(2)?);
        Ok(Sizes {
            resident,
            own: resident.saturating_sub(shared),
        })
    }

    /// Its children: those of all its threads.
    pub(super) fn children(&mut self) -> Pids {
        let mut found = Pids::new();
        if self.threads <= 1 {
            read_children(&mut self.children, &mut found);
            return found;
        }
        let folder = format!("/proc/{}/task", self.pid);
        each_entry(&folder, |thread| {
            let path = format!("{folder}/{thread}/children");
            read_children(&mut File::new(path), &mut found);
        });
        found
    }

    /// Its children, but for those of threads that still run beside its main one: what a thread has started
    /// that has ended is its main one's. It is one read, however many threads there are.
    pub(super) fn settled_children(&mut self) -> Pids {
        let mut found = Pids::new();
        read_children(&mut self.children, &mut found);
        found
    }

    /// Its memory in bytes, what it shares counted in parts; nothing where it has ended, `None` where
    /// that can't be known. It takes the system a while.
    pub(super) fn proportional(&self) -> Option<u64> {
        match self.rollup() {
            Err(error) if has_ended(&error) => Some(0),
            rollup => kilobytes(&rollup.ok()?, "Pss:"),
        }
    }

    /// By how many bytes its own memory is more than `before`: the pages of files don't count, which the
    /// system has again whenever it needs them, and nor does what others hold too. Nothing where it has
    /// ended, `None` where that can't be known. It takes the system a while.
    pub(super) fn grown(&self, before: u64) -> Option<u64> {
        let rollup = match self.rollup() {
            Err(error) if has_ended(&error) => return Some(0),
            rollup => rollup.ok()?,
        };
        let now = kilobytes(&rollup, "Anonymous:")? + kilobytes(&rollup, "Pss_Shmem:")?;
        let shared = kilobytes(&rollup, "Pss:")?;
        Some(now.saturating_sub(before).min(shared))
    }

    fn rollup(&self) -> io::Result<String> {
        std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid))
    }

    /// How many descriptors it has open.
    pub(super) fn files(&self) -> u64 {
        let folder = format!("/proc/{}/fd", self.pid);
        if counts_descriptors() {
            return size_of(&folder);
        }
        let mut files = 0;
        each_entry(&folder, |_| files += 1);
        files
    }

    /// The numbers of its open sockets that reach beyond this machine's file system: all but local ones.
    pub(super) fn sockets(&self, found: &mut Vec<u64>) {
        let folder = format!("/proc/{}/fd", self.pid);
        let before = found.len();
        each_entry(&folder, |name| {
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
        if found.len() > before {
            let local = local_sockets(self.pid);
            found.retain(|inode| local.binary_search(inode).is_err());
        }
    }
}

fn has_ended(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
        || error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error())
}

/// An amount of a list like that of `smaps_rollup`, in bytes.
fn kilobytes(list: &str, name: &str) -> Option<u64> {
    let line = list.lines().find_map(|line| line.strip_prefix(name))?;
    let amount: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(amount * 1_024)
}

/// The parts of `stat` that matter.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    ticks: Ticks,
    threads: u64,
    began: u64,
}

impl Stat {
    fn parse(text: &[u8]) -> Option<Self> {
        // The name, in brackets, may have blanks and brackets itself.
        let end = text.iter().rposition(|byte| *byte == b')')?;
        let rest = text.get(end + 2..)?;
        // The state, the third of all, is the first of these.
        let field = |index: usize| number(rest, index - 3);
        Some(Self {
            ticks: Ticks {
                own: field(14)? + field(15)?,
                reaped: field(16)? + field(17)?,
            },
            threads: field(20)?,
            began: field(22)?,
        })
    }
}

/// The word at `index`, from 0, as a number.
fn number(text: &[u8], index: usize) -> Option<u64> {
    let mut words = text.split(|byte| *byte == b' ');
    let word = words.nth(index)?;
    std::str::from_utf8(word).ok()?.trim().parse().ok()
}

fn read_children(file: &mut File, found: &mut Pids) {
    let mut buffer = [0; 4_096];
    let Ok(text) = file.read(&mut buffer) else {
        return;
    };
    let whole = text.len() < 4_096;
    let parse = |word: &[u8]| std::str::from_utf8(word).ok()?.parse().ok();
    if whole {
        found.extend(text.split(|byte| *byte == b' ').filter_map(parse));
        return;
    }
    // More than hundreds of them.
    let text = std::fs::read(&file.path).unwrap_or_default();
    found.extend(text.split(|byte| *byte == b' ').filter_map(parse));
}

fn each_entry(folder: &str, mut each: impl FnMut(&str)) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(fd) = openat(CWD, folder, flags, Mode::empty()) else {
        return;
    };
    let Ok(entries) = Dir::read_from(fd.as_fd()) else {
        return;
    };
    for entry in entries.flatten() {
        if let Ok(name) = entry.file_name().to_str()
            && !name.starts_with('.')
        {
            each(name);
        }
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
fn local_sockets(pid: u32) -> Vec<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/net/unix")).unwrap_or_default();
    let inode = |line: &str| line.split_whitespace().nth(6)?.parse().ok();
    let mut local: Vec<u64> = text.lines().skip(1).filter_map(inode).collect();
    local.sort_unstable();
    local
}

/// So many ticks as a time.
pub(super) fn time(ticks: u64) -> Duration {
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Duration::from_micros(ticks.saturating_mul(1_000_000) / per_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_is_no_trap() {
        let text =
            b"42 (a ) R 1) (b) S 1 42 42 0 -1 4194560 153 0 0 0 7 8 90 100 20 0 3 0 5555 1 2 3";
        let ticks = Ticks {
            own: 15,
            reaped: 190,
        };
        let stat = Stat {
            ticks,
            threads: 3,
            began: 5_555,
        };
        assert_eq!(Stat::parse(text), Some(stat));
        assert_eq!(Stat::parse(b"42 (cut"), None);
        assert_eq!(Stat::parse(b""), None);
    }

    #[test]
    fn this_process_is_there_with_what_it_uses() {
        let mut own = Process::new(std::process::id());
        assert!(own.ticks().is_ok());
        assert!(own.resident().unwrap() > 1 << 20);
        assert!(own.proportional().unwrap() > 1 << 20);
        let before = own.files();
        let more = std::fs::File::open("/dev/null").unwrap();
        assert!(own.files() > 3 && before > 2);
        drop(more);
    }

    #[test]
    fn sockets_are_found_and_local_ones_are_not() {
        let own = Process::new(std::process::id());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut with, mut without) = (Vec::new(), Vec::new());
        own.sockets(&mut with);
        let pair = std::os::unix::net::UnixStream::pair().unwrap();
        own.sockets(&mut without);
        assert!(with.len() >= 2);
        // Other tests of this process have sockets of their own, but no local ones remain.
        let local = local_sockets(own.pid);
        assert!(
            without
                .iter()
                .all(|inode| local.binary_search(inode).is_err())
        );
        drop((client, pair));
    }

    #[test]
    fn who_has_ended_is_not_there() {
        let mut child = std::process::Command::new("/bin/true").spawn().unwrap();
        let mut process = Process::new(child.id());
        child.wait().unwrap();
        assert!(process.ticks().is_err());
        assert!(process.resident().is_err());
        assert!(process.children().is_empty());
    }
}
