//! A child is held to what its job declared, for as long as the job runs there.

use std::sync::Arc;
use std::time::Duration;

use super::child::Child;
use super::frozen::Slows;
use crate::clock::Tick;
use crate::engine::Attempt;
use crate::limits::{Had, HeldDown, Isolation, Root, Unseen, Watched};
use crate::process::Processes;

/// How long what a child had at the end of a job holds: what a job has left running there may take more.
const MOMENT: Duration = Duration::from_millis(5);

/// A child that is looked after. Dropped, it is looked at for a last time, and may use again what it could
/// before.
#[derive(Debug)]
pub(super) struct Kept {
    watched: Watched,
    _held: Option<HeldDown>,
}

impl Kept {
    /// Looks after the process `root` of `child` while it runs `attempt`.
    fn new(processes: &Processes, child: &Arc<Child>, root: Root, attempt: &Arc<Attempt>) -> Self {
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
        Self {
            watched,
            _held: held,
        }
    }

    /// Lets go of it without a last look, since it runs another job by now.
    fn look_away(self) -> Unseen {
        self.watched.look_away()
    }
}

impl Child {
    /// Looks after it from now on, while it runs `attempt`.
    pub(super) fn look_after(self: &Arc<Self>, processes: &Processes, attempt: &Arc<Attempt>) {
        let (ready, left) = {
            let mut seat = self.seat.lock();
            (seat.head.filter(|_| seat.ready), seat.left.take())
        };
        let Some(head) = ready else {
            return;
        };
        if !self.sandbox.is_off() {
            forget_peak(head.pid);
        }
        let root = match left.filter(|(_, since)| may_be_told(attempt, *since)) {
            Some((had, _)) => Root::Since { head, had },
            None => Root::With(head),
        };
        self.keep(processes, root, attempt);
    }

    /// It says what it has, now that its job is over.
    pub(super) fn tells(&self, left: Option<Had>) {
        let left = left.filter(|_| self.sandbox.is_off()).zip(self.tick());
        self.seat.lock().left = left;
    }

    /// Looks after it from now on, while it runs `attempt`, which it has run for a while: it `had` so much, and
    /// no processes below it, when that began.
    pub(super) fn look_after_since(
        self: &Arc<Self>,
        processes: &Processes,
        attempt: &Arc<Attempt>,
        had: Had,
    ) {
        let head = {
            let seat = self.seat.lock();
            // What is looked after already is no news.
            seat.head.filter(|_| seat.kept.is_none())
        };
        let Some(head) = head.filter(|_| self.sandbox.is_off()) else {
            return;
        };
        let root = match had.resident {
            0 => Root::With(head),
            _ => Root::Since { head, had },
        };
        self.keep(processes, root, attempt);
    }

    fn keep(self: &Arc<Self>, processes: &Processes, root: Root, attempt: &Arc<Attempt>) {
        let kept = Kept::new(processes, self, root, attempt);
        let before = {
            let mut seat = self.seat.lock();
            (seat.kept.replace(kept), seat.unseen.take())
        };
        drop(before);
    }

    /// It loads what it needs for its job: nobody looks at what that uses.
    pub(super) fn leave_alone(&self) {
        let kept = self.seat.lock().kept.take();
        drop(kept);
    }

    /// It has loaded what it needs for `attempt`, which begins now.
    pub(super) fn is_ready(self: &Arc<Self>, processes: &Processes, attempt: &Arc<Attempt>) {
        self.seat.lock().ready = true;
        self.look_after(processes, attempt);
    }

    /// Nobody looks any more, since it runs the next job.
    pub(super) fn look_away(&self, kept: Option<Kept>) {
        if let Some(kept) = kept {
            let unseen = kept.look_away();
            self.seat.lock().unseen = Some(unseen);
        }
    }
}

/// Whether a child is believed what it had when `attempt` began: it said so a moment ago, `since` when it has
/// run nothing, and `attempt` has no limit that a tale would get round.
fn may_be_told(attempt: &Attempt, since: Tick) -> bool {
    let limits = attempt.limits();
    let limited = limits.memory.is_some() || limits.cpu.is_some() || limits.cpu_time.is_some();
    let now = attempt.engine().map(|engine| engine.tick());
    !limited && now.is_some_and(|now| now.since(since) < MOMENT)
}

/// Measures the peak of a process anew, where the system can: proc(5), `clear_refs`. One in a sandbox can't
/// do that itself.
fn forget_peak(pid: u32) {
    let _ = std::fs::write(format!("/proc/{pid}/clear_refs"), "5");
}
