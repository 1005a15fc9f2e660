//! The system calls that the warden needs, without a library: the C library's own signatures.
#![allow(unsafe_code)]

pub(crate) mod sandbox;

use std::ffi::{CStr, c_char, c_int, c_long, c_ulong, c_void};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

pub(crate) const SIGHUP: c_int = 1;
pub(crate) const SIGINT: c_int = 2;
pub(crate) const SIGUSR1: c_int = 10;
pub(crate) const SIGKILL: c_int = 9;
pub(crate) const SIGUSR2: c_int = 12;
pub(crate) const SIGPIPE: c_int = 13;
pub(crate) const SIGTERM: c_int = 15;
pub(crate) const SIGCHLD: c_int = 17;
pub(crate) const SIGCONT: c_int = 18;
pub(crate) const SIGSTOP: c_int = 19;

const SIG_DFL: usize = 0;
const SIG_IGN: usize = 1;
const SIG_BLOCK: c_int = 0;
const SIG_SETMASK: c_int = 2;
const SFD_FLAGS: c_int = 0o2_000_000 | 0o4_000;
const WNOHANG: c_int = 1;
const F_DUPFD_CLOEXEC: c_int = 1_030;
const PR_SET_PDEATHSIG: c_int = 1;
const PR_SET_NAME: c_int = 15;
const PR_SET_CHILD_SUBREAPER: c_int = 36;
const POLLIN: i16 = 1;
const RUSAGE_CHILDREN: c_int = -1;
const SYS_PIDFD_OPEN: c_long = 434;
const SYS_CLOSE_RANGE: c_long = 436;

/// As many signals as the C library's type has room for.
type SignalSet = [u64; 16];

#[repr(C)]
struct PollFd {
    fd: c_int,
    events: i16,
    revents: i16,
}

