//! One attempt that is looked after.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::tree::{Process, Tree};
use super::used::Used;
use super::{Brake, Root};
use crate::engine::Attempt;
use crate::limits::policy::{Action, Policy, Sample, Step};
use crate::limits::{Isolation, Limits};
use crate::outcome::Measured;

/// How long a tree is trusted to have no new processes, where it is looked at more often than that.
const WALK: Duration = Duration::from_millis(900);

/// An attempt, its tree, and what is thought of it.
pub(super) struct Post {
    attempt: Arc<Attempt>,
    /// The memory of its tree when that was last looked at, with what its root had before.
    memory: AtomicU64,
    memory_before: u64,
    watch: Mutex<Watch>,
    brake: Mutex<Option<Arc<dyn Brake>>>,
}

struct Watch {
    tree: Tree,
    policy: Policy,
    walked: Option<Duration>,
    frozen: bool,
    over: bool,
}

impl Post {
    /// From `now` on; `top` is the root of the tree, where it was watched before.
    pub(super) fn new(
        attempt: Arc<Attempt>,
        root: Root,
        top: Option<Process>,
        now: Duration,
        rest: Duration,
    ) -> Self {
        let limits = attempt.limits();
        let policy = Policy::new(limits, attempt.requested(), now, rest);
        let tree = Tree::new(root, top);
        let memory_before = tree.memory_before();
        let watch = Watch {
            tree,
            policy,
            walked: None,
            frozen: false,
            over: false,
        };
        Self {
            attempt,
            memory: AtomicU64::new(memory_before),
            memory_before,
            watch: Mutex::new(watch),
            brake: Mutex::new(None),
        }
    }

    pub(super) fn memory(&self) -> u64 {
        self.memory.load(Ordering::Relaxed)
    }

    pub(super) fn give_brake(&self, brake: Arc<dyn Brake>, now: Duration) {
        // The system slows it down itself.
        let isolation = self.attempt.isolation();
        if matches!(isolation, Some(Isolation::Cgroup | Isolation::JobObject)) {
            return;
        }
        *self.brake.lock() = Some(brake);
        let mut watch = self.watch.lock();
        let cpu_time = watch.cpu_time();
        watch.policy.can_brake(now, cpu_time);
    }

    /// Looks at the tree, does what is to be done, and gives how long until the next look; `None` once
    /// there is nothing left to look at.
    pub(super) fn look(&self, now: Duration, room: impl Fn() -> u64) -> Option<Duration> {
        let step = self.watch.lock().look(now, room, |used| self.note(used));
        let step = step?;
        for action in step.actions {
            self.act(action);
        }
        Some(step.next)
    }

    /// Nobody looks any more, but for a `last_look`: what that shows is noted, and nothing is done about it.
    /// Gives the root of the tree, where it is part of it and was there when it was last looked at.
    pub(super) fn let_go(&self, last_look: bool) -> Option<Process> {
        let mut watch = self.watch.lock();
        watch.over = true;
        if last_look {
            self.look_last(&mut watch);
        }
        let thaw = std::mem::take(&mut watch.frozen);
        let top = watch.tree.take_top();
        drop(watch);
        if thaw {
            self.act(Action::Thaw);
        }
        top
    }

    fn look_last(&self, watch: &mut Watch) {
        // What is over before anybody has looked has hardly had time to start others, and a walk takes longer
        // than many a job.
        let used = match (watch.tree.runs_on(), watch.walked) {
            (true, None) => watch.tree.look_at_top(),
            (true, Some(_)) => watch.tree.look(&Limits::NONE),
            (false, _) => None,
        };
        if let Some(used) = used {
            let sample = watch.sample(used, None, 0);
            let memory = watch.policy.memory(&sample);
            self.note(Measured {
                peak_memory: memory,
                cpu_time: used.cpu_time,
            });
        }
    }

    fn note(&self, seen: Measured) {
        let all = self.memory_before.saturating_add(seen.peak_memory);
        self.memory.store(all, Ordering::Relaxed);
        self.attempt.measure(seen);
    }

    fn act(&self, action: Action) {
        match action {
            Action::LookCloser => {}
            Action::Tell(notice) => self.attempt.tell_limit(notice),
            Action::Stop(breach, at_once) => self.attempt.over_limit(breach, at_once),
            Action::Freeze | Action::Thaw => {
                let brake = self.brake.lock().clone();
                match (brake, action) {
                    (Some(brake), Action::Freeze) => brake.freeze(),
                    (Some(brake), _) => brake.thaw(),
                    (None, _) => {}
                }
            }
        }
    }
}

impl Watch {
    fn look(
        &mut self,
        now: Duration,
        room: impl Fn() -> u64,
        note: impl Fn(Measured),
    ) -> Option<Step> {
        if self.over {
            return None;
        }
        let used = self.use_of(now)?;
        let room = self.is_tight(&used).then(room).unwrap_or(u64::MAX);
        let mut sample = self.sample(used, None, room);
        let mut step = self.policy.observe(now, &sample);
        if step.actions.contains(&Action::LookCloser) {
            // What can't be looked at closer counts in full.
            let proportional = self.tree.proportional().unwrap_or(used.resident);
            sample = self.sample(used, Some(proportional), room);
            step = self.policy.observe(now, &sample);
        }
        for action in &step.actions {
            match action {
                Action::Freeze => self.frozen = true,
                Action::Thaw => self.frozen = false,
                _ => {}
            }
        }
        note(Measured {
            peak_memory: self.policy.memory(&sample),
            cpu_time: used.cpu_time,
        });
        Some(step)
    }

    /// What the tree uses. Where it is looked at often only for its memory, it isn't walked each time.
    fn use_of(&mut self, now: Duration) -> Option<Used> {
        let recent = |walked: Duration| now.saturating_sub(walked) < WALK;
        if self.policy.is_calm() && self.walked.is_some_and(recent) {
            return Some(self.tree.glance());
        }
        self.walked = Some(now);
        self.tree.look(self.policy.limits())
    }

    fn is_tight(&self, used: &Used) -> bool {
        let limit = self.policy.limits().memory;
        limit.is_some_and(|limit| used.resident > limit)
    }

    fn cpu_time(&mut self) -> Duration {
        let used = self.tree.look(&Limits::NONE);
        used.map(|used| used.cpu_time).unwrap_or_default()
    }

    fn sample(&self, used: Used, proportional: Option<u64>, room: u64) -> Sample {
        Sample {
            resident: used.resident,
            proportional,
            cpu_time: used.cpu_time,
            files: used.files,
            connections: used.connections,
            room,
        }
    }
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post")
            .field("job", &self.attempt.job())
            .field("memory", &self.memory())
            .finish_non_exhaustive()
    }
}
