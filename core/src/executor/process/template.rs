//! What children are made of.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use crate::process::Launch;

/// The descriptor by which a child, or a zygote, hears from the pool.
pub const CHILD_SOCKET: i32 = 3;

/// How children come about.
#[derive(Clone, Debug)]
pub enum Birth {
    /// Each is started by itself: the program serves the pool on descriptor 3. It says what it loads for a job,
    /// and when it has: what it uses until then isn't the job's.
    Direct {
        /// Whether what it reserves can be limited: not where it reserves much more than it uses.
        held_down: bool,
    },
    /// One process forks them all: the program is a zygote, which is told on descriptor 3 what to do.
    Zygote {
        /// What it is given first, in a file on descriptor 4.
        setup: Vec<u8>,
        /// What it is given instead, after one that ended before it could fork.
        plain: Vec<u8>,
    },
}

/// How children are held to what their jobs may use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holding {
    /// Whether a child is ready to run jobs when it is born: else it says so.
    pub(super) born_ready: bool,
    /// Whether what it reserves is limited.
    pub(super) held_down: bool,
    /// Whether it can be given jobs before their turn: it gives back those that it doesn't begin soon.
    pub(super) prefetches: bool,
}

impl Birth {
    pub(super) fn holding(&self) -> Holding {
        match *self {
            Self::Direct { held_down } => Holding {
                born_ready: false,
                held_down,
                prefetches: true,
            },
            Self::Zygote { .. } => Holding {
                born_ready: true,
                held_down: true,
                prefetches: false,
            },
        }
    }
}

/// The program that runs jobs, or that forks those which do.
#[derive(Clone, Debug)]
pub struct ChildTemplate {
    /// The path of the program.
    pub program: PathBuf,
    /// Its arguments, its own name first.
    pub args: Vec<OsString>,
    /// Its whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// The folder it starts in; none: this process's own.
    pub cwd: Option<PathBuf>,
    /// How children come about.
    pub birth: Birth,
}

impl ChildTemplate {
    /// The launch of the program, with `socket`, and the output of this process.
    pub(super) fn launch(&self, socket: OwnedFd) -> io::Result<Launch> {
        let nothing = std::fs::File::open("/dev/null")?;
        let mut fds = vec![(OwnedFd::from(nothing), 0)];
        // A program without a console may have none of these.
        let out = std::io::stdout().as_fd().try_clone_to_owned();
        fds.extend(out.ok().map(|fd| (fd, 1)));
        let errors = std::io::stderr().as_fd().try_clone_to_owned();
        fds.extend(errors.ok().map(|fd| (fd, 2)));
        fds.push((socket, CHILD_SOCKET));
        Ok(Launch {
            program: self.program.clone(),
            args: self.args.clone(),
            env: self.env.clone(),
            cwd: self.cwd.clone(),
            fds,
            title: "bursar-pool:guard".into(),
            ..Launch::default()
        })
    }
}
