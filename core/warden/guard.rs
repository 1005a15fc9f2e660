//! A guard: starts one process and keeps everything that comes of it.

use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;

use crate::descendants;
use crate::order::{Command, Order, Report, Step};
use crate::root::drain;
use crate::scratch::Scratch;
use crate::socket::{Received, Socket};
use crate::start::{self, Started};
use crate::sys::{self, Reaped};
use crate::title::Title;

/// Signals that whoever sends them to a guard, found by its title, means for the process.
const PASSED_ON: [i32; 5] = [
    sys::SIGHUP,
    sys::SIGINT,
    sys::SIGTERM,
    sys::SIGUSR1,
    sys::SIGUSR2,
];

/// What a guard is made with.
pub(crate) struct Guard {
    pub(crate) leash: Socket,
    /// What to start, where it could be read.
    pub(crate) order: Option<Order>,
    /// The descriptors that the process takes, in the order of their numbers in `order`.
    pub(crate) fds: Vec<OwnedFd>,
    pub(crate) engine: Option<OwnedFd>,
    pub(crate) title: Option<Title>,
}

/// A guard with its process.
struct Keeping {
    guard: Guard,
    scratch: Option<Scratch>,
    signals: OwnedFd,
    /// The process, whose group has its number too.
    process: i32,
    /// Whether the process itself has ended: its number may be another's by then.
    exited: bool,
    /// Whether everything stands still.
    frozen: bool,
    /// Whether everything is to end.
    ending: bool,
}

/// Runs until nothing of the tree is left.
pub(crate) fn run(mut guard: Guard) -> ExitCode {
    match begin(&mut guard) {
        Ok((signals, scratch, process)) => {
            let started = Report::Started {
                pid: process.pid as u32,
                guard: std::process::id(),
                reached: process.reached,
            };
            guard.leash.tell(&started.encode());
            let mut keeping = Keeping {
                guard,
                scratch,
                signals,
                process: process.pid,
                exited: false,
                frozen: false,
                ending: false,
            };
            while keeping.turn() {}
            ExitCode::SUCCESS
        }
        Err((step, error)) => {
            guard.leash.tell(&Report::refused(step, &error).encode());
            ExitCode::FAILURE
        }
    }
}

type Begun = (OwnedFd, Option<Scratch>, Started);

fn begin(guard: &mut Guard) -> Result<Begun, (Step, std::io::Error)> {
    let mut order = guard
        .order
        .take()
        .ok_or((Step::Order, std::io::ErrorKind::InvalidData.into()))?;
    let fork = |error| (Step::Fork, error);
    sys::adopt_orphans().map_err(fork)?;
    sys::set_name(c"bursar-guard");
    if let Some(title) = guard.title {
        title.show(&order.title);
    }
    let mut signals = PASSED_ON.to_vec();
    signals.push(sys::SIGCHLD);
    let signals = sys::signals_as_file(&signals).map_err(fork)?;
    let scratch = Scratch::of(&mut order).map_err(|error| (Step::Temp, error))?;
    let process = start::start(&order, std::mem::take(&mut guard.fds))?;
    Ok((signals, scratch, process))
}

impl Keeping {
    /// Does what has come; `false` once nothing is left.
    fn turn(&mut self) -> bool {
        let leash = (!self.ending).then(|| self.guard.leash.as_fd());
        let engine = self
            .guard
            .engine
            .as_ref()
            .map(AsFd::as_fd)
            .filter(|_| !self.ending);
        let [commanded, signalled, gone] =
            sys::wait_readable([leash, Some(self.signals.as_fd()), engine]);
        if signalled && !self.signalled() {
            return false;
        }
        if gone {
            self.end();
        } else if commanded {
            self.commands();
        }
        true
    }

    /// Takes in what has ended and passes on what was sent; `false` once nothing is left.
    fn signalled(&mut self) -> bool {
        for signal in drain(&self.signals) {
            if signal != sys::SIGCHLD {
                self.pass_on(signal);
            }
        }
        let mut status = None;
        let left = loop {
            match sys::reap() {
                Reaped::Ended(pid, ended) if pid == self.process && !self.exited => {
                    (self.exited, status) = (true, Some(ended));
                }
                Reaped::Ended(..) => {}
                Reaped::NoneYet => break true,
                Reaped::NoChild => break false,
            }
        };
        if let Some(status) = status {
            self.guard
                .leash
                .tell(&Report::Exited { status, left }.encode());
        }
        if !left {
            drop(self.scratch.take());
            let (cpu, rss) = sys::children_used();
            self.guard.leash.tell(&Report::Gone { cpu, rss }.encode());
            return false;
        }
        if self.ending {
            self.end();
        }
        true
    }

    fn commands(&mut self) {
        loop {
            match self.guard.leash.take() {
                Received::Message(bytes, _) => self.command(Command::decode(&bytes)),
                Received::Nothing => return,
                Received::End => return self.end(),
            }
        }
    }

    fn command(&mut self, command: Option<Command>) {
        match command {
            Some(Command::Terminate) => {
                self.pass_on(sys::SIGTERM);
                // One that stands still would not hear it.
                self.pass_on(sys::SIGCONT);
                if self.frozen {
                    self.thaw();
                }
            }
            Some(Command::Kill) => self.end(),
            Some(Command::Freeze) => {
                self.frozen = true;
                descendants::send_to_all(sys::SIGSTOP);
            }
            Some(Command::Thaw) => self.thaw(),
            Some(Command::Title(text)) => {
                if let Some(title) = self.guard.title {
                    title.show(&text);
                }
            }
            None => {}
        }
    }

    /// To the process's group; to all that is left, once the process has ended.
    fn pass_on(&self, signal: i32) {
        if self.exited {
            descendants::send_to_all(signal);
        } else {
            sys::send_signal(-self.process, signal);
        }
    }

    fn thaw(&mut self) {
        self.frozen = false;
        descendants::send_to_all(sys::SIGCONT);
    }

    /// Ends everything; what comes of it meanwhile is ended when its parent is taken in.
    fn end(&mut self) {
        self.ending = true;
        descendants::send_to_all(sys::SIGKILL);
    }
}
