//! What an engine and its warden say to each other. This file is part of both programs, which are built
//! together: nothing of it is kept anywhere.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// A process to start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Order {
    /// The program's path.
    pub(crate) program: OsString,
    /// Its arguments, its own name first.
    pub(crate) args: Vec<OsString>,
    /// Its whole environment, each `NAME=value`.
    pub(crate) env: Vec<OsString>,
    /// The folder it starts in; empty for the engine's own.
    pub(crate) cwd: OsString,
    /// What the descriptors that come with the order are called in the process.
    pub(crate) numbers: Vec<i32>,
    /// Resource, soft and hard limit.
    pub(crate) limits: Vec<(i32, u64, u64)>,
    /// The list of processes of the control group that it joins before it becomes its program; empty
    /// for that of the engine.
    pub(crate) group: OsString,
    /// What `ps` shows of its guard.
    pub(crate) title: Vec<u8>,
    /// What it is kept to; nothing where it has no sandbox.
    pub(crate) sandbox: Option<Policy>,
}

/// What a process and all that comes of it are kept to: they change no files but below what is named here,
/// have no rights of a superuser, and make no system calls that no job needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Policy {
    /// Nothing is started where a part of it can't be had.
    pub(crate) required: bool,
    /// Sockets may be made.
    pub(crate) network: bool,
    /// What may be written to.
    pub(crate) write: Vec<OsString>,
    /// The folder in which one is made for its temporary files; empty: none is.
    pub(crate) temp: OsString,
}

impl Policy {
    fn encode(&self, out: &mut Vec<u8>) {
        put(out, &[u8::from(self.required), u8::from(self.network)]);
        put_list(out, &self.write);
        put(out, self.temp.as_bytes());
    }

    fn decode(from: &mut &[u8]) -> Option<Self> {
        let [required, network] = take(from)?.try_into().ok()?;
        Some(Self {
            required: required > 0,
            network: network > 0,
            write: take_list(from)?,
            temp: text(take(from)?),
        })
    }
}

/// What of a [`Policy`] could be had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    /// It has no rights of a superuser, and no program gives it any.
    pub(crate) no_new_privs: bool,
    /// The version of Landlock that keeps it to its files; 0 for none.
    pub(crate) landlock: u8,
    /// Its system calls are filtered.
    pub(crate) seccomp: bool,
}

impl Reached {
    pub(crate) fn encode(self) -> i32 {
        let bit = |is: bool, place: u32| i32::from(is) << place;
        bit(self.no_new_privs, 8) | bit(self.seccomp, 9) | i32::from(self.landlock)
    }

    pub(crate) fn decode(bits: i32) -> Self {
        Self {
            no_new_privs: bits & 1 << 8 != 0,
            landlock: bits as u8,
            seccomp: bits & 1 << 9 != 0,
        }
    }
}

impl Order {
    /// The order as bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out, self.program.as_bytes());
        put_list(&mut out, &self.args);
        put_list(&mut out, &self.env);
        put(&mut out, self.cwd.as_bytes());
        let numbers: Vec<u8> = self
            .numbers
            .iter()
            .flat_map(|number| number.to_ne_bytes())
            .collect();
        put(&mut out, &numbers);
        let mut limits = Vec::new();
        for (resource, soft, hard) in &self.limits {
            limits.extend(u64::from(resource.unsigned_abs()).to_ne_bytes());
            limits.extend(soft.to_ne_bytes());
            limits.extend(hard.to_ne_bytes());
        }
        put(&mut out, &limits);
        put(&mut out, self.group.as_bytes());
        put(&mut out, &self.title);
        if let Some(policy) = &self.sandbox {
            policy.encode(&mut out);
        }
        out
    }

    /// The order that these bytes say, if they do.
    pub(crate) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let from = &mut bytes;
        Some(Self {
            program: text(take(from)?),
            args: take_list(from)?,
            env: take_list(from)?,
            cwd: text(take(from)?),
            numbers: take(from)?.chunks_exact(4).map(number).collect(),
            limits: take(from)?.chunks_exact(24).map(three).collect(),
            group: text(take(from)?),
            title: take(from)?.to_vec(),
            sandbox: match from.is_empty() {
                true => None,
                false => Some(Policy::decode(from)?),
            },
        })
    }
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u64).to_ne_bytes());
    out.extend(bytes);
}

fn put_list(out: &mut Vec<u8>, texts: &[OsString]) {
    out.extend((texts.len() as u64).to_ne_bytes());
    texts.iter().for_each(|text| put(out, text.as_bytes()));
}

fn take_length(from: &mut &[u8]) -> Option<usize> {
    let (length, rest) = from.split_first_chunk()?;
    *from = rest;
    usize::try_from(u64::from_ne_bytes(*length)).ok()
}

fn take<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_length(from)?;
    let (taken, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(taken)
}

