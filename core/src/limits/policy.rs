//! What is to be done about what a tree uses: pure. It is told the time and what was seen, and says what to
//! do and when to look again.

mod level;
mod pace;
mod throttle;
mod window;

#[cfg(test)]
mod tests;

use std::time::Duration;

use smallvec::SmallVec;

use crate::clock::micros;
use crate::limits::{Breach, CpuAction, Limits, Notice, NoticeKind, Resource};

use level::{Level, Seen};
use pace::Pace;
use throttle::Throttle;
use window::Window;

/// How long an attempt may stay above a limit before it is stopped.
pub(crate) const GRACE: Duration = Duration::from_millis(500);

/// How old what is known of shared memory may be, near the limit and where only what is counted several
/// times is.
const CLOSE_LOOK: Duration = Duration::from_millis(250);
const LOOK: Duration = Duration::from_millis(900);

/// How much a tree was seen to use since it is watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    /// The resident memory of all its processes, what they share counted for each.
    pub(crate) resident: u64,
    /// Their memory with what they share counted once, where it was looked at.
    pub(crate) proportional: Option<u64>,
    /// Their processor time.
    pub(crate) cpu_time: Duration,
    /// Their open descriptors, where those matter.
    pub(crate) files: u64,
    /// Their open sockets, where those matter.
    pub(crate) connections: u64,
    /// How much more memory the engine may use in all.
    pub(crate) room: u64,
}

/// Something to do about a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Looks again at once, with shared memory counted once.
    LookCloser,
    /// Says that a limit is near, or passed.
    Tell(Notice),
    /// Stops the attempt; with force where there is no time to ask.
    Stop(Breach, bool),
    /// Stops the tree where it stands.
    Freeze,
    /// Lets it run on.
    Thaw,
}

/// What to do, and how long until the next look.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) actions: SmallVec<[Action; 2]>,
    pub(crate) next: Duration,
}

/// Judges the tree of one attempt.
#[derive(Debug)]
pub(crate) struct Policy {
    limits: Limits,
    /// The memory and the thousandths of a core that are reserved.
    requested: (u64, u64),
    levels: [Level; Resource::ALL.len()],
    window: Window,
    throttle: Option<Throttle>,
    pace: Pace,
    /// Memory that is counted more than once in what is resident, and when that was found.
    shared: Option<(u64, Duration)>,
    stopped: bool,
}

impl Policy {
    /// For a tree that is watched from `now` on, at least every `rest`.
    pub(crate) fn new(
        limits: Limits,
        requested: (u64, u64),
        now: Duration,
        rest: Duration,
    ) -> Self {
        Self {
            limits,
            requested,
            levels: [Level::default(); Resource::ALL.len()],
            window: Window::new(now),
            throttle: None,
            pace: Pace::new(rest),
            shared: None,
            stopped: false,
        }
    }

    /// The tree can be frozen: above its limit of cpu it is slowed down, where that is asked for.
    pub(crate) fn can_brake(&mut self, now: Duration, cpu_time: Duration) {
        if let (Some(milli), CpuAction::Throttle) = (self.limits.cpu, self.limits.cpu_action) {
            self.throttle = Some(Throttle::new(milli, now, cpu_time));
        }
    }

    /// Whether nothing is about to happen.
    pub(crate) fn is_calm(&self) -> bool {
        self.throttle.is_none() && self.pace.is_at_rest()
    }

    /// What the tree may use.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What the tree is known to use: what its processes share counted once, as far as that is known.
    pub(crate) fn memory(&self, sample: &Sample) -> u64 {
        let shared = self.shared.map_or(0, |(shared, _)| shared);
        let known = sample.resident.saturating_sub(shared);
        sample.proportional.unwrap_or(known)
    }

    /// What to do about what was seen at `now`.
    pub(crate) fn observe(&mut self, now: Duration, sample: &Sample) -> Step {
        let mut actions = SmallVec::new();
        if let Some(proportional) = sample.proportional {
            self.shared = Some((sample.resident.saturating_sub(proportional), now));
        } else if !self.is_near(sample.resident) {
            // What ends takes its share along, and what comes may share nothing.
            self.shared = None;
        }
        let memory = self.memory(sample);
        let grows = self.pace.grows(now, memory);
        if self.must_look_closer(now, sample.resident, memory) {
            actions.push(Action::LookCloser);
            return Step {
                actions,
                next: Duration::ZERO,
            };
        }
        let cpu = self.window.observe(now, sample.cpu_time);
        if !self.stopped {
            let used = [
                memory,
                cpu,
                micros(sample.cpu_time),
                sample.files,
                sample.connections,
            ];
            self.judge(
                now,
                used,
                |used, limit| used / 2 > limit || grows.saturating_mul(GRACE) >= sample.room,
                &mut actions,
            );
            self.brake(now, sample.cpu_time, &mut actions);
        }
        let next = self.next(now, memory, sample);
        Step { actions, next }
    }

