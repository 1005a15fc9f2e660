//! One child of a pool, as its parent sees it.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use parking_lot::Mutex;

use super::ahead::Ahead;
use super::frame::Kind;
use super::kept::{Frozen, Kept, keep};
use super::link::Link;
use super::message::Breakage;
use super::nursery::Nursery;
use crate::clock::Tick;
use crate::engine::Attempt;
use crate::executor::Assignment;
use crate::limits::Root;
use crate::process::{Head, Processes, Sizes};
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
    pub(super) ahead: Ahead,
    /// It is looked after while it runs something.
    kept: Option<Kept>,
    /// What of its sandbox it has, where it is to have one.
    parts: Option<SandboxParts>,
    /// How many jobs it has run.
    pub(super) jobs: u64,
    /// What says how large it is.
    size: Option<File>,
    /// Whether it is being killed.
    pub(super) doomed: bool,
    /// The job that it is killed for.
    killed_for: Option<u64>,
    /// What it did that it must not, and is killed for.
    fault: Option<String>,
    /// What breaks it while it runs its job.
    breakage: Option<Breakage>,
    /// Whether another is to take its place.
    pub(super) spent: bool,
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
        seat.size = measured
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
        seat.ahead.shut();
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

    /// Looks after it from now on, while it runs `attempt`.
    pub(super) fn look_after(self: &Arc<Self>, processes: &Processes, attempt: &Arc<Attempt>) {
        let ready = |seat: &Seat| seat.head.filter(|_| seat.ready);
        let Some(head) = ready(&self.seat.lock()) else {
            return;
        };
        if !self.sandbox.is_off() {
            forget_peak(head.pid);
        }
        self.keep(processes, Root::With(head), attempt);
    }

    /// Looks after it from now on, while it runs `attempt`, which it has run for a while: it had `resident`
    /// bytes, of which so many were its `own`, and no processes below it, when that began.
    pub(super) fn look_after_since(
        self: &Arc<Self>,
        processes: &Processes,
        attempt: &Arc<Attempt>,
        resident: u64,
        own: u64,
    ) {
        let head = {
            let seat = self.seat.lock();
            // What is looked after already is no news.
            seat.head.filter(|_| seat.kept.is_none())
        };
        let Some(head) = head.filter(|_| self.sandbox.is_off()) else {
            return;
        };
        let root = match resident {
            0 => Root::With(head),
            _ => Root::Since {
                head,
                resident,
                own,
            },
        };
        self.keep(processes, root, attempt);
    }

    fn keep(self: &Arc<Self>, processes: &Processes, root: Root, attempt: &Arc<Attempt>) {
        let kept = keep(processes, self, root, attempt);
        let before = {
            let mut seat = self.seat.lock();
            (seat.kept.replace(kept), seat.ahead.unseen.take())
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

    /// Changes who wants it to stand still while it runs the attempt `key`; `false` where it doesn't run
    /// that in a process.
    pub(super) fn hold(&self, key: u64, change: impl FnOnce(&mut Frozen)) -> bool {
        self.hold_where(|seat| seat.head_of(key), change)
    }

    /// The same for the process that is found, if any.
    pub(super) fn hold_where(
        &self,
        find: impl FnOnce(&mut Seat) -> Option<Head>,
        change: impl FnOnce(&mut Frozen),
    ) -> bool {
        let mut frozen = self.frozen.lock();
        // What it runs next waits for the lock: it is never stopped for this one.
        let head = find(&mut self.seat.lock());
        if let Some(head) = head {
            frozen.change(head, change);
        }
        head.is_some()
    }

    /// Lets it run on, whoever wanted what it ran before to stand still.
    pub(super) fn run_on(&self) {
        self.hold_where(|seat| seat.head, |frozen| *frozen = Frozen::default());
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
                seat.ahead.ends(now);
            }
            // Whoever ends a job was not broken after all.
            seat.breakage = None;
            let attempt = seat.running.take();
            seat.running = seat.ahead.next();
            let (next, kept) = (seat.running.clone(), seat.kept.take());
            // What it has when it runs nothing is nobody's.
            let unseen = seat.ahead.unseen.take_if(|_| next.is_none());
            if let Some(head) = seat.head.filter(|_| !seat.doomed) {
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

    /// Nobody looks any more, since it runs the next job.
    fn look_away(&self, kept: Option<Kept>) {
        if let Some(kept) = kept {
            let unseen = kept.look_away();
            self.seat.lock().ahead.unseen = Some(unseen);
        }
    }

    /// What time it is for the engine of its job.
    fn tick(&self) -> Option<Tick> {
        let running = self.seat.lock().running.clone()?;
        Some(running.engine()?.tick())
    }

    /// Whether it is to be replaced: it is being killed, it has run so many jobs, or has grown so large.
    pub(super) fn is_used_up(&self, most_jobs: Option<u32>, largest: Option<u64>) -> bool {
        let seat = self.seat.lock();
        let size = || seat.size.as_ref().map_or(0, resident);
        seat.doomed
            || seat.spent
            || most_jobs.is_some_and(|most| seat.jobs >= u64::from(most))
            || largest.is_some_and(|most| size() > most)
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

    /// Ends it by force if it runs the attempt `key`: under the lock, so that it is no other one.
    pub(super) fn kill_with(&self, key: u64) {
        let mut seat = self.seat.lock();
        if seat
            .running
            .as_ref()
            .is_some_and(|attempt| attempt.key() == key)
        {
            seat.doomed = true;
            seat.killed_for = Some(key);
            self.nursery.kill(self.number);
        }
    }

    /// Whether it was killed for another job than `key`, which had ended by then.
    pub(super) fn was_killed_for_another(&self, key: u64) -> bool {
        let seat = self.seat.lock();
        seat.fault.is_none() && seat.killed_for.is_some_and(|job| job != key)
    }

    /// Ends it by force, now that it is born, where it was to be ended before.
    pub(super) fn end_if_doomed(&self) -> bool {
        let doomed = self.seat.lock().doomed;
        if doomed {
            self.nursery.kill(self.number);
        }
        doomed
    }

    /// Ends it by force, for what it did.
    pub(super) fn condemn(&self, fault: Option<String>) {
        let mut seat = self.seat.lock();
        seat.fault = seat.fault.take().or(fault);
        seat.doomed = true;
        self.nursery.kill(self.number);
    }

    /// It says what breaks it.
    pub(super) fn breaks(&self, breakage: Breakage) {
        self.seat.lock().breakage = Some(breakage);
    }

    /// What broke it, as far as it could say.
    pub(super) fn breakage(&self) -> Option<Breakage> {
        self.seat.lock().breakage.take()
    }

    /// Another is to take its place after its job.
    pub(super) fn replace(&self) {
        self.seat.lock().spent = true;
    }

    /// What it did that it was killed for.
    pub(super) fn fault(&self) -> Option<String> {
        self.seat.lock().fault.clone()
    }
}

/// Measures the peak of a process anew, where the system can: proc(5), `clear_refs`. One in a sandbox can't
/// do that itself.
fn forget_peak(pid: u32) {
    let _ = std::fs::write(format!("/proc/{pid}/clear_refs"), "5");
}

/// The resident bytes of a process, by its file `statm`.
fn resident(statm: &File) -> u64 {
    let mut text = [0; 128];
    let length = statm.read_at(&mut text, 0).unwrap_or(0);
    let sizes = Sizes::parse(&text[..length]);
    sizes.unwrap_or_default().resident
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::process::{Command, Stdio};
    use std::sync::Weak;

    use super::super::link::Hears;
    use super::super::shared::Shared;
    use super::super::template::{Birth, Holding};
    use super::*;
    use crate::payload::Payload;
    use crate::process::{Reactor, is_stopped};

    #[derive(Debug)]
    struct Nobody;

    impl Nursery for Nobody {
        fn raise(&self, _: u64, _: OwnedFd) -> io::Result<()> {
            Ok(())
        }

        fn holding(&self) -> Holding {
            Birth::Direct { held_down: false }.holding()
        }

        fn kill(&self, _: u64) {}
    }

    fn child(first: &Arc<Attempt>) -> Child {
        let (socket, _) = UnixStream::pair().unwrap();
        let hears: Weak<dyn Hears> = Weak::<Shared>::new();
        let link = Link::open(1, socket.into(), &Reactor::new().unwrap(), hears).unwrap();
        let attempt = Arc::clone(first);
        let assignment = Assignment {
            attempt,
            args: Payload::Null,
            after: None,
        };
        Child::new(1, link, Arc::new(Nobody), assignment)
    }

    fn wait_until(met: impl Fn() -> bool) {
        while !met() {
            std::thread::yield_now();
        }
    }

    fn pause(frozen: &mut Frozen) {
        frozen.paused = true;
    }

    #[test]
    fn what_freezes_a_job_does_not_freeze_the_next_one() {
        let [first, second] = [1, 2].map(|key| Attempt::of_nobody(key).unwrap());
        let mut cat = Command::new("/bin/cat");
        let mut cat = cat.stdin(Stdio::piped()).spawn().unwrap();
        let pid = cat.id();
        let child = child(&first);
        child.born(Head::alone(pid), false);
        assert!(child.hold(first.key(), pause));
        wait_until(|| is_stopped(pid));
        child.vacate(true);
        wait_until(|| !is_stopped(pid));
        assert!(!child.hold(first.key(), pause));
        let next = self::child(&second);
        next.born(Head::alone(pid), false);
        assert!(!next.hold(first.key(), |frozen| frozen.slowed = true));
        assert!(!next.frozen.lock().stands() && !is_stopped(pid));
        drop(cat.stdin.take());
        cat.wait().unwrap();
    }

    #[test]
    fn a_pause_that_is_refused_is_none() {
        let first = Attempt::of_nobody(1).unwrap();
        let child = child(&first);
        assert!(!child.hold(first.key(), pause));
        assert!(!child.frozen.lock().stands());
    }
}
