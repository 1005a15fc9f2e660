//! A child is held to what its job declared, for as long as the job runs there.

use std::sync::Arc;

use rustix::process::Signal;

use super::child::Child;
use crate::engine::Attempt;
use crate::limits::{Brake, HeldDown, Isolation, Root, Sign, Unseen, Watched, judge};
use crate::outcome::{Ended, Exit, Failure};
use crate::process::{Head, Processes, send_to_tree};

/// What Python raises where it can have no more memory.
const MEMORY_ERROR: &str = "MemoryError";

/// A child that is looked after. Dropped, it is looked at for a last time, and may use again what it could
/// before.
#[derive(Debug)]
pub(super) struct Kept {
    watched: Watched,
    _held: Option<HeldDown>,
}

impl Kept {
    /// Lets go of it without a last look, since it runs another job by now.
    pub(super) fn look_away(self) -> Unseen {
        self.watched.look_away()
    }
}

/// Who wants a child to stand still.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Frozen {
    /// Somebody has paused its job.
    pub(super) paused: bool,
    /// Its job uses more of the processor than it may.
    pub(super) slowed: bool,
}

impl Frozen {
    pub(super) fn stands(self) -> bool {
        self.paused || self.slowed
    }

    /// Stops the process `head` with all that it has started, or lets it run on, where a change comes to
    /// that.
    pub(super) fn change(&mut self, head: Head, change: impl FnOnce(&mut Self)) {
        let stood = self.stands();
        change(self);
        match (stood, self.stands()) {
            (false, true) => send_to_tree(head, Signal::STOP),
            (true, false) => send_to_tree(head, Signal::CONT),
            _ => {}
        }
    }
}

/// Slows a child down while it runs one attempt.
struct Slows {
    child: Arc<Child>,
    key: u64,
}

/// Looks after the process `root` of `child` while it runs `attempt`.
pub(super) fn keep(
    processes: &Processes,
    child: &Arc<Child>,
    root: Root,
    attempt: &Arc<Attempt>,
) -> Kept {
    let limits = attempt.limits();
    let holding = child.nursery.holding();
    let enforcer = Some(processes.enforcer()).filter(|_| holding.held_down);
    let held = enforcer.and_then(|enforcer| enforcer.hold_down(&limits, root.pid()));
    attempt.isolate(match held {
        Some(_) => Isolation::Rlimit,
        None => Isolation::Sampling,
    });
    let watched = processes.watchdog().watch(Arc::clone(attempt), root);
    if limits.cpu.is_some() {
        let (child, key) = (Arc::clone(child), attempt.key());
        watched.brake(Arc::new(Slows { child, key }));
    }
    Kept {
        watched,
        _held: held,
    }
}

/// How a job ended, where the reason may be that it could have no more memory.
pub(super) fn judged(attempt: &Attempt, ended: Ended) -> Ended {
    let (failure, sign) = match &ended {
        Ended::Raised(failure) if failure.kind == MEMORY_ERROR => (failure, Sign::SaidSo),
        Ended::Crashed(failure) => match failure.exit {
            Some(exit @ Exit::Signal(_)) => (failure, Sign::Exit(exit)),
            _ => return ended,
        },
        _ => return ended,
    };
    let isolation = attempt.isolation().unwrap_or(Isolation::Sampling);
    let (requested, _) = attempt.requested();
    let breach = judge(
        &attempt.limits(),
        isolation,
        attempt.measured(),
        requested,
        sign,
    );
    match breach {
        Some(breach) => Ended::MemoryExceeded(Failure {
            traceback: failure.traceback.clone(),
            exit: failure.exit,
            ..breach.failure()
        }),
        None => ended,
    }
}

impl Brake for Slows {
    fn freeze(&self) {
        self.child.hold(self.key, |frozen| frozen.slowed = true);
    }

    fn thaw(&self) {
        self.child.hold(self.key, |frozen| frozen.slowed = false);
    }
}
