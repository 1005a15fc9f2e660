//! The first process: makes a guard for each order, and ends what a guard that was killed left behind.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::process::ExitCode;

use crate::descendants;
use crate::guard::{self, Guard};
use crate::order::{Order, Report, Step};
use crate::socket::{Received, Socket};
use crate::sys::{self, Forked, Reaped};
use crate::title::Title;

/// What the first process and all its guards have.
struct Root {
    control: Option<Socket>,
    signals: OwnedFd,
    /// Readable once the engine's process has ended, though a copy of it may keep its sockets.
    engine: Option<OwnedFd>,
    title: Option<Title>,
    guards: BTreeSet<i32>,
}

/// Runs until the engine has let go and nothing is left.
pub(crate) fn run() -> ExitCode {
    let Ok(mut root) = Root::new() else {
        return ExitCode::FAILURE;
    };
    loop {
        match root.turn() {
            Turn::On => {}
            Turn::Over => return ExitCode::SUCCESS,
            Turn::Guard(guard) => return guard::run(*guard),
        }
    }
}

enum Turn {
    On,
    Over,
    /// This process is a guard from now on.
    Guard(Box<Guard>),
}

impl Root {
    fn new() -> io::Result<Self> {
        // What the engine's process left open for whoever it starts is not for these.
        sys::close_from(3);
        let engine = sys::watch_process(sys::parent());
        // Where memory runs out, work that is kept apart goes before its host does. What is started here
        // has this from here: to write it costs milliseconds.
        let _ = std::fs::write("/proc/self/oom_score_adj", "500");
        sys::adopt_orphans()?;
        sys::own_session()?;
        for signal in [sys::SIGINT, sys::SIGHUP, sys::SIGTERM] {
            sys::ignore(signal);
        }
        let title = Title::find();
        if let Some(title) = title {
            title.show(b"bursar-warden");
        }
        // No child is to find it as its standard input.
        let control = sys::copy_above(0, 3)?;
        sys::copy_to(File::open("/dev/null")?.as_raw_fd(), 0)?;
        // SAFETY: the copy has just been made and has no other owner.
        #[allow(unsafe_code)]
        let control = unsafe { OwnedFd::from_raw_fd(control) };
        Ok(Self {
            control: Some(Socket::new(control)),
            signals: sys::signals_as_file(&[sys::SIGCHLD])?,
            engine,
            title,
            guards: BTreeSet::new(),
        })
    }

    fn turn(&mut self) -> Turn {
        let control = self.control.as_ref().map(Socket::as_fd);
        let engine = self
            .engine
            .as_ref()
            .map(AsFd::as_fd)
            .filter(|_| control.is_some());
        let [asked, child, gone] =
            sys::wait_readable([control, Some(self.signals.as_fd()), engine]);
        if child {
            self.children_ended();
        }
        if gone {
            self.control = None;
        } else if asked && let Some(guard) = self.orders() {
            return Turn::Guard(Box::new(guard));
        }
        let over =
            self.control.is_none() && descendants::children(std::process::id() as i32).is_empty();
        if over { Turn::Over } else { Turn::On }
    }

    /// Takes in what has ended, and ends whoever has come here from a guard that is gone.
    fn children_ended(&mut self) {
        drain(&self.signals);
        while let Reaped::Ended(pid, _) = sys::reap() {
            self.guards.remove(&pid);
        }
        for child in descendants::children(std::process::id() as i32) {
            if !self.guards.contains(&child) {
                sys::send_signal(child, sys::SIGKILL);
                descendants::below(child)
                    .into_iter()
                    .for_each(|pid| sys::send_signal(pid, sys::SIGKILL));
            }
        }
    }

    /// Makes a guard for each order that has come: in the guard itself, this gives what it is to do.
    fn orders(&mut self) -> Option<Guard> {
        loop {
            match self.control.as_ref()?.take() {
                Received::Message(_, fds) => {
                    if let Some(guard) = self.order(fds) {
                        return Some(guard);
                    }
                }
                Received::Nothing => return None,
                Received::End => {
                    self.control = None;
                    return None;
                }
            }
        }
    }

    /// An order brings its leash, its text, and the descriptors that the process takes.
    fn order(&mut self, fds: Vec<OwnedFd>) -> Option<Guard> {
        let mut fds = fds.into_iter();
        let leash = Socket::new(fds.next()?);
        let text = fds.next()?;
        match sys::split() {
            Ok(Forked::Parent(pid)) => {
                self.guards.insert(pid);
                None
            }
            Ok(Forked::Child) => {
                let order = read(text).and_then(|text| Order::decode(&text));
                self.control = None;
                Some(Guard {
                    leash,
                    order,
                    fds: fds.collect(),
                    engine: self.engine.take(),
                    title: self.title,
                })
            }
            Err(error) => {
                leash.tell(&Report::refused(Step::Fork, &error).encode());
                None
            }
        }
    }
}

fn read(fd: OwnedFd) -> Option<Vec<u8>> {
    let mut file = File::from(fd);
    let mut text = Vec::new();
    file.rewind().ok()?;
    file.read_to_end(&mut text).ok()?;
    Some(text)
}

/// Reads away the signals that have come: how many they are says nothing.
pub(crate) fn drain(signals: &OwnedFd) -> Vec<i32> {
    let Ok(fd) = signals.try_clone() else {
        return Vec::new();
    };
    let mut file = File::from(fd);
    let mut numbers = Vec::new();
    let mut record = [0; 128];
    while matches!(file.read(&mut record), Ok(128)) {
        numbers.push(i32::from_ne_bytes([
            record[0], record[1], record[2], record[3],
        ]));
    }
    numbers
}
