//! A process that runs, and everything that comes of it.

use std::fmt;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown};

use super::launch::{Refusal, TreeUsage, Watch};
use super::order::{Command, Reached, Report};
use super::reactor::{Interest, Reactor, Readiness, Source, Token};
use crate::outcome::Exit;
use crate::sandbox::SandboxParts;

/// A handle to a process and everything that it has started. Dropped, it ends them all.
pub struct Tree {
    leash: Arc<Leash>,
}

/// The socket to the guard of a tree.
struct Leash {
    socket: OwnedFd,
    reactor: Reactor,
    token: Mutex<Option<Token>>,
    /// Until the last report: whoever watches a tree may hold it too.
    watch: Mutex<Option<Arc<dyn Watch>>>,
}

impl Tree {
    /// Hears over `socket` what becomes of a tree.
    pub(super) fn hold(
        socket: OwnedFd,
        reactor: &Reactor,
        watch: Arc<dyn Watch>,
    ) -> std::io::Result<Self> {
        let leash = Arc::new(Leash {
            socket,
            reactor: reactor.clone(),
            token: Mutex::new(None),
            watch: Mutex::new(Some(watch)),
        });
        let mut token = leash.token.lock();
        let source = Arc::clone(&leash);
        *token = Some(reactor.add(leash.socket.as_fd(), Interest::Read, source)?);
        drop(token);
        Ok(Self { leash })
    }

    /// Tells nobody of it any more.
    pub(super) fn let_go(&self) {
        drop(self.leash.let_go());
    }

    /// Asks the process and its group to end (TERM); once it has ended, all that is left of its tree.
    pub fn terminate(&self) {
        self.leash.tell(&Command::Terminate);
    }

    /// Ends everything of the tree, at once and surely (KILL).
    pub fn kill(&self) {
        self.leash.tell(&Command::Kill);
    }

    /// Stops everything of the tree where it stands.
    pub fn freeze(&self) {
        self.leash.tell(&Command::Freeze);
    }

    /// Lets everything of the tree run on.
    pub fn thaw(&self) {
        self.leash.tell(&Command::Thaw);
    }

    /// What `ps` shows of the process that guards it.
    pub fn title(&self, text: &str) {
        self.leash.tell(&Command::Title(text.as_bytes().to_vec()));
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tree").finish_non_exhaustive()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Leash {
    fn tell(&self, command: &Command) {
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        // It fails where the guard is gone, and so the tree; or where the guard doesn't listen.
        let sent = send(&self.socket, &command.encode(), flags);
        if sent == Err(Errno::AGAIN) && matches!(command, Command::Kill) {
            self.cut();
        }
    }

    /// Tells the guard no more: it ends its tree, as it does when its engine is gone. Its reports still come.
    fn cut(&self) {
        let _ = shutdown(&self.socket, Shutdown::Write);
    }

    /// The next report; `None` for none yet, `Some(None)` for none any more.
    fn hear(&self) -> Option<Option<Report>> {
        let mut bytes = [0; 64];
        loop {
            return match recv(&self.socket, &mut bytes[..], RecvFlags::DONTWAIT) {
                Ok((0, _)) => Some(None),
                Ok((length, _)) => Some(Report::decode(&bytes[..length])),
                Err(Errno::AGAIN | Errno::INTR) => None,
                // A guard that has ended before it read a command: this is said once, before the last of
                // what it reported.
                Err(Errno::CONNRESET) => continue,
                Err(_) => Some(None),
            };
        }
    }

    /// Passes a report on; `false` after the last one.
    fn report(&self, report: Option<Report>) -> bool {
        let watch = self.watch.lock().clone();
        let Some(watch) = watch else { return false };
        match report {
            Some(Report::Started {
                pid,
                guard,
                reached,
            }) => {
                if let Some(reached) = reached {
                    watch.kept_in(parts(reached));
                }
                watch.started(pid, guard);
            }
            Some(Report::Exited { status, left }) => watch.exited(Exit::from_status(status), left),
            Some(Report::Refused(step, error)) => {
                let error = std::io::Error::from_raw_os_error(error);
                watch.refused(Refusal { step, error });
                return false;
            }
            Some(Report::Gone { cpu, rss }) => {
                let usage = TreeUsage {
                    cpu_time: Duration::from_micros(cpu),
                    largest: rss,
                };
                watch.gone(Some(usage));
                return false;
            }
            None => {
                watch.gone(None);
                return false;
            }
        }
        true
    }

    /// Hears no more; gives whoever was told until now.
    fn let_go(&self) -> Option<Arc<dyn Watch>> {
        if let Some(token) = self.token.lock().take() {
            self.reactor.remove(self.socket.as_fd(), token);
        }
        self.watch.lock().take()
    }
}

fn parts(reached: Reached) -> SandboxParts {
    SandboxParts {
        no_new_privs: reached.no_new_privs,
        landlock: Some(reached.landlock).filter(|version| *version > 0),
        seccomp: reached.seccomp,
    }
}

impl Source for Leash {
    fn ready(&self, _: Readiness) {
        while let Some(report) = self.hear() {
            if !self.report(report) {
                drop(self.let_go());
                return;
            }
        }
    }

    fn abandon(&self) {
        self.cut();
        if let Some(watch) = self.let_go() {
            watch.gone(None);
        }
    }
}
