//! One attempt that is looked after.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::tree::{Top, Tree};
use super::used::Used;
use super::{Brake, Root};
use crate::engine::Attempt;
use crate::limits::policy::{Action, Policy, Sample, Step};
use crate::limits::{Isolation, Limits};
use crate::outcome::Measured;

/// How long a tree is trusted to have no new processes, where it is looked at more often than that.
const WALK: Duration = Duration::from_millis(900);

/// How long a tree is not looked at whole where that may be spared: the system may have taken memory from
/// processes that haven't run, or given them some (swap, huge pages), and what has come and gone between two
/// looks is in the processor time then.
const WHOLE: Duration = Duration::from_secs(10);

/// An attempt, its tree, and what is thought of it.
pub(super) struct Post {
    attempt: Arc<Attempt>,
    /// The memory of its tree when that was last looked at, with what its root had before.
    memory: AtomicU64,
    watch: Mutex<Watch>,
    brake: Mutex<Option<Arc<dyn Brake>>>,
}

struct Watch {
    tree: Tree,
    policy: Policy,
    /// When all its processes were last found.
    walked: Option<Duration>,
    /// When everything about them was last looked at.
    whole: Option<Duration>,
    frozen: bool,
    over: bool,
}

impl Post {
    /// From `now` on; `top` is the root of the tree, where it was watched before.
    pub(super) fn new(
        attempt: Arc<Attempt>,
        root: Root,
        top: Option<Top>,
        now: Duration,
        rest: Duration,
    ) -> Self {
        let limits = attempt.limits();
        let policy = Policy::new(limits, attempt.requested(), now, rest);
        let tree = Tree::new(root, top);
        let memory = AtomicU64::new(tree.memory_before());
        let watch = Watch {
            tree,
            policy,
            walked: None,
            whole: None,
            frozen: false,
            over: false,
        };
        Self {
            attempt,
            memory,
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
        let note = |used, before| self.note(used, before);
        let step = self.watch.lock().look(now, room, note)?;
        for action in step.actions {
            self.act(action);
        }
        Some(step.next)
    }

    /// Nobody looks any more, but for a `last_look`: what that shows is noted, and nothing is done about it.
    /// Gives the root of the tree, where it is part of it and was there when it was last looked at.
    pub(super) fn let_go(&self, last_look: bool) -> Option<Top> {
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
            let seen = Measured {
                peak_memory: watch.policy.memory(&sample),
                cpu_time: used.cpu_time,
            };
            self.note(seen, watch.tree.memory_before());
        }
    }

    /// Notes what was seen of a tree whose root had so much memory `before`.
    fn note(&self, seen: Measured, before: u64) {
        let all = before.saturating_add(seen.peak_memory);
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
        note: impl Fn(Measured, u64),
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
        let seen = Measured {
            peak_memory: self.policy.memory(&sample),
            cpu_time: used.cpu_time,
        };
        note(seen, self.tree.memory_before());
        Some(step)
    }

    /// What the tree uses: as much as must be is looked at.
    fn use_of(&mut self, now: Duration) -> Option<Used> {
        let within = |time: Duration, at: Option<Duration>| {
            at.is_some_and(|at| now.saturating_sub(at) < time)
        };
        let (calm, seen) = (self.policy.is_calm(), within(WHOLE, self.whole));
        if calm
            && seen
            && let Some(used) = self.tree.unmoved()
        {
            return Some(used);
        }
        if calm && within(WALK, self.walked) {
            return Some(self.tree.glance());
        }
        self.walked = Some(now);
        let limits = self.policy.limits();
        if seen && limits.cpu.is_none() && limits.cpu_time.is_none() {
            return self.tree.look_again(limits);
        }
        self.whole = Some(now);
        self.tree.look(limits)
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

#[cfg(test)]
#[cfg(processes = "warden")]
mod tests {
    use rustix::process::{Pid, Signal, kill_process};

    use super::super::procfs::Process;
    use super::super::warm::Warm;
    use super::*;
    use crate::process::Head;

    const MB: u64 = 1_000_000;

    impl Watch {
        fn of(warm: &Warm, limits: Limits) -> Self {
            Self {
                tree: Tree::new(Root::With(Head::alone(warm.pid())), None),
                policy: Policy::new(limits, (0, 0), Duration::ZERO, Duration::ZERO),
                walked: None,
                whole: None,
                frozen: false,
                over: false,
            }
        }

        /// Looks at a second, once there is nothing to come.
        fn at(&mut self, second: u64, warm: &Warm) -> Used {
            warm.rest();
            let now = Duration::from_secs(second);
            let used = self.use_of(now).unwrap();
            self.policy.observe(now, &self.sample(used, None, 0));
            used
        }
    }

    /// Takes 20 MB when it is told to, and again.
    const TAKES: &str = "for x in a b; do echo; read x; \
                         y=$y$(head -c 20000000 /dev/zero | tr '\\0' x); done; echo; read x";

    #[test]
    fn what_stands_still_is_looked_at_every_ten_seconds_and_what_runs_at_once() {
        let mut warm = Warm::new(TAKES);
        warm.line();
        let mut watch = Watch::of(&warm, Limits::NONE);
        let rest = watch.at(1, &warm);
        let second = |second| Some(Duration::from_secs(second));
        assert_eq!((watch.walked, watch.whole), (second(1), second(1)));
        assert_eq!(watch.at(5, &warm), rest);
        assert_eq!((watch.walked, watch.whole), (second(1), second(1)));
        warm.go_on();
        warm.line();
        assert!(watch.at(6, &warm).resident > rest.resident + 20 * MB);
        assert_eq!((watch.walked, watch.whole), (second(6), second(1)));
        watch.at(11, &warm);
        assert_eq!((watch.walked, watch.whole), (second(11), second(11)));
        warm.go_on();
        warm.line();
        assert!(watch.at(12, &warm).resident > rest.resident + 40 * MB);
    }

    #[test]
    fn where_processor_time_is_limited_what_has_come_and_gone_is_seen_at_once() {
        let mut warm =
            Warm::new("echo; read x; sh -c 'while :; do :; done' & echo $!; wait; echo; read x");
        warm.line();
        let limits = Limits {
            cpu_time: Some(Duration::from_secs(1_000)),
            ..Limits::NONE
        };
        let mut watches = [Limits::NONE, limits].map(|limits| Watch::of(&warm, limits));
        let before = watches.each_mut().map(|watch| watch.at(1, &warm).cpu_time);
        warm.go_on();
        let mut busy = Process::new(warm.line().parse().unwrap());
        while busy.times().unwrap().own < Duration::from_millis(100) {
            std::thread::yield_now();
        }
        kill_process(Pid::from_raw(busy.pid as i32).unwrap(), Signal::KILL).unwrap();
        warm.line();
        let [free, limited] = watches.each_mut().map(|watch| watch.at(2, &warm).cpu_time);
        assert!(
            limited > before[1] + Duration::from_millis(20),
            "{limited:?}"
        );
        assert!(free < limited, "{free:?}, {limited:?}");
        // It is not forgotten.
        assert!(watches[0].at(11, &warm).cpu_time >= limited);
    }
}