    fn must_look_closer(&self, now: Duration, resident: u64, memory: u64) -> bool {
        let age = if self.is_near(memory) {
            CLOSE_LOOK
        } else {
            LOOK
        };
        let fresh = |(_, at): (u64, Duration)| now.saturating_sub(at) < age;
        self.is_near(resident) && !self.shared.is_some_and(fresh)
    }

    fn is_near(&self, memory: u64) -> bool {
        let limit = self.limits.memory;
        limit.is_some_and(|limit| level::is_near(memory, limit))
    }

    /// Holds what is used against the limits.
    fn judge(
        &mut self,
        now: Duration,
        used: [u64; Resource::ALL.len()],
        urgent: impl Fn(u64, u64) -> bool,
        actions: &mut SmallVec<[Action; 2]>,
    ) {
        for (index, resource) in Resource::ALL.into_iter().enumerate() {
            let Some(limit) = self.limit_of(resource) else {
                continue;
            };
            let urgent = resource == Resource::Memory && urgent(used[index], limit);
            // What was used of a total can't be given back, so there is nothing to wait for.
            let grace = if urgent || resource == Resource::CpuTime {
                Duration::ZERO
            } else {
                GRACE
            };
            let seen = self.levels[index].observe(now, used[index], limit, grace);
            let notice = |kind| {
                Action::Tell(Notice {
                    resource,
                    used: used[index],
                    limit,
                    kind,
                })
            };
            match seen {
                Seen::Fine => {}
                Seen::Near => actions.push(notice(NoticeKind::Near)),
                Seen::Over if self.only_warns(resource) => {
                    actions.push(notice(NoticeKind::Over));
                }
                Seen::Over => {
                    return self.stop(index, resource, limit, used[index], urgent, actions);
                }
            }
        }
    }

    fn stop(
        &mut self,
        index: usize,
        resource: Resource,
        limit: u64,
        used: u64,
        urgent: bool,
        actions: &mut SmallVec<[Action; 2]>,
    ) {
        self.stopped = true;
        if self
            .throttle
            .take()
            .is_some_and(|throttle| throttle.is_frozen())
        {
            actions.push(Action::Thaw);
        }
        let requested = match resource {
            Resource::Memory => self.requested.0,
            Resource::Cpu => self.requested.1,
            _ => 0,
        };
        let peak = self.levels[index].peak();
        let breach = Breach {
            resource,
            used,
            limit,
            requested,
            peak,
        };
        actions.push(Action::Stop(breach, urgent));
    }

    fn brake(&mut self, now: Duration, cpu_time: Duration, actions: &mut SmallVec<[Action; 2]>) {
        let Some(throttle) = &mut self.throttle else {
            return;
        };
        let Some(freeze) = throttle.observe(now, cpu_time) else {
            return;
        };
        if let Some(used) = throttle.begins() {
            let (resource, kind) = (Resource::Cpu, NoticeKind::Slowed);
            let limit = self.limits.cpu.unwrap_or_default();
            actions.push(Action::Tell(Notice {
                resource,
                used,
                limit,
                kind,
            }));
        }
        actions.push(if freeze { Action::Freeze } else { Action::Thaw });
    }

    fn limit_of(&self, resource: Resource) -> Option<u64> {
        let limits = &self.limits;
        match resource {
            Resource::Memory => limits.memory,
            // What slows it down holds it to its limit.
            Resource::Cpu => limits.cpu.filter(|_| self.throttle.is_none()),
            Resource::CpuTime => limits.cpu_time.map(micros),
            Resource::Files => limits.files.map(u64::from),
            Resource::Connections => limits.connections.map(u64::from),
        }
    }

    fn only_warns(&self, resource: Resource) -> bool {
        resource == Resource::Cpu && self.limits.cpu_action != CpuAction::Stop
    }

    fn next(&mut self, now: Duration, memory: u64, sample: &Sample) -> Duration {
        let levels = Resource::ALL.into_iter().zip(self.levels);
        let over = levels.filter(|(resource, _)| self.limit_of(*resource).is_some());
        let graces = over.filter_map(|(_, level)| level.until(now, GRACE));
        let throttle = self.throttle.as_ref().map(Throttle::next);
        let total = self.limits.cpu_time;
        let left = total.map(|limit| limit.saturating_sub(sample.cpu_time));
        let soonest = graces.chain(throttle).chain(left).min();
        self.pace.next(memory, self.limits.memory, soonest)
    }
}
