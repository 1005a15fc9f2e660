//! Children that are each started by themselves.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::{ChildTemplate, Death, Family, Holding, Nursery};
use crate::outcome::Exit;
use crate::process::{Head, Launch, Processes, Refusal, Tree, TreeUsage, Watch};
use crate::sandbox::{Sandbox, SandboxParts};

/// Starts each child by itself.
pub(in super::super) struct Direct {
    this: Weak<Self>,
    template: Arc<ChildTemplate>,
    sandbox: Sandbox,
    processes: Arc<Processes>,
    family: Weak<dyn Family>,
    trees: Mutex<HashMap<u64, Tree>>,
}

impl Direct {
    pub(super) fn open(
        template: &Arc<ChildTemplate>,
        sandbox: &Sandbox,
        processes: &Arc<Processes>,
        family: Weak<dyn Family>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            template: Arc::clone(template),
            sandbox: sandbox.clone(),
            processes: Arc::clone(processes),
            family,
            trees: Mutex::default(),
        })
    }
}

impl Nursery for Direct {
    fn raise(&self, child: u64, socket: OwnedFd) -> io::Result<()> {
        let watch = Guarded {
            child,
            nursery: Weak::clone(&self.this),
            family: Weak::clone(&self.family),
            exit: Mutex::new(None),
        };
        // What becomes of it is told on another thread, and not before its tree is known here.
        let mut trees = self.trees.lock();
        let launch = Launch {
            sandbox: self.sandbox.clone(),
            ..self.template.launch(socket)?
        };
        let tree = self.processes.launch(launch, Arc::new(watch))?;
        trees.insert(child, tree);
        Ok(())
    }

    fn holding(&self) -> Holding {
        self.template.birth.holding()
    }

    fn kill(&self, child: u64) {
        if let Some(tree) = self.trees.lock().get(&child) {
            tree.kill();
        }
    }
}

impl fmt::Debug for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Direct").finish_non_exhaustive()
    }
}

/// What is told of one child.
struct Guarded {
    child: u64,
    nursery: Weak<Direct>,
    family: Weak<dyn Family>,
    exit: Mutex<Option<Exit>>,
}

impl Guarded {
    fn over(&self, death: Death) {
        let nursery = self.nursery.upgrade();
        let tree = nursery.and_then(|nursery| nursery.trees.lock().remove(&self.child));
        drop(tree);
        if let Some(family) = self.family.upgrade() {
            family.died(self.child, death);
        }
    }
}

impl Watch for Guarded {
    fn kept_in(&self, parts: SandboxParts) {
        if let Some(family) = self.family.upgrade() {
            family.kept_in(self.child, parts);
        }
    }

    fn started(&self, pid: u32, guard: u32) {
        if let Some(family) = self.family.upgrade() {
            family.born(self.child, Head::guarded(pid, guard));
        }
    }

    fn refused(&self, refusal: Refusal) {
        self.over(if refusal.is_for_sandbox() {
            Death::NoSandbox(refusal.to_string())
        } else {
            Death::Lost(format!("it could not be started: {refusal}"))
        });
    }

    fn exited(&self, exit: Exit, left: bool) {
        *self.exit.lock() = Some(exit);
        if let Some(nursery) = self.nursery.upgrade().filter(|_| left) {
            // Nobody is left to say what it is good for.
            nursery.kill(self.child);
        }
    }

    fn gone(&self, _: Option<TreeUsage>) {
        let exit = *self.exit.lock();
        self.over(exit.map_or_else(
            || Death::Lost("what guarded it was lost".into()),
            Death::Exit,
        ));
    }
}
