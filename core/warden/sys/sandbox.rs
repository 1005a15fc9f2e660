//! The system calls by which a process gives up what it may do.

use std::ffi::{c_int, c_long, c_ulong, c_void};
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use super::{checked, prctl, syscall};
use crate::filter::Instruction;

const PR_SET_NO_NEW_PRIVS: c_int = 38;
const PR_SET_SECCOMP: c_int = 22;
const SECCOMP_MODE_FILTER: c_ulong = 2;
const SYS_LANDLOCK_CREATE_RULESET: c_long = 444;
const SYS_LANDLOCK_ADD_RULE: c_long = 445;
const SYS_LANDLOCK_RESTRICT_SELF: c_long = 446;
const LANDLOCK_CREATE_RULESET_VERSION: c_ulong = 1;
const LANDLOCK_RULE_PATH_BENEATH: c_ulong = 1;
const CAPABILITY_VERSION_3: u32 = 0x2008_0522;

/// `CAP_DAC_OVERRIDE` and `CAP_DAC_READ_SEARCH`: files, whoever owns them.
const OF_FILES: u32 = 1 << 1 | 1 << 2;

#[repr(C)]
struct Whose {
    version: u32,
    pid: c_int,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Capabilities {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

#[repr(C)]
struct Filter {
    length: u16,
    instructions: *const Instruction,
}

#[repr(C, packed)]
struct Beneath {
    allowed: u64,
    parent: RawFd,
}

/// What a set of Landlock rules denies unless one of them allows it: older systems know the first parts only.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Handled {
    pub(crate) files: u64,
    pub(crate) network: u64,
    pub(crate) scoped: u64,
}

unsafe extern "C" {
    fn capget(whose: *mut Whose, capabilities: *mut Capabilities) -> c_int;
    fn capset(whose: *mut Whose, capabilities: *const Capabilities) -> c_int;
}

fn answered(answer: c_long) -> io::Result<c_int> {
    checked(answer as c_int)
}

/// No program that this process becomes gains rights that it hasn't.
pub(crate) fn no_new_privs() -> io::Result<()> {
    let none: c_ulong = 0;
    // SAFETY: plain numbers.
    checked(unsafe { prctl(PR_SET_NO_NEW_PRIVS, 1 as c_ulong, none, none, none) }).map(drop)
}

/// Gives up what a superuser may do, but for reading and writing files whoever owns them. Without new
/// privileges, no program that is run gets it back.
pub(crate) fn drop_capabilities() -> io::Result<()> {
    let mut whose = Whose {
        version: CAPABILITY_VERSION_3,
        pid: 0,
    };
    let mut held = [Capabilities::default(); 2];
    // SAFETY: this version has two of the structure.
    checked(unsafe { capget(&raw mut whose, held.as_mut_ptr()) })?;
    let kept = Capabilities {
        effective: held[0].effective & OF_FILES,
        permitted: held[0].permitted & OF_FILES,
        inheritable: 0,
    };
    let left = [kept, Capabilities::default()];
    // SAFETY: as above.
    checked(unsafe { capset(&raw mut whose, left.as_ptr()) }).map(drop)
}

/// Has each system call of this process, and of all that it becomes and starts, go through a filter.
pub(crate) fn filter_calls(program: &[Instruction]) -> io::Result<()> {
    let filter = Filter {
        length: program.len() as u16,
        instructions: program.as_ptr(),
    };
    // SAFETY: the filter and its instructions live until after the call, which copies them.
    checked(unsafe { prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &raw const filter) }).map(drop)
}

/// The version of Landlock that the system has.
pub(crate) fn landlock_version() -> io::Result<u8> {
    // SAFETY: with this flag, there is nothing to be read.
    let version = answered(unsafe {
        syscall(
            SYS_LANDLOCK_CREATE_RULESET,
            ptr::null::<c_void>(),
            0 as c_ulong,
            LANDLOCK_CREATE_RULESET_VERSION,
        )
    })?;
    Ok(u8::try_from(version).unwrap_or(u8::MAX))
}

/// An empty set of rules; `length` bytes of `handled` are what the system knows.
pub(crate) fn landlock_rules(handled: &Handled, length: usize) -> io::Result<OwnedFd> {
    // SAFETY: `length` is at most the size of `handled`.
    let fd = answered(unsafe {
        syscall(
            SYS_LANDLOCK_CREATE_RULESET,
            ptr::from_ref(handled),
            length.min(size_of::<Handled>()) as c_ulong,
            0 as c_ulong,
        )
    })?;
    // SAFETY: a fresh descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Allows this of `files` to what is at or below `place`.
pub(crate) fn landlock_allow(rules: &OwnedFd, place: &impl AsFd, files: u64) -> io::Result<()> {
    let beneath = Beneath {
        allowed: files,
        parent: place.as_fd().as_raw_fd(),
    };
    // SAFETY: the structure lives until after the call.
    answered(unsafe {
        syscall(
            SYS_LANDLOCK_ADD_RULE,
            c_long::from(rules.as_raw_fd()),
            LANDLOCK_RULE_PATH_BENEATH,
            &raw const beneath,
            0 as c_ulong,
        )
    })
    .map(drop)
}

/// From now on these rules hold for this process, and for all that it becomes and starts.
pub(crate) fn landlock_restrict(rules: &OwnedFd) -> io::Result<()> {
    // SAFETY: no memory is involved.
    answered(unsafe {
        syscall(
            SYS_LANDLOCK_RESTRICT_SELF,
            c_long::from(rules.as_raw_fd()),
            0 as c_ulong,
        )
    })
    .map(drop)
}
