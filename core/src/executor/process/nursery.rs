//! Where children come from, and who tells when they end.

mod direct;
mod zygote;

use std::fmt::Debug;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Weak};

use super::template::{Birth, ChildTemplate, Holding};
use crate::outcome::Exit;
use crate::process::{Head, Processes};
use crate::sandbox::{Sandbox, SandboxParts};

pub(super) use direct::Direct;
pub(super) use zygote::Zygote;

/// How a child ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Death {
    /// By itself, or by a signal.
    Exit(Exit),
    /// With the process that was to start it, or had started it; why, in words.
    Lost(String),
    /// It was not started, since its sandbox can't be had; why, in words.
    NoSandbox(String),
}

impl Death {
    pub(super) fn exit(&self) -> Option<Exit> {
        match self {
            Self::Exit(exit) => Some(*exit),
            Self::Lost(_) | Self::NoSandbox(_) => None,
        }
    }
}

/// Who is told what becomes of children, on the reactor's thread.
pub(super) trait Family: Send + Sync {
    /// What of its sandbox it has, where it is to have one.
    fn kept_in(&self, child: u64, parts: SandboxParts);
    /// It runs, and may be given something to do.
    fn born(&self, child: u64, head: Head);
    /// It has ended, and so has everything that it had started.
    fn died(&self, child: u64, death: Death);
    /// No child comes from this nursery any more; `up` says whether one could have.
    fn deserted(&self, nursery: &Arc<dyn Nursery>, up: bool);
}

/// Where children come from.
pub(super) trait Nursery: Debug + Send + Sync {
    /// Starts the child with this number, on `socket`.
    ///
    /// # Errors
    /// Those of the system; then it is never told of.
    fn raise(&self, child: u64, socket: OwnedFd) -> io::Result<()>;

    /// How the children are held to their limits.
    fn holding(&self) -> Holding;

    /// Ends a child that was born, and everything that it has started, at once and surely.
    fn kill(&self, child: u64);

    /// Ends what starts the children, where that is a process, with those that aren't born yet: no child
    /// comes any more.
    fn close(&self) {}
}

/// The nursery that `template` asks for, whose children are kept to `sandbox`; `plainly`, where one before
/// it has failed.
pub(super) fn open(
    template: &Arc<ChildTemplate>,
    sandbox: &Sandbox,
    plainly: bool,
    processes: &Arc<Processes>,
    family: Weak<dyn Family>,
) -> io::Result<Arc<dyn Nursery>> {
    Ok(match &template.birth {
        Birth::Direct { .. } => Direct::open(template, sandbox, processes, family),
        Birth::Zygote { setup, plain } => {
            let setup = if plainly { plain } else { setup };
            Zygote::open(template, sandbox, setup, processes, family)?
        }
    })
}
