//! What a process is started with, and what is told of it.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::order::{Order, Policy, Step};
use crate::outcome::Exit;
use crate::sandbox::{Sandbox, SandboxLevel, SandboxParts};

/// A process to start.
#[derive(Debug, Default)]
pub struct Launch {
    /// The path of the program: nothing is looked up.
    pub program: PathBuf,
    /// Its arguments, its own name first.
    pub args: Vec<OsString>,
    /// Its whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// The folder it starts in; none: this process's own.
    pub cwd: Option<PathBuf>,
    /// Its descriptors, and their numbers there, which are below 64. It has no others.
    pub fds: Vec<(OwnedFd, i32)>,
    /// Limits of the system for it and each of its children: resource, soft, hard.
    pub limits: Vec<(i32, u64, u64)>,
    /// The control group of its tree: its file `cgroup.procs`. None: that of this process.
    pub group: Option<PathBuf>,
    /// What `ps` shows of the process that guards it.
    pub title: String,
    /// What it and all that comes of it are kept to. Where there is a sandbox, `TMPDIR` is a new folder, which
    /// goes when they have ended, unless it already is in one that may be written to.
    pub sandbox: Sandbox,
}

impl Launch {
    pub(super) fn into_order(self) -> io::Result<(Order, Vec<OwnedFd>)> {
        let sandbox = self.policy();
        let (fds, numbers) = self.fds.into_iter().unzip();
        let env = self.env.into_iter().map(|(mut name, value)| {
            name.push("=");
            name.push(value);
            name
        });
        let cwd = self.cwd.map_or_else(std::env::current_dir, Ok)?;
        let order = Order {
            program: self.program.into_os_string(),
            args: self.args,
            env: env.collect(),
            cwd: cwd.into_os_string(),
            numbers,
            limits: self.limits,
            group: self.group.unwrap_or_default().into_os_string(),
            title: self.title.into_bytes(),
            sandbox,
        };
        Ok((order, fds))
    }

    fn policy(&self) -> Option<Policy> {
        let sandbox = &self.sandbox;
        (!sandbox.is_off()).then(|| Policy {
            required: sandbox.level == SandboxLevel::Required,
            network: sandbox.network,
            write: sandbox
                .write
                .iter()
                .map(|path| OsString::from(&**path))
                .collect(),
            temp: self.temp().into_os_string(),
        })
    }

    /// Where its folder for temporary files is made; empty where it has one.
    fn temp(&self) -> PathBuf {
        let named = self.env.iter().find(|(name, _)| name == "TMPDIR");
        let is_in = |folder: &Path| {
            let mut write = self.sandbox.write.iter();
            write.any(|path| folder.starts_with(&**path))
        };
        match named {
            Some((_, folder)) if is_in(Path::new(folder)) => PathBuf::new(),
            _ => std::env::temp_dir(),
        }
    }
}

/// Told what becomes of a process that was launched, on the reactor's thread: `started`, `exited` and
/// `gone` in this order, or `refused` alone. A guard that is lost tells `gone` without `exited`; so does a
/// call that panics, whose tree is ended.
pub trait Watch: Send + Sync + 'static {
    /// It runs as the process `pid`. Its whole tree is what descends from the process `guard`.
    fn started(&self, _pid: u32, _guard: u32) {}

    /// Told before `started` where it has a sandbox: what of it could be had.
    fn kept_in(&self, _parts: SandboxParts) {}

    /// It could not be started.
    fn refused(&self, refusal: Refusal);

    /// It has ended; `left` says whether others of its tree run on.
    fn exited(&self, exit: Exit, left: bool);

    /// Nothing of its tree is left. `None` where its guard was lost: what there was is ended by then, or
    /// about to be.
    fn gone(&self, usage: Option<TreeUsage>);
}

/// What a whole tree has used, as far as its members were waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeUsage {
    /// Processor time of all.
    pub cpu_time: Duration,
    /// The largest resident size that one of them had, in bytes.
    pub largest: u64,
}

/// What to do where a part of a sandbox is missing.
const WITHOUT: &str = "sandbox=best_effort runs with what there is";

/// Why a process could not be started.
#[derive(Debug)]
pub struct Refusal {
    pub(super) step: Step,
    pub(super) error: io::Error,
}

impl Refusal {
    /// Whether it is that its sandbox could not be had.
    pub fn is_for_sandbox(&self) -> bool {
        use Step::{Filter, Landlock, Rights, Temp, Version, Writable};
        matches!(
            self.step,
            Filter | Landlock | Rights | Temp | Version | Writable
        )
    }

    /// The system's error.
    pub fn error(&self) -> &io::Error {
        &self.error
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.step {
            Step::Order => "what to start could not be understood",
            Step::Fork => "no process could be made",
            Step::Folder => "its folder can't be entered",
            Step::Limit => "its limits can't be set",
            Step::Program => "the program can't be run",
            Step::Temp => "the folder for its temporary files can't be made",
            Step::Writable => "sandbox.write: one of its paths can't be opened",
            Step::Rights => "sandbox=required: its rights can't be given up",
            Step::Landlock => {
                return write!(
                    f,
                    "sandbox=required: this system has no Landlock to keep it to its files ({}): it needs \
                     Linux 6.12 with landlock in the list lsm= of its command line; {WITHOUT}",
                    self.error
                );
            }
            Step::Version => {
                return write!(
                    f,
                    "sandbox=required: this system's Landlock has version {}, and what keeps signals in came \
                     with version 6 (Linux 6.12); {WITHOUT}",
                    self.error.raw_os_error().unwrap_or_default()
                );
            }
            Step::Filter => {
                return write!(
                    f,
                    "sandbox=required: its system calls can't be filtered by seccomp ({}): x86-64 and AArch64 \
                     can, where nothing forbids it; {WITHOUT}",
                    self.error
                );
            }
        };
        write!(f, "{what}: {}", self.error)
    }
}
