//! What the system tells of one process, by files that are kept open as far as there is room.

mod descriptors;
mod file;
mod stat;

use std::io;

use rustix::io::Errno;
use smallvec::SmallVec;

use super::Times;
use super::cpu_clock::CpuClock;
use crate::process::Sizes;
use file::{File, each_entry};
use stat::Stat;

/// The children of a process: most have few.
pub(super) type Pids = SmallVec<[u32; 4]>;

/// The links that a folder has by itself.
const OWN_LINKS: usize = 2;

/// One process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: u32,
    stat: File,
    statm: File,
    children: File,
    /// The folder of its threads.
    tasks: File,
    /// Once it has been read, and as long as it can be.
    clock: Option<CpuClock>,
    /// When it began: another one with its number began later.
    began: Option<u64>,
    threads: usize,
    /// What it had used when that was last asked.
    times: Times,
}

impl Process {
    pub(super) fn new(pid: u32) -> Self {
        let file = |name: &str| File::new(format!("/proc/{pid}/{name}"));
        Self {
            pid,
            stat: file("stat"),
            statm: file("statm"),
            children: file(&format!("task/{pid}/children")),
            tasks: file("task"),
            clock: None,
            began: None,
            threads: 1,
            times: Times::default(),
        }
    }

    /// What it has used of the processors.
    ///
    /// # Errors
    /// Those of the system; `NotFound` once it has ended.
    pub(super) fn times(&mut self) -> io::Result<Times> {
        let clock = self.clock.or_else(|| CpuClock::of(self.pid));
        // Whatever it does from here on moves its clock.
        let ran = clock.and_then(CpuClock::read);
        let mut buffer = [0; 1_024];
        let stat = Stat::parse(self.stat.read(&mut buffer)?).ok_or(io::ErrorKind::InvalidData)?;
        if *self.began.get_or_insert(stat.began) != stat.began {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.threads = stat.threads;
        self.times = stat.times;
        self.clock = clock.filter(|_| ran.is_some());
        if let Some(ran) = ran {
            self.times.own = ran;
        }
        Ok(self.times)
    }

    /// The same, but that what it has waited for since the last `times` is missing: it takes the system a
    /// fifth of the time.
    ///
    /// # Errors
    /// As those of `times`.
    pub(super) fn times_lately(&mut self) -> io::Result<Times> {
        let ran = self.clock.and_then(CpuClock::read);
        let (Some(ran), Some(links)) = (ran, self.tasks.links()) else {
            return self.times();
        };
        let threads = links.saturating_sub(OWN_LINKS);
        if threads == 0 {
            // It has ended, and its number and clock may be another one's; or threads aren't links here.
            return self.times();
        }
        self.threads = threads;
        self.times.own = ran;
        Ok(self.times)
    }

    /// Whether it has not run since it was last asked for its times.
    pub(super) fn is_still(&self) -> bool {
        self.clock.and_then(CpuClock::read) == Some(self.times.own)
    }

    /// Whether it has gone, as its clock says, where that was read.
    pub(super) fn is_gone(&self) -> bool {
        self.clock.is_some_and(|clock| clock.read().is_none())
    }

    /// Its resident memory in bytes.
    ///
    /// # Errors
    /// Those of the system; `NotFound` once it has ended.
    pub(super) fn resident(&mut self) -> io::Result<u64> {
        Ok(self.sizes()?.resident)
    }

    /// Its memory.
    ///
    /// # Errors
    /// Those of the system; `NotFound` once it has ended.
    pub(super) fn sizes(&mut self) -> io::Result<Sizes> {
        Sizes::parse(self.statm.read(&mut [0; 128])?)
    }

    /// Its children: those of all its threads. None once it has ended.
    ///
    /// # Errors
    /// Those of the system that pass.
    pub(super) fn children(&mut self) -> io::Result<Pids> {
        if self.threads <= 1 {
            return self.settled_children();
        }
        let mut found = Pids::new();
        let mut failed = None;
        let folder = &self.tasks.path;
        let listed = each_entry(folder, |thread| {
            let path = format!("{folder}/{thread}/children");
            let read = read_children(&mut File::new(path), &mut found);
            failed = failed.take().or(read.err());
        });
        unless_it_passes(listed)?;
        failed.map_or(Ok(found), Err)
    }

    /// Its children, but for those of threads that still run beside its main one: what a thread has started
    /// that has ended is its main one's. It is one read, however many threads there are.
    ///
    /// # Errors
    /// Those of the system that pass.
    pub(super) fn settled_children(&mut self) -> io::Result<Pids> {
        let mut found = Pids::new();
        read_children(&mut self.children, &mut found)?;
        Ok(found)
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
}

/// Whether it may be answered when it is asked again: there are no descriptors left for now, or no memory.
pub(super) fn passes(error: &io::Error) -> bool {
    let error = error.raw_os_error();
    [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::INTR]
        .iter()
        .any(|passing| error == Some(passing.raw_os_error()))
}

/// What of a process was read; `None` where it has ended, or keeps it from others.
///
/// # Errors
/// Those of the system that pass.
pub(super) fn if_there<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    unless_it_passes(read.map(Some))
}

/// What can't be read for good counts as nothing.
fn unless_it_passes<T: Default>(read: io::Result<T>) -> io::Result<T> {
    match read {
        Err(error) if !passes(&error) => Ok(T::default()),
        read => read,
    }
}

fn has_ended(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
        || error.raw_os_error() == Some(Errno::SRCH.raw_os_error())
}

/// An amount of a list like that of `smaps_rollup`, in bytes.
fn kilobytes(list: &str, name: &str) -> Option<u64> {
    let line = list.lines().find_map(|line| line.strip_prefix(name))?;
    let amount: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(amount * 1_024)
}

fn read_children(file: &mut File, found: &mut Pids) -> io::Result<()> {
    let mut buffer = [0; 4_096];
    let text = unless_it_passes(file.read(&mut buffer))?;
    let whole = text.len() < 4_096;
    let parse = |word: &[u8]| std::str::from_utf8(word).ok()?.parse().ok();
    if whole {
        found.extend(text.split(|byte| *byte == b' ').filter_map(parse));
        return Ok(());
    }
    // More than hundreds of them.
    let text = unless_it_passes(std::fs::read(&file.path))?;
    found.extend(text.split(|byte| *byte == b' ').filter_map(parse));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn this_process_is_there_with_what_it_uses() {
        let mut own = Process::new(std::process::id());
        assert!(own.times().is_ok());
        assert!(own.resident().unwrap() > 1 << 20);
        assert!(own.proportional().unwrap() > 1 << 20);
    }

    #[test]
    fn what_runs_and_what_it_starts_is_seen_without_its_stat() {
        let mut own = Process::new(std::process::id());
        let before = own.times().unwrap();
        assert!(own.clock.is_some());
        while own.is_still() {
            std::hint::spin_loop();
        }
        let barrier = Barrier::new(21);
        let (mut child, later, children) = std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    barrier.wait();
                    barrier.wait();
                });
            }
            barrier.wait();
            let start = || Command::new("cat").stdin(Stdio::piped()).spawn();
            let child = scope.spawn(start).join();
            let seen = (child, own.times_lately(), own.children().unwrap());
            barrier.wait();
            seen
        });
        let (child, later) = (child.as_mut().unwrap().as_mut().unwrap(), later.unwrap());
        assert!(later.own > before.own && later.reaped == before.reaped);
        assert!(own.threads > 20 && children.contains(&child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn who_has_ended_is_not_there() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let mut known = Process::new(child.id());
        known.times().unwrap();
        known.times_lately().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        for mut process in [known, Process::new(child.id())] {
            assert!(!process.is_still());
            assert!(process.times_lately().is_err());
            assert!(process.times().is_err());
            assert!(process.resident().is_err());
            assert!(process.children().unwrap().is_empty());
        }
    }
}