fn take_list(from: &mut &[u8]) -> Option<Vec<OsString>> {
    let count = take_length(from)?;
    (0..count).map(|_| take(from).map(text)).collect()
}

fn text(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}

fn number(bytes: &[u8]) -> i32 {
    bytes.try_into().map_or(-1, i32::from_ne_bytes)
}

fn three(bytes: &[u8]) -> (i32, u64, u64) {
    let at = |index: usize| {
        bytes[index * 8..][..8]
            .try_into()
            .map_or(0, u64::from_ne_bytes)
    };
    (at(0) as i32, at(1), at(2))
}

/// How far a start had come that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The order could not be read.
    Order,
    /// No process could be made.
    Fork,
    /// The folder can't be entered.
    Folder,
    /// A limit can't be set.
    Limit,
    /// The program can't be run.
    Program,
    /// The folder for temporary files can't be made.
    Temp,
    /// What may be written to isn't there.
    Writable,
    /// Rights can't be given up.
    Rights,
    /// There is no Landlock.
    Landlock,
    /// Landlock is too old: its version stands for the error.
    Version,
    /// System calls can't be filtered.
    Filter,
}

impl Step {
    const ALL: [Self; 11] = [
        Self::Order,
        Self::Fork,
        Self::Folder,
        Self::Limit,
        Self::Program,
        Self::Temp,
        Self::Writable,
        Self::Rights,
        Self::Landlock,
        Self::Version,
        Self::Filter,
    ];

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }
}

/// What a guard tells its engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// The process with this number runs, and its guard, whose descendants are its whole tree, has
    /// this one. What of its sandbox could be had, where it has one.
    Started {
        pid: u32,
        guard: u32,
        reached: Option<Reached>,
    },
    /// Nothing was started: how far it had come, and the system's error number.
    Refused(Step, i32),
    /// The process has ended, with this status as the system gives it; whether others of its tree run
    /// on.
    Exited { status: i32, left: bool },
    /// Nothing of the tree is left. Processor time of all in microseconds, and the largest resident
    /// size of one of them in bytes.
    Gone { cpu: u64, rss: u64 },
}

impl Report {
    /// What a start that failed with `error` is told as.
    pub(crate) fn refused(step: Step, error: &io::Error) -> Self {
        Self::Refused(step, error.raw_os_error().unwrap_or_default())
    }

    /// The report as bytes.
    pub(crate) fn encode(self) -> [u8; 32] {
        let mut three = 0;
        let (kind, one, two) = match self {
            Self::Started {
                pid,
                guard,
                reached,
            } => {
                // One more, since 0 is none.
                three = reached.map_or(0, |reached| reached.encode() as u64 + 1);
                (0, u64::from(pid), u64::from(guard))
            }
            Self::Refused(step, error) => (1, step as u64, error as u64),
            Self::Exited { status, left } => (2, status as u64, u64::from(left)),
            Self::Gone { cpu, rss } => (3, cpu, rss),
        };
        let mut bytes = [0; 32];
        for (index, word) in [kind, one, two, three].into_iter().enumerate() {
            bytes[index * 8..][..8].copy_from_slice(&u64::to_ne_bytes(word));
        }
        bytes
    }

    /// The report that these bytes say, if they do.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let word = |index: usize| {
            Some(u64::from_ne_bytes(
                bytes.get(index * 8..)?.get(..8)?.try_into().ok()?,
            ))
        };
        let (kind, one, two, three) = (word(0)?, word(1)?, word(2)?, word(3)?);
        Some(match kind {
            0 => Self::Started {
                pid: one as u32,
                guard: two as u32,
                reached: three
                    .checked_sub(1)
                    .map(|bits| Reached::decode(bits as i32)),
            },
            1 => Self::Refused(Step::from_byte(one as u8)?, two as i32),
            2 => Self::Exited {
                status: one as i32,
                left: two > 0,
            },
            3 => Self::Gone { cpu: one, rss: two },
            _ => return None,
        })
    }
}

/// What an engine tells a guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// TERM to the process's group; to all that is left, once the process has ended.
    Terminate,
    /// The end of everything.
    Kill,
    /// Nothing of the tree runs on.
    Freeze,
    /// Everything runs on.
    Thaw,
    /// What `ps` is to show.
    Title(Vec<u8>),
}

impl Command {
    /// The command as bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Terminate => vec![0],
            Self::Kill => vec![1],
            Self::Freeze => vec![2],
            Self::Thaw => vec![3],
            Self::Title(text) => [&[4], text.as_slice()].concat(),
        }
    }

    /// The command that these bytes say, if they do.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        Some(match kind {
            0 => Self::Terminate,
            1 => Self::Kill,
            2 => Self::Freeze,
            3 => Self::Thaw,
            4 => Self::Title(rest.to_vec()),
            _ => return None,
        })
    }
}
