//! What a process is started with, and what is told of it.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;
#[cfg(processes = "job_objects")]
use std::sync::Arc;
use std::time::Duration;

#[cfg(processes = "job_objects")]
use super::job_objects::JobObject;
#[cfg(processes = "warden")]
use super::order::{Order, Step};
use crate::outcome::Exit;

/// What a process is given an end of: a descriptor.
#[cfg(unix)]
pub type Descriptor = std::os::fd::OwnedFd;
/// What a process is given an end of: a handle.
#[cfg(windows)]
pub type Descriptor = std::os::windows::io::OwnedHandle;

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
    /// Its descriptors, and their numbers there, which are below 64; without a warden only those of the
    /// standard streams, 0 to 2. It has no others.
    pub fds: Vec<(Descriptor, i32)>,
    /// Limits of the system for it and each of its children: resource, soft, hard.
    #[cfg(unix)]
    pub limits: Vec<(i32, u64, u64)>,
    /// The control group of its tree: its file `cgroup.procs`. None: that of this process.
    #[cfg(processes = "warden")]
    pub group: Option<PathBuf>,
    /// What its tree is held by. None: one without limits.
    #[cfg(processes = "job_objects")]
    pub job_object: Option<Arc<JobObject>>,
    /// What `ps` shows of the process that guards it.
    pub title: String,
}

#[cfg(not(processes = "warden"))]
impl Launch {
    /// The command that starts it, with nothing but what it is given.
    ///
    /// # Errors
    /// `Unsupported` for descriptors other than those of the standard streams.
    pub(super) fn into_command(self) -> io::Result<std::process::Command> {
        use std::process::{Command, Stdio};
        let mut command = Command::new(self.program);
        command.args(self.args.into_iter().skip(1));
        command.env_clear().envs(self.env);
        if let Some(folder) = self.cwd {
            command.current_dir(folder);
        }
        command.stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        for (descriptor, number) in self.fds {
            match number {
                0 => command.stdin(descriptor),
                1 => command.stdout(descriptor),
                2 => command.stderr(descriptor),
                _ => {
                    let message =
                        format!("no process is given a descriptor {number} on this system");
                    return Err(io::Error::new(io::ErrorKind::Unsupported, message));
                }
            };
        }
        Ok(command)
    }
}

#[cfg(processes = "warden")]
impl Launch {
    pub(super) fn into_order(self) -> io::Result<(Order, Vec<Descriptor>)> {
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
        };
        Ok((order, fds))
    }
}

/// Told what becomes of a process that was launched, on a thread of the system's kind, which it must not keep:
/// `started`, `exited` and `gone` in this order, or `refused` alone. A guard that is lost tells `gone` without
/// `exited`.
pub trait Watch: Send + Sync + 'static {
    /// It runs as the process `pid`. Its whole tree is what descends from the process `guard`; where that is
    /// its own number, it has no guard, and is part of it.
    fn started(&self, _pid: u32, _guard: u32) {}

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

/// Why a process could not be started.
#[derive(Debug)]
pub struct Refusal {
    #[cfg(processes = "warden")]
    pub(super) step: Step,
    pub(super) error: io::Error,
}

impl Refusal {
    /// The system's error.
    pub fn error(&self) -> &io::Error {
        &self.error
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(not(processes = "warden"))]
        let what = "the program can't be run";
        #[cfg(processes = "warden")]
        let what = match self.step {
            Step::Order => "what to start could not be understood",
            Step::Fork => "no process could be made",
            Step::Folder => "its folder can't be entered",
            Step::Limit => "its limits can't be set",
            Step::Program => "the program can't be run",
        };
        write!(f, "{what}: {}", self.error)
    }
}
