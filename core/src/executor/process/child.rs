//! One child of a pool, as its parent sees it.

use std::fs::File;
use std::sync::Arc;

use parking_lot::Mutex;

use super::fate::Fate;
use super::frame::Kind;
use super::frozen::Frozen;
use super::kept::Kept;
use super::link::Link;
use super::nursery::Nursery;
use super::prefetched::Prefetched;
use crate::clock::Tick;
use crate::engine::Attempt;
use crate::executor::Assignment;
use crate::limits::{Had, Unseen};
use crate::process::Head;
use crate::sandbox::{Sandbox, SandboxParts};

/// One child.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) number: u64,
    pub(super) link: Arc<Link>,
    pub(super) nursery: Arc<dyn Nursery>,
    /// What it is kept to.
    pub(super) sandbox: Sandbox,
    pub(super) seat: Mutex<Seat>,
    /// Held while signals are sent, so that they come in the order of what was wanted. Locked before the
    /// seat.
    pub(super) frozen: Mutex<Frozen>,
}

/// What it does, and what of it is known.
#[derive(Debug, Default)]
pub(super) struct Seat {
    /// Its process, once it is born.
    pub(super) head: Option<Head>,
    /// What it is given next: once it is born, or by whoever has seated it.
    pub(super) next: Option<Assignment>,
    pub(super) running: Option<Arc<Attempt>>,
    /// What follows that.
    pub(super) prefetched: Prefetched,
    /// It is looked after while it runs something.
    pub(super) kept: Option<Kept>,
    /// What it has while it runs nothing, and when it said so.
    pub(super) left: Option<(Had, Tick)>,
    /// Its memory, while nobody looks at it: its jobs are too short for that.
    pub(super) unseen: Option<Unseen>,
    /// What of its sandbox it has, where it is to have one.
    parts: Option<SandboxParts>,
    /// How many jobs it has run.
    pub(super) jobs: u64,
    /// What is to become of it.
    pub(super) fate: Fate,
    /// Whether it was ready to run jobs once: what it uses is its job's from then on.
    pub(super) ready: bool,
}

/// A child whose job has ended.
pub(super) struct Vacated {
    pub(super) attempt: Arc<Attempt>,
    /// What it runs now.
    pub(super) next: Option<Arc<Attempt>>,
}

impl Seat {
    /// The process that runs the attempt `key`.
    pub(super) fn head_of(&self, key: u64) -> Option<Head> {
        let running = self.running.as_ref()?;
        self.head.filter(|_| running.key() == key)
    }
}

impl Child {
    /// A child to be, which will run `first`.
    pub(super) fn new(
        number: u64,
        link: Arc<Link>,
        nursery: Arc<dyn Nursery>,
        first: Assignment,
    ) -> Self {
        let sandbox = first.attempt.sandbox().clone();
        let seat = Seat {
            ready: nursery.holding().born_ready,
            running: Some(Arc::clone(&first.attempt)),
            next: Some(first),
            ..Seat::default()
        };
        Self {
            number,
            link,
            nursery,
            sandbox,
            seat: Mutex::new(seat),
            frozen: Mutex::default(),
        }
    }

    /// What of its sandbox it has.
    pub(super) fn keep_in(&self, parts: SandboxParts) {
        self.seat.lock().parts = Some(parts);
    }

    /// It runs.
    pub(super) fn born(&self, head: Head, measured: bool) {
        let mut seat = self.seat.lock();
        seat.head = Some(head);
        seat.fate.size = measured
            .then(|| File::open(format!("/proc/{}/statm", head.pid)).ok())
            .flatten();
    }

    /// What it is to be given now, unless that was taken back.
    pub(super) fn take_next(&self) -> Option<Assignment> {
        self.seat.lock().next.take()
    }

    /// Takes back what it was to do, if it was not given that yet.
    pub(super) fn take_back(&self) -> Option<Assignment> {
        let mut seat = self.seat.lock();
        let next = seat.next.take()?;
        seat.running = None;
        Some(next)
    }

    /// Takes back the job `key`, if it was to do that and was not given it yet.
    pub(super) fn take_back_job(&self, key: u64) -> Option<Assignment> {
        let is_next = |next: &mut Assignment| next.attempt.key() == key;
        let mut seat = self.seat.lock();
        let next = seat.next.take_if(is_next)?;
        seat.running = None;
        Some(next)
    }

    /// Takes back what it was to do and was not given, after it had been born.
    pub(super) fn take_from_born(&self) -> Option<Assignment> {
        self.seat.lock().head?;
        self.take_back()
    }

    /// It runs this from now on, and is to be given it.
    pub(super) fn occupy(&self, assignment: Assignment) {
        let mut seat = self.seat.lock();
        seat.unseen = None;
        seat.prefetched.shut();
        seat.running = Some(Arc::clone(&assignment.attempt));
        seat.next = Some(assignment);
    }

    /// What it runs, if that is the attempt `key`.
    pub(super) fn runs(&self, key: u64) -> Option<Arc<Attempt>> {
        let seat = self.seat.lock();
        seat.running.clone().filter(|attempt| attempt.key() == key)
    }

    /// Tells it that its job is asked to stop, and why.
    pub(super) fn ask_to_stop(&self, attempt: &Attempt) {
        let Some(stop) = attempt.stopped() else {
            return;
        };
        // They are shorter than a frame can be.
        let (kind, reason) = (stop.kind.as_str().as_bytes(), stop.reason.as_bytes());
        let _ = self.link.send(Kind::Reason, attempt.key(), [kind, &[]]);
        let _ = self.link.send(Kind::Stop, attempt.key(), [reason, &[]]);
    }

    /// What it ran, which has ended, and `begun` before. It is looked at for a last time, unless the next one
    /// runs already; and it runs on, whoever wanted it to stand still.
    pub(super) fn vacate(&self, begun: bool) -> Option<Vacated> {
        let now = self.tick();
        let (attempt, next, kept, parts, _unseen) = {
            // Whoever wants the next one to stand still waits for this.
            let mut frozen = self.frozen.lock();
            let mut seat = self.seat.lock();
            if begun {
                seat.jobs += 1;
                seat.prefetched.ends(now);
            }
            // Whoever ends a job was not broken after all.
            seat.fate.breakage = None;
            let attempt = seat.running.take();
            seat.running = seat.prefetched.next();
            let (next, kept) = (seat.running.clone(), seat.kept.take());
            // What it has when it runs nothing is nobody's.
            let unseen = seat.unseen.take_if(|_| next.is_none());
            if let Some(head) = seat.head.filter(|_| !seat.fate.doomed) {
                frozen.change(head, |frozen| *frozen = Frozen::default());
            }
            (attempt, next, kept, seat.parts, unseen)
        };
        match next {
            Some(_) => self.look_away(kept),
            None => drop(kept),
        }
        let attempt = attempt?;
        if let Some(parts) = parts {
            attempt.keep_in(parts);
        }
        Some(Vacated { attempt, next })
    }

    /// What time it is for the engine of its job.
    pub(super) fn tick(&self) -> Option<Tick> {
        let running = self.seat.lock().running.clone()?;
        Some(running.engine()?.tick())
    }

    /// It runs the attempt `key` no longer, if nobody else has found that out yet.
    pub(super) fn leave(&self, key: u64) -> bool {
        let left = {
            let mut seat = self.seat.lock();
            let left = seat.running.take_if(|attempt| attempt.key() == key);
            left.map(|attempt| (attempt, seat.kept.take()))
        };
        left.is_some()
    }
}
