//! Starts the process of an order, and finds out whether it runs.

use std::ffi::{CString, OsString, c_char};
use std::io::{self, ErrorKind, PipeWriter, Read};
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::process;

use crate::order::{Order, Reached, Step};
use crate::sandbox;
use crate::sys::{self, Forked};

/// No descriptor of a process to start is given a number as high as this.
const ABOVE: i32 = 64;

/// What a process says of its sandbox, instead of a step that failed.
const ENTERED: u8 = u8::MAX;

/// A process that has become its program.
pub(crate) struct Started {
    pub(crate) pid: i32,
    /// What of its sandbox could be had, where it has one.
    pub(crate) reached: Option<Reached>,
}

/// Starts the process; comes back once it has become its program.
pub(crate) fn start(order: &Order, fds: Vec<OwnedFd>) -> Result<Started, (Step, io::Error)> {
    let fork = |error| (Step::Fork, error);
    let (mut failed, fails) = io::pipe().map_err(fork)?;
    let parent = process::id() as i32;
    let pid = match sys::split().map_err(fork)? {
        Forked::Child => become_it(order, fds, fails, parent),
        Forked::Parent(pid) => pid,
    };
    // What closes the pipe without a word of failure is the program's start.
    drop((fails, fds));
    let mut why = Vec::new();
    failed.read_to_end(&mut why).map_err(fork)?;
    let mut reached = None;
    for said in why.chunks_exact(5) {
        let value = said[1..].try_into().map_or(0, i32::from_ne_bytes);
        if said[0] != ENTERED {
            let step = Step::from_byte(said[0]).unwrap_or(Step::Fork);
            return Err((step, io::Error::from_raw_os_error(value)));
        }
        reached = Some(Reached::decode(value));
    }
    Ok(Started { pid, reached })
}

/// In the process itself: becomes the program, or says why not.
fn become_it(order: &Order, fds: Vec<OwnedFd>, fails: PipeWriter, parent: i32) -> ! {
    let (step, error) = match prepare(order, fds, fails.as_raw_fd(), parent) {
        Ok((fails, program)) => {
            let error = program.run();
            fail(fails, Step::Program, &error)
        }
        Err(why) => why,
    };
    fail(fails.into_raw_fd(), step, &error)
}

fn fail(fails: i32, step: Step, error: &io::Error) -> ! {
    tell(fails, step as u8, error.raw_os_error().unwrap_or_default());
    process::exit(127)
}

fn tell(fails: i32, what: u8, value: i32) {
    let mut bytes = vec![what];
    bytes.extend(value.to_ne_bytes());
    sys::write_few(fails, &bytes);
}

fn prepare(
    order: &Order,
    fds: Vec<OwnedFd>,
    fails: i32,
    parent: i32,
) -> Result<(i32, Program), (Step, io::Error)> {
    let fork = |error| (Step::Fork, error);
    let program = Program::of(order).map_err(|error| (Step::Order, error))?;
    sys::own_session().map_err(fork)?;
    sys::die_with(parent).map_err(fork)?;
    if !order.group.is_empty() {
        // 0 stands for whoever writes it.
        std::fs::write(&order.group, "0").map_err(|error| (Step::Limit, error))?;
    }
    if !order.cwd.is_empty() {
        std::env::set_current_dir(&order.cwd).map_err(|error| (Step::Folder, error))?;
    }
    let fails = arrange(order, fds, fails).map_err(fork)?;
    for (resource, soft, hard) in &order.limits {
        sys::limit(*resource, *soft, *hard).map_err(|error| (Step::Limit, error))?;
    }
    sys::reset_signals();
    if let Some(policy) = &order.sandbox {
        let reached = sandbox::enter(policy)?;
        tell(fails, ENTERED, reached.encode());
    }
    Ok((fails, program))
}

/// Gives each descriptor the number it is to have. The others are closed when the program starts.
fn arrange(order: &Order, fds: Vec<OwnedFd>, fails: i32) -> io::Result<i32> {
    let fails = sys::copy_above(fails, ABOVE)?;
    let high: io::Result<Vec<i32>> = fds
        .iter()
        .map(|fd| sys::copy_above(fd.as_raw_fd(), ABOVE))
        .collect();
    for (fd, number) in high?.into_iter().zip(&order.numbers) {
        sys::copy_to(fd, *number)?;
    }
    // The originals may have had the numbers that were just given out.
    std::mem::forget(fds);
    Ok(fails)
}

/// A program with its arguments and environment as the system takes them.
struct Program {
    path: CString,
    args: Vec<CString>,
    env: Vec<CString>,
}

impl Program {
    fn of(order: &Order) -> io::Result<Self> {
        let texts = |texts: &[OsString]| texts.iter().map(text).collect::<io::Result<_>>();
        Ok(Self {
            path: text(&order.program)?,
            args: texts(&order.args)?,
            env: texts(&order.env)?,
        })
    }

    /// Runs it in this process; comes back only with why it could not.
    fn run(&self) -> io::Error {
        sys::become_program(&self.path, &pointers(&self.args), &pointers(&self.env))
    }
}

fn text(text: &OsString) -> io::Result<CString> {
    CString::new(text.clone().into_vec()).map_err(|_| ErrorKind::InvalidInput.into())
}

fn pointers(texts: &[CString]) -> Vec<*const c_char> {
    let pointers = texts.iter().map(|text| text.as_ptr());
    pointers.chain([std::ptr::null()]).collect()
}