#[repr(C)]
struct Limit {
    soft: u64,
    hard: u64,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Time {
    seconds: c_long,
    micros: c_long,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Rusage {
    user: Time,
    system: Time,
    max_rss: c_long,
    rest: [c_long; 13],
}

unsafe extern "C" {
    fn fork() -> c_int;
    fn execve(path: *const c_char, argv: *const *const c_char, envp: *const *const c_char)
    -> c_int;
    fn waitpid(pid: c_int, status: *mut c_int, options: c_int) -> c_int;
    fn getrusage(who: c_int, usage: *mut Rusage) -> c_int;
    fn prctl(option: c_int, ...) -> c_int;
    fn kill(pid: c_int, signal: c_int) -> c_int;
    fn setsid() -> c_int;
    fn getppid() -> c_int;
    fn dup2(from: c_int, to: c_int) -> c_int;
    fn fcntl(fd: c_int, command: c_int, ...) -> c_int;
    fn poll(fds: *mut PollFd, count: c_ulong, timeout: c_int) -> c_int;
    fn signal(signal: c_int, handler: usize) -> usize;
    fn sigprocmask(how: c_int, set: *const SignalSet, old: *mut SignalSet) -> c_int;
    fn signalfd(fd: c_int, set: *const SignalSet, flags: c_int) -> c_int;
    fn setrlimit(resource: c_int, limit: *const Limit) -> c_int;
    fn syscall(number: c_long, ...) -> c_long;
    fn write(fd: c_int, bytes: *const c_void, length: usize) -> isize;
}

fn checked(answer: c_int) -> io::Result<c_int> {
    if answer < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(answer)
}

/// Which of two a fork came back as.
pub(crate) enum Forked {
    Child,
    Parent(i32),
}

/// Forks this process, which has one thread.
pub(crate) fn split() -> io::Result<Forked> {
    // SAFETY: no other thread exists, so the copy may go on with anything.
    let pid = checked(unsafe { fork() })?;
    Ok(if pid == 0 {
        Forked::Child
    } else {
        Forked::Parent(pid)
    })
}

/// Becomes another program; comes back only with why it could not.
pub(crate) fn become_program(
    path: &CStr,
    argv: &[*const c_char],
    envp: &[*const c_char],
) -> io::Error {
    // SAFETY: both lists end with a null pointer and point to strings that outlive the call.
    unsafe { execve(path.as_ptr(), argv.as_ptr(), envp.as_ptr()) };
    io::Error::last_os_error()
}

/// A child that has ended.
pub(crate) enum Reaped {
    /// This one, with its status as the system gives it.
    Ended(i32, i32),
    /// None has ended yet.
    NoneYet,
    /// There is no child any more.
    NoChild,
}

/// Takes in one child that has ended.
pub(crate) fn reap() -> Reaped {
    let mut status = 0;
    // SAFETY: `status` is writable.
    match unsafe { waitpid(-1, &raw mut status, WNOHANG) } {
        0 => Reaped::NoneYet,
        pid if pid > 0 => Reaped::Ended(pid, status),
        _ => Reaped::NoChild,
    }
}

/// Processor time in microseconds and the largest resident size in bytes of all children taken in.
pub(crate) fn children_used() -> (u64, u64) {
    let mut usage = Rusage::default();
    // SAFETY: `usage` has the system's layout.
    unsafe { getrusage(RUSAGE_CHILDREN, &raw mut usage) };
    let micros = |time: Time| time.seconds as u64 * 1_000_000 + time.micros as u64;
    (
        micros(usage.user) + micros(usage.system),
        usage.max_rss as u64 * 1_024,
    )
}

/// Sends a signal to a process, or to a group where `pid` is negative. Whoever is gone needs none.
pub(crate) fn send_signal(pid: i32, signal: c_int) {
    // SAFETY: no memory is involved.
    unsafe { kill(pid, signal) };
}

/// Makes this process the one that orphans below it come to.
pub(crate) fn adopt_orphans() -> io::Result<()> {
    // SAFETY: plain numbers.
    checked(unsafe {
        prctl(
            PR_SET_CHILD_SUBREAPER,
            1 as c_ulong,
            0 as c_ulong,
            0 as c_ulong,
            0 as c_ulong,
        )
    })
    .map(drop)
}

/// Makes this process end when its parent does, which must still be `parent`.
pub(crate) fn die_with(parent: i32) -> io::Result<()> {
    // SAFETY: plain numbers.
    checked(unsafe {
        prctl(
            PR_SET_PDEATHSIG,
            SIGKILL as c_ulong,
            0 as c_ulong,
            0 as c_ulong,
            0 as c_ulong,
        )
    })?;
    // SAFETY: no memory is involved.
    if unsafe { getppid() } != parent {
        send_signal(std::process::id() as i32, SIGKILL);
    }
    Ok(())
}

/// The name of this process, of which the system keeps 15 bytes.
pub(crate) fn set_name(name: &CStr) {
    // SAFETY: the string outlives the call.
    unsafe { prctl(PR_SET_NAME, name.as_ptr()) };
}

/// A session and a group of its own.
pub(crate) fn own_session() -> io::Result<()> {
    // SAFETY: no memory is involved.
    checked(unsafe { setsid() }).map(drop)
}

/// Makes `fd` known as `number` too, to be kept by what this process becomes.
pub(crate) fn copy_to(fd: RawFd, number: RawFd) -> io::Result<()> {
    // SAFETY: the caller owns the numbers of this process.
    checked(unsafe { dup2(fd, number) }).map(drop)
}

/// A copy of `fd` with a number of at least `least`, that what this process becomes doesn't get.
pub(crate) fn copy_above(fd: RawFd, least: RawFd) -> io::Result<RawFd> {
    // SAFETY: no memory is involved.
    checked(unsafe { fcntl(fd, F_DUPFD_CLOEXEC, least) })
}

/// Closes every descriptor from `first` on.
pub(crate) fn close_from(first: u32) {
    // SAFETY: called before this process has opened any of its own.
    unsafe {
        syscall(
            SYS_CLOSE_RANGE,
            first as c_ulong,
            c_ulong::from(u32::MAX),
            0 as c_ulong,
        )
    };
}

/// A descriptor that becomes readable when the process ends; none where the system has no such.
pub(crate) fn watch_process(pid: i32) -> Option<OwnedFd> {
    // SAFETY: no memory is involved.
    let fd = unsafe { syscall(SYS_PIDFD_OPEN, c_long::from(pid), 0 as c_long) };
    // SAFETY: a fresh descriptor that nobody else owns.
    (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// The parent of this process.
pub(crate) fn parent() -> i32 {
    // SAFETY: no memory is involved.
    unsafe { getppid() }
}

/// Whether each of `fds` has something to read. Waits until one has.
pub(crate) fn wait_readable<const N: usize>(fds: [Option<BorrowedFd<'_>>; N]) -> [bool; N] {
    let mut polled = fds.map(|fd| PollFd {
        fd: fd.map_or(-1, |fd| fd.as_raw_fd()),
        events: POLLIN,
        revents: 0,
    });
    // SAFETY: `polled` has `N` entries. A call that a signal broke off says that nothing is there.
    unsafe { poll(polled.as_mut_ptr(), N as c_ulong, -1) };
    polled.map(|fd| fd.revents != 0)
}

fn set_of(signals: &[c_int]) -> SignalSet {
    let mut set = [0; 16];
    for signal in signals {
        set[0] |= 1 << (signal - 1);
    }
    set
}

/// A descriptor from which `signals` are read instead of being acted on.
pub(crate) fn signals_as_file(signals: &[c_int]) -> io::Result<OwnedFd> {
    let set = set_of(signals);
    // SAFETY: `set` is as large as the C library's type.
    let fd = unsafe {
        checked(sigprocmask(SIG_BLOCK, &raw const set, ptr::null_mut()))?;
        checked(signalfd(-1, &raw const set, SFD_FLAGS))?
    };
    // SAFETY: a fresh descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Takes no notice of a signal from now on.
pub(crate) fn ignore(number: c_int) {
    // SAFETY: no handler of ours runs.
    unsafe { signal(number, SIG_IGN) };
}

/// All signals as a program finds them that was started by hand.
pub(crate) fn reset_signals() {
    let none: SignalSet = [0; 16];
    // SAFETY: no handler of ours runs; `none` is as large as the C library's type.
    unsafe {
        for number in [SIGHUP, SIGINT, SIGPIPE, SIGTERM, SIGUSR1, SIGUSR2, SIGCHLD] {
            signal(number, SIG_DFL);
        }
        sigprocmask(SIG_SETMASK, &raw const none, ptr::null_mut());
    }
}

/// Sets a limit of this process and what it starts.
pub(crate) fn limit(resource: i32, soft: u64, hard: u64) -> io::Result<()> {
    let limit = Limit { soft, hard };
    // SAFETY: `limit` has the system's layout on 64 bits.
    checked(unsafe { setrlimit(resource, &raw const limit) }).map(drop)
}

/// Fills the memory from `start` to `end` with `text` and zeros.
///
/// # Safety
/// It must be this process's own, writable, and read by nobody else meanwhile.
pub(crate) unsafe fn fill(start: usize, end: usize, text: &[u8]) {
    let room = end - start;
    let length = text.len().min(room.saturating_sub(1));
    let to = start as *mut u8;
    // SAFETY: promised by the caller; `length` is less than the room.
    unsafe {
        ptr::copy_nonoverlapping(text.as_ptr(), to, length);
        ptr::write_bytes(to.add(length), 0, room - length);
    }
}

#[repr(C)]
struct Buffer {
    base: *mut c_void,
    length: usize,
}

#[repr(C)]
struct Message {
    name: *mut c_void,
    name_length: u32,
    buffers: *mut Buffer,
    buffer_count: usize,
    control: *mut c_void,
    control_length: usize,
    flags: c_int,
}

/// The descriptors that one message may bring.
const MOST_FDS: usize = 32;
const SOL_SOCKET: c_int = 1;
const SCM_RIGHTS: c_int = 1;
const MSG_CMSG_CLOEXEC: c_int = 0x4000_0000;
const MSG_DONTWAIT: c_int = 0x40;
const MSG_NOSIGNAL: c_int = 0x4000;

/// What comes before the descriptors in a message, as the system lays it out.
#[repr(C, align(8))]
struct Control {
    length: usize,
    level: c_int,
    kind: c_int,
    fds: [c_int; MOST_FDS],
}

unsafe extern "C" {
    fn recvmsg(socket: c_int, message: *mut Message, flags: c_int) -> isize;
    fn send(socket: c_int, bytes: *const c_void, length: usize, flags: c_int) -> isize;
}

/// Takes one message and its descriptors from a socket; 0 bytes at its end.
pub(crate) fn receive(
    socket: BorrowedFd<'_>,
    bytes: &mut [u8],
) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut buffer = Buffer {
        base: bytes.as_mut_ptr().cast(),
        length: bytes.len(),
    };
    let mut control = Control {
        length: 0,
        level: 0,
        kind: 0,
        fds: [-1; MOST_FDS],
    };
    let mut message = Message {
        name: ptr::null_mut(),
        name_length: 0,
        buffers: &raw mut buffer,
        buffer_count: 1,
        control: (&raw mut control).cast(),
        control_length: size_of::<Control>(),
        flags: 0,
    };
    // SAFETY: everything that `message` points to lives until after the call.
    let length = unsafe {
        recvmsg(
            socket.as_raw_fd(),
            &raw mut message,
            MSG_CMSG_CLOEXEC | MSG_DONTWAIT,
        )
    };
    if length < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok((
        length as usize,
        descriptors(&control, message.control_length),
    ))
}

fn descriptors(control: &Control, room: usize) -> Vec<OwnedFd> {
    let header = size_of::<Control>() - size_of::<[c_int; MOST_FDS]>();
    let brings = room >= header && control.level == SOL_SOCKET && control.kind == SCM_RIGHTS;
    let count = if brings {
        (control.length - header) / size_of::<c_int>()
    } else {
        0
    };
    let fds = control.fds.iter().take(count);
    // SAFETY: the system has just made these for this process.
    fds.map(|fd| unsafe { OwnedFd::from_raw_fd(*fd) }).collect()
}

/// Writes a few bytes to a pipe. Whoever doesn't read them misses them.
pub(crate) fn write_few(pipe: RawFd, bytes: &[u8]) {
    // SAFETY: `bytes` lives until after the call.
    unsafe { write(pipe, bytes.as_ptr().cast(), bytes.len()) };
}

/// Puts one message into a socket, where it takes it at once.
pub(crate) fn put(socket: BorrowedFd<'_>, bytes: &[u8]) {
    // SAFETY: `bytes` lives until after the call.
    unsafe {
        send(
            socket.as_raw_fd(),
            bytes.as_ptr().cast(),
            bytes.len(),
            MSG_DONTWAIT | MSG_NOSIGNAL,
        )
    };
}
