//! A child stands still while somebody has paused its job, or while that uses more of the processor than it may.

use std::sync::Arc;

use rustix::process::Signal;

use super::child::{Child, Seat};
use crate::limits::Brake;
use crate::process::{Head, send_to_tree};

/// Who wants a child to stand still.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Frozen {
    /// Somebody has paused its job.
    pub(super) paused: bool,
    /// Its job uses more of the processor than it may.
    pub(super) slowed: bool,
}

impl Frozen {
    fn stands(self) -> bool {
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
pub(super) struct Slows {
    pub(super) child: Arc<Child>,
    pub(super) key: u64,
}

impl Brake for Slows {
    fn freeze(&self) {
        self.child.hold(self.key, |frozen| frozen.slowed = true);
    }

    fn thaw(&self) {
        self.child.hold(self.key, |frozen| frozen.slowed = false);
    }
}

impl Child {
    /// Changes who wants it to stand still while it runs the attempt `key`; `false` where it doesn't run
    /// that in a process.
    pub(super) fn hold(&self, key: u64, change: impl FnOnce(&mut Frozen)) -> bool {
        self.hold_where(|seat| seat.head_of(key), change)
    }

    /// The same for the process that is found, if any.
    fn hold_where(
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

    /// Stops its job `key` where it stands, as soon as nothing waits behind that; `false` where it doesn't
    /// run that in a process.
    pub(super) fn pause(&self, key: u64) -> bool {
        let mut frozen = self.frozen.lock();
        let (head, waits) = {
            let mut seat = self.seat.lock();
            let Some(head) = seat.head_of(key) else {
                return false;
            };
            seat.prefetched.paused = Some(key);
            (head, !seat.prefetched.is_empty())
        };
        match waits {
            true => self.recall(),
            false => frozen.change(head, |frozen| frozen.paused = true),
        }
        true
    }

    /// Stops the job where it stands that was to stand still once nothing waits behind it.
    pub(super) fn pause_if_alone(&self) {
        let alone = |seat: &mut Seat| {
            let paused = seat
                .prefetched
                .paused
                .filter(|_| seat.prefetched.is_empty());
            seat.head_of(paused?)
        };
        self.hold_where(alone, |frozen| frozen.paused = true);
    }

    /// Lets its job `key` run on.
    pub(super) fn resume(&self, key: u64) {
        let paused = |seat: &mut Seat| {
            seat.prefetched.paused.take_if(|paused| *paused == key);
            seat.head_of(key)
        };
        self.hold_where(paused, |frozen| frozen.paused = false);
    }

    /// Lets it run on, whoever wanted what it ran before to stand still.
    pub(super) fn run_on(&self) {
        self.hold_where(|seat| seat.head, |frozen| *frozen = Frozen::default());
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::process::{Command, Stdio};
    use std::sync::Weak;

    use super::super::link::{Hears, Link};
    use super::super::nursery::Nursery;
    use super::super::shared::Shared;
    use super::super::template::{Birth, Holding};
    use super::*;
    use crate::engine::Attempt;
    use crate::executor::Assignment;
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
