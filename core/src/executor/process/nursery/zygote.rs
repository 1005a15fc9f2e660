//! Children that are forked by one clean process, the zygote. It is told what to do in messages of a code, the
//! number of a child and a value, over a socket that keeps them apart and passes descriptors on.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Seek, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use rustix::process::{Pid, Signal, kill_process, pidfd_send_signal};

use super::{ChildTemplate, Death, Family, Holding, Nursery};
use crate::outcome::Exit;
use crate::process::{
    Head, Interest, Launch, Processes, Reactor, Readiness, Refusal, Source, Token, Tree, TreeUsage,
    Watch,
};
use crate::sandbox::{Sandbox, SandboxParts};

const MESSAGE: usize = 1 + 8 + 8;

// To the zygote.
const FORK: u8 = 1;

// Of the zygote.
const UP: u8 = 16;
const BORN: u8 = 17;
const DIED: u8 = 18;
const NOT_BORN: u8 = 19;

/// The descriptor of the file from which a zygote reads what it is to do first: that may be long.
const SETUP: i32 = 4;

/// Has a zygote fork children.
pub(in super::super) struct Zygote {
    this: Weak<Self>,
    holding: Holding,
    control: OwnedFd,
    reactor: Reactor,
    family: Weak<dyn Family>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tree: Option<Tree>,
    token: Option<Token>,
    /// Its children; those that were born have a process.
    children: HashMap<u64, Option<Process>>,
    /// Whether it is ready to fork: it has imported what it is to import.
    up: bool,
    exit: Option<Exit>,
    /// What of its sandbox it has, and its children with it.
    parts: Option<SandboxParts>,
    over: bool,
}

/// The process of a child.
struct Process {
    pid: u32,
    /// None where this process could have no more descriptors.
    descriptor: Option<OwnedFd>,
}

impl Process {
    fn kill(&self) {
        // It fails where the child has ended, which is told soon.
        let _ = match (&self.descriptor, Pid::from_raw(self.pid as i32)) {
            (Some(descriptor), _) => pidfd_send_signal(descriptor, Signal::KILL),
            (None, Some(pid)) => kill_process(pid, Signal::KILL),
            (None, None) => Ok(()),
        };
    }
}

impl Zygote {
    /// Starts a zygote. What it is sent before it is up waits for it.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn open(
        template: &ChildTemplate,
        sandbox: &Sandbox,
        setup: &[u8],
        processes: &Processes,
        family: Weak<dyn Family>,
    ) -> io::Result<Arc<Self>> {
        let reactor = processes.reactor()?;
        let (control, theirs) = socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        let mut launch = Launch {
            sandbox: sandbox.clone(),
            ..template.launch(theirs)?
        };
        launch.fds.push((in_memory(setup)?, SETUP));
        let zygote = Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            holding: template.birth.holding(),
            control,
            reactor: reactor.clone(),
            family,
            state: Mutex::default(),
        });
        let mut state = zygote.state.lock();
        let heard = Heard(Arc::downgrade(&zygote));
        state.token = Some(reactor.add(zygote.control.as_fd(), Interest::Read, Arc::new(heard))?);
        let watch = Watched(Arc::downgrade(&zygote));
        state.tree = Some(processes.launch(launch, Arc::new(watch))?);
        drop(state);
        Ok(zygote)
    }

    fn tell(&self, what: u8, child: u64, brings: &[BorrowedFd<'_>]) -> io::Result<()> {
        let mut message = [0; MESSAGE];
        message[0] = what;
        message[1..9].copy_from_slice(&child.to_le_bytes());
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !brings.is_empty() {
            ancillary.push(SendAncillaryMessage::ScmRights(brings));
        }
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        sendmsg(
            &self.control,
            &[IoSlice::new(&message)],
            &mut ancillary,
            flags,
        )?;
        Ok(())
    }

    /// The next message and what it brings; none for now, or none any more.
    fn hear(&self) -> io::Result<Option<([u8; MESSAGE], Option<OwnedFd>)>> {
        let mut message = [0; MESSAGE];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let mut slices = [IoSliceMut::new(&mut message)];
        let received = match recvmsg(&self.control, &mut slices, &mut ancillary, flags) {
            Err(Errno::AGAIN | Errno::INTR) => return Ok(None),
            received => received?,
        };
        let brought = ancillary.drain().find_map(|one| match one {
            RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
            _ => None,
        });
        match received.bytes {
            MESSAGE => Ok(Some((message, brought))),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn heard(&self, message: [u8; MESSAGE], brought: Option<OwnedFd>) {
        let number = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&message[at..at + 8]);
            u64::from_le_bytes(bytes)
        };
        let (child, value) = (number(1), number(9));
        match message[0] {
            UP => self.state.lock().up = true,
            BORN => self.born(child, value, brought),
            DIED => self.died(child, Death::Exit(Exit::from_status(value as i32))),
            NOT_BORN => {
                let error = io::Error::from_raw_os_error(value as i32);
                self.died(
                    child,
                    Death::Lost(format!("no process could be made: {error}")),
                );
            }
            _ => {}
        }
    }

    fn born(&self, child: u64, pid: u64, descriptor: Option<OwnedFd>) {
        let Ok(pid) = u32::try_from(pid) else { return };
        let process = Process { pid, descriptor };
        let (known, parts) = {
            let mut state = self.state.lock();
            (state.children.insert(child, Some(process)), state.parts)
        };
        drop(known);
        if let Some(family) = self.family.upgrade() {
            if let Some(parts) = parts {
                family.kept_in(child, parts);
            }
            family.born(child, Head::alone(pid));
        }
    }

    fn died(&self, child: u64, death: Death) {
        let known = self.state.lock().children.remove(&child);
        if let (Some(_), Some(family)) = (known, self.family.upgrade()) {
            family.died(child, death);
        }
    }

    /// It runs, in its sandbox. A child may have been told of before.
    fn kept_in(&self, parts: SandboxParts) {
        let children: Vec<u64> = {
            let mut state = self.state.lock();
            state.parts = Some(parts);
            state.children.keys().copied().collect()
        };
        if let Some(family) = self.family.upgrade() {
            children
                .into_iter()
                .for_each(|child| family.kept_in(child, parts));
        }
    }

    fn stop_hearing(&self) {
        let token = self.state.lock().token.take();
        if let Some(token) = token {
            self.reactor.remove(self.control.as_fd(), token);
        }
    }

    /// It has ended, and everything that it had started.
    fn over(&self, death: &Death) {
        let (children, tree, up) = {
            let mut state = self.state.lock();
            state.over = true;
            if let Some(token) = state.token.take() {
                self.reactor.remove(self.control.as_fd(), token);
            }
            (
                std::mem::take(&mut state.children),
                state.tree.take(),
                state.up,
            )
        };
        drop(tree);
        let (Some(family), Some(this)) = (self.family.upgrade(), self.this.upgrade()) else {
            return;
        };
        let this: Arc<dyn Nursery> = this;
        family.deserted(&this, up);
        for child in children.into_keys() {
            family.died(child, death.clone());
        }
    }
}

