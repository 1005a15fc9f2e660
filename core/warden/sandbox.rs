//! Keeps the process of an order in its sandbox: what it does here holds for its program and for all that
//! comes of it, and can't be taken back.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::filter;
use crate::order::{Policy, Reached, Step};
use crate::sys::sandbox::{self as sys, Handled};

/// A part that could not be had.
type Missing = (Step, io::Error);

/// The version of Landlock that can do all that is promised: since Linux 6.12 it keeps signals in.
const WHOLE: u8 = 6;

const O_PATH: i32 = 0o10_000_000;

// What Landlock knows of files, as far as it changes them: reading and running stay as they are.
const WRITE_FILE: u64 = 1 << 1;
const REMOVE_DIR: u64 = 1 << 4;
const REMOVE_FILE: u64 = 1 << 5;
const MAKE_CHAR: u64 = 1 << 6;
const MAKE_DIR: u64 = 1 << 7;
const MAKE_REG: u64 = 1 << 8;
const MAKE_SOCK: u64 = 1 << 9;
const MAKE_FIFO: u64 = 1 << 10;
const MAKE_BLOCK: u64 = 1 << 11;
const MAKE_SYM: u64 = 1 << 12;
const REFER: u64 = 1 << 13;
const TRUNCATE: u64 = 1 << 14;
const IOCTL_DEV: u64 = 1 << 15;

const CHANGES: u64 = WRITE_FILE
    | REMOVE_DIR
    | REMOVE_FILE
    | MAKE_CHAR
    | MAKE_DIR
    | MAKE_REG
    | MAKE_SOCK
    | MAKE_FIFO
    | MAKE_BLOCK
    | MAKE_SYM;
/// What is never allowed, wherever it is.
const DEVICES: u64 = MAKE_CHAR | MAKE_BLOCK;
/// What can be allowed to what is no folder.
const OF_FILES: u64 = WRITE_FILE | TRUNCATE | IOCTL_DEV;

const BIND_TCP: u64 = 1 << 0;
const CONNECT_TCP: u64 = 1 << 1;
const ABSTRACT_SOCKETS: u64 = 1 << 0;
const SIGNALS: u64 = 1 << 1;

/// What every program may write to, where it is there.
const HARMLESS: [&str; 5] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
];

/// Enters the sandbox. What can't be had is left out, or is an error where all is required.
pub(crate) fn enter(policy: &Policy) -> Result<Reached, Missing> {
    let mut reached = Reached::default();
    let had = |part: Result<u8, Missing>| match part {
        Err(missing) if policy.required || missing.0 == Step::Writable => Err(missing),
        part => Ok(part.unwrap_or(0)),
    };
    reached.no_new_privs = had(give_up_rights())? > 0;
    if reached.no_new_privs {
        // Without it, neither of these may be asked for.
        reached.landlock = had(keep_to_files(policy))?;
        reached.seccomp = had(filter_calls(policy))? > 0;
    }
    Ok(reached)
}

fn give_up_rights() -> Result<u8, Missing> {
    let given_up = sys::no_new_privs().and_then(|()| sys::drop_capabilities());
    given_up.map(|()| 1).map_err(|error| (Step::Rights, error))
}

fn filter_calls(policy: &Policy) -> Result<u8, Missing> {
    let program = filter::program(policy.network).ok_or(ErrorKind::Unsupported.into());
    let filtered = program.and_then(|program| sys::filter_calls(&program));
    filtered.map(|()| 1).map_err(|error| (Step::Filter, error))
}

/// Landlock: nothing is changed but below what is named, and nobody outside is sent a signal.
fn keep_to_files(policy: &Policy) -> Result<u8, Missing> {
    let failed = |error| (Step::Landlock, error);
    let version = sys::landlock_version().map_err(failed)?;
    if policy.required && version < WHOLE {
        // The number says which version it is.
        return Err((Step::Version, io::Error::from_raw_os_error(version.into())));
    }
    let (handled, length) = handled(version, policy.network);
    let rules = sys::landlock_rules(&handled, length).map_err(failed)?;
    for path in HARMLESS {
        if let Ok(place) = place(Path::new(path)) {
            sys::landlock_allow(&rules, &place, handled.files & OF_FILES).map_err(failed)?;
        }
    }
    for path in &policy.write {
        let writable = |error| (Step::Writable, error);
        let place = place(Path::new(path)).map_err(writable)?;
        let folder = place.metadata().map_err(writable)?.is_dir();
        let allowed = if folder { !DEVICES } else { OF_FILES };
        sys::landlock_allow(&rules, &place, handled.files & allowed).map_err(failed)?;
    }
    sys::landlock_restrict(&rules).map_err(failed)?;
    Ok(version)
}

/// What a version of Landlock can deny of what is to be denied, and the length by which it knows that.
fn handled(version: u8, network: bool) -> (Handled, usize) {
    let since = |least: u8, what: u64| if version >= least { what } else { 0 };
    let handled = Handled {
        files: CHANGES | since(2, REFER) | since(3, TRUNCATE) | since(5, IOCTL_DEV),
        network: if network {
            0
        } else {
            since(4, BIND_TCP | CONNECT_TCP)
        },
        scoped: since(6, SIGNALS)
            | if network {
                0
            } else {
                since(6, ABSTRACT_SOCKETS)
            },
    };
    let length = match version {
        ..4 => 8,
        4 | 5 => 16,
        _ => 24,
    };
    (handled, length)
}

fn place(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(O_PATH)
        .open(path)
}
