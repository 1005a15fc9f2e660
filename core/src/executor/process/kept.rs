//! A child is held to what its job declared, for as long as the job runs there.

use std::sync::Arc;

use rustix::process::Signal;

use super::child::Child;
use crate::engine::Attempt;
use crate::limits::{Brake, HeldDown, Isolation, Root, Sign, Watched, judge};
use crate::outcome::{Ended, Exit, Failure};
use crate::process::{Processes, send_to_tree};

/// What Python raises where it can have no more memory.
const MEMORY_ERROR: &str = "MemoryError";

/// A child that is looked after. Dropped, it is looked at for a last time, and may use again what it could
/// before.
#[derive(Debug)]
pub(super) struct Kept {
    _watched: Watched,
    _held: Option<HeldDown>,
}

/// Who wants a child to stand still.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Frozen {
    /// Somebody has paused its job.
    pub(super) paused: bool,
    /// Its job uses more of the processor than it may.
    pub(super) slowed: bool,
}

/// Looks after the process `pid` of `child` while it runs `attempt`.
pub(super) fn keep(
    processes: &Processes,
    child: &Arc<Child>,
    pid: u32,
    attempt: &Arc<Attempt>,
) -> Kept {
    let limits = attempt.limits();
    let holding = child.nursery.holding();
    let enforcer = Some(processes.enforcer()).filter(|_| holding.held_down);
    let held = enforcer.and_then(|enforcer| enforcer.hold_down(&limits, pid));
    attempt.isolate(match held {
        Some(_) => Isolation::Rlimit,
        None => Isolation::Sampling,
    });
    let watched = processes
        .watchdog()
        .watch(Arc::clone(attempt), Root::With(pid));
    if limits.cpu.is_some() {
        watched.brake(Arc::clone(child) as Arc<dyn Brake>);
    }
    Kept {
        _watched: watched,
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

impl Brake for Child {
    fn freeze(&self) {
        self.hold(|frozen| frozen.slowed = true);
    }

    fn thaw(&self) {
        self.hold(|frozen| frozen.slowed = false);
    }
}

/// Stops the process `pid` with all that it has started, or lets it run on.
pub(super) fn set_frozen(pid: u32, frozen: Frozen) {
    let stands = frozen.paused || frozen.slowed;
    send_to_tree(pid, if stands { Signal::STOP } else { Signal::CONT });
}