/// A file that is in memory alone, at its beginning.
fn in_memory(bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(memfd_create("bursar-setup", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file.into())
}

impl Nursery for Zygote {
    fn raise(&self, child: u64, socket: OwnedFd) -> io::Result<()> {
        {
            let mut state = self.state.lock();
            if state.over {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            state.children.insert(child, None);
        }
        let told = self.tell(FORK, child, &[socket.as_fd()]);
        if told.is_err() {
            self.state.lock().children.remove(&child);
        }
        told
    }

    fn holding(&self) -> Holding {
        self.holding
    }

    fn kill(&self, child: u64) {
        let state = self.state.lock();
        // One that is not born yet has nothing to run.
        if let Some(Some(process)) = state.children.get(&child) {
            process.kill();
        }
    }

    fn close(&self) {
        // Children may hold this nursery for as long as they aren't born.
        let tree = self.state.lock().tree.take();
        drop(tree);
    }
}

impl fmt::Debug for Zygote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        f.debug_struct("Zygote")
            .field("up", &state.up)
            .field("children", &state.children.len())
            .finish_non_exhaustive()
    }
}

/// Hears what the zygote says.
struct Heard(Weak<Zygote>);

impl Source for Heard {
    fn ready(&self, _: Readiness) {
        let Some(zygote) = self.0.upgrade() else {
            return;
        };
        loop {
            match zygote.hear() {
                Ok(Some((message, brought))) => zygote.heard(message, brought),
                Ok(None) => return,
                Err(_) => return zygote.stop_hearing(),
            }
        }
    }

    fn abandon(&self) {
        if let Some(zygote) = self.0.upgrade() {
            zygote.stop_hearing();
            // Its end is told, and with it that of its children.
            if let Some(tree) = &zygote.state.lock().tree {
                tree.kill();
            }
        }
    }
}

/// Hears what becomes of the zygote.
struct Watched(Weak<Zygote>);

impl Watched {
    fn over(&self, death: impl FnOnce(&Zygote) -> Death) {
        if let Some(zygote) = self.0.upgrade() {
            zygote.over(&death(&zygote));
        }
    }
}

impl Watch for Watched {
    fn kept_in(&self, parts: SandboxParts) {
        if let Some(zygote) = self.0.upgrade() {
            zygote.kept_in(parts);
        }
    }

    fn refused(&self, refusal: Refusal) {
        self.over(|_| {
            if refusal.is_for_sandbox() {
                return Death::NoSandbox(refusal.to_string());
            }
            Death::Lost(format!(
                "the process that starts others could not be started: {refusal}"
            ))
        });
    }

    fn exited(&self, exit: Exit, _: bool) {
        if let Some(zygote) = self.0.upgrade() {
            zygote.state.lock().exit = Some(exit);
        }
    }

    fn gone(&self, _: Option<TreeUsage>) {
        self.over(|zygote| {
            Death::Lost(match zygote.state.lock().exit {
                Some(exit) => format!("the process that starts others ended with {exit}"),
                None => "the process that starts others was lost".into(),
            })
        });
    }
}
