use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const MB: u64 = 1_000_000;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// One tree, and what it is seen to use.
struct Scene {
    policy: Policy,
    now: Duration,
    sample: Sample,
    told: Vec<Action>,
}

impl Scene {
    fn new(limits: Limits) -> Self {
        let sample = Sample {
            room: u64::MAX,
            ..Sample::default()
        };
        Self {
            policy: Policy::new(limits, (64 * MB, 500), Duration::ZERO, SECOND),
            now: Duration::ZERO,
            sample,
            told: Vec::new(),
        }
    }

    /// Looks after so many milliseconds, closer where it is asked to.
    fn look(&mut self, after: u64, change: impl FnOnce(&mut Sample)) -> Duration {
        self.now += millis(after);
        change(&mut self.sample);
        let mut step = self.policy.observe(self.now, &self.sample);
        if step.actions.contains(&Action::LookCloser) {
            let proportional = Some(self.sample.proportional.unwrap_or(self.sample.resident));
            let sample = Sample {
                proportional,
                ..self.sample
            };
            step = self.policy.observe(self.now, &sample);
        }
        self.told.extend(step.actions);
        step.next
    }

    fn stopped(&self) -> Option<(Resource, bool)> {
        self.told.iter().find_map(|action| match action {
            Action::Stop(breach, at_once) => Some((breach.resource, *at_once)),
            _ => None,
        })
    }

    fn notices(&self) -> Vec<(Resource, NoticeKind)> {
        let notice = |action: &Action| match action {
            Action::Tell(notice) => Some((notice.resource, notice.kind)),
            _ => None,
        };
        self.told.iter().filter_map(notice).collect()
    }
}

fn memory(limit: u64) -> Limits {
    Limits {
        memory: Some(limit),
        ..Limits::NONE
    }
}

#[test]
fn below_and_at_the_limit_nothing_happens_but_a_word_at_90_percent() {
    let mut scene = Scene::new(memory(100 * MB));
    scene.look(20, |sample| sample.resident = 89 * MB);
    assert_eq!(scene.told, []);
    for _ in 0..100 {
        scene.look(100, |sample| sample.resident = 100 * MB);
    }
    assert_eq!(scene.notices(), [(Resource::Memory, NoticeKind::Near)]);
    assert_eq!(scene.stopped(), None);
}

#[test]
fn the_word_is_said_again_only_after_it_was_far() {
    let mut scene = Scene::new(memory(100 * MB));
    for megabytes in [90, 89, 90, 85, 95, 79, 90, 60, 91] {
        scene.look(20, |sample| sample.resident = megabytes * MB);
    }
    assert_eq!(scene.notices().len(), 3);
}

#[test]
fn above_the_limit_there_are_500_milliseconds() {
    let mut scene = Scene::new(memory(100 * MB));
    scene.look(1_000, |sample| sample.resident = 101 * MB);
    scene.look(499, |_| {});
    assert_eq!(scene.stopped(), None);
    scene.look(1, |_| {});
    assert_eq!(scene.stopped(), Some((Resource::Memory, false)));
    let count = scene.told.len();
    scene.look(1_000, |_| {});
    assert_eq!(scene.told.len(), count, "it is stopped once");
}

#[test]
fn who_comes_back_below_has_500_milliseconds_again() {
    let mut scene = Scene::new(memory(100 * MB));
    for megabytes in [101, 99, 101, 100, 101] {
        scene.look(400, |sample| sample.resident = megabytes * MB);
    }
    assert_eq!(scene.stopped(), None);
}

#[test]
fn above_twice_the_limit_or_without_room_there_is_no_time() {
    let mut scene = Scene::new(memory(100 * MB));
    scene.look(20, |sample| sample.resident = 203 * MB);
    assert_eq!(scene.stopped(), Some((Resource::Memory, true)));
    let mut scene = Scene::new(memory(100 * MB));
    scene.look(1_000, |sample| sample.resident = 10 * MB);
    // 100 MB a second: in 500 ms it needs 50 MB more.
    scene.look(1_000, |sample| {
        (sample.resident, sample.room) = (110 * MB, 50 * MB);
    });
    assert_eq!(scene.stopped(), Some((Resource::Memory, true)));
}

#[test]
fn nothing_allowed_is_nothing() {
    let nothing = Limits {
        memory: Some(0),
        cpu: Some(0),
        cpu_action: CpuAction::Stop,
        cpu_time: Some(Duration::ZERO),
        files: Some(0),
        connections: Some(0),
    };
    let mut scene = Scene::new(nothing);
    scene.look(1_000, |_| {});
    assert_eq!(scene.told, [], "who uses nothing is within it");
    type Uses = fn(&mut Sample);
    let uses: [(Resource, Uses); 5] = [
        (Resource::Memory, |sample| sample.resident = 1),
        (Resource::Cpu, |sample| sample.cpu_time = millis(10)),
        (Resource::CpuTime, |sample| sample.cpu_time = millis(10)),
        (Resource::Files, |sample| sample.files = 1),
        (Resource::Connections, |sample| sample.connections = 1),
    ];
    for (resource, uses) in uses {
        let mut limits = Limits::NONE;
        match resource {
            Resource::Memory => limits.memory = nothing.memory,
            Resource::Cpu => (limits.cpu, limits.cpu_action) = (nothing.cpu, nothing.cpu_action),
            Resource::CpuTime => limits.cpu_time = nothing.cpu_time,
            Resource::Files => limits.files = nothing.files,
            Resource::Connections => limits.connections = nothing.connections,
        }
        let mut scene = Scene::new(limits);
        scene.look(100, uses);
        scene.look(500, |_| {});
        assert_eq!(
            scene.stopped().map(|(resource, _)| resource),
            Some(resource)
        );
    }
}

#[test]
fn what_is_not_limited_is_let_alone() {
    let mut scene = Scene::new(Limits::NONE);
    for _ in 0..20 {
        scene.look(1_000, |sample| {
            sample.resident = u64::MAX;
            sample.cpu_time += SECOND * 64;
            (sample.files, sample.connections) = (u64::MAX, u64::MAX);
        });
    }
    assert_eq!(scene.told, []);
}

#[test]
fn memory_that_is_shared_counts_once() {
    let mut scene = Scene::new(memory(100 * MB));
    // Three processes of 60 MB, of which 50 are the same.
    for _ in 0..20 {
        scene.look(100, |sample| {
            (sample.resident, sample.proportional) = (180 * MB, Some(80 * MB));
        });
        scene.sample.proportional = None;
    }
    assert_eq!(scene.told.len(), 0, "{:?}", scene.told);
    // Between two closer looks, what is known of what they share still counts.
    assert_eq!(scene.policy.memory(&scene.sample), 80 * MB);
}

#[test]
fn memory_that_was_shared_counts_when_it_no_longer_is() {
    let mut scene = Scene::new(memory(100 * MB));
    scene.look(100, |sample| {
        (sample.resident, sample.proportional) = (180 * MB, Some(80 * MB))
    });
    // Two of three have ended, and the last one grows by itself.
    scene.look(1_000, |sample| {
        (sample.resident, sample.proportional) = (60 * MB, None)
    });
    assert_eq!(scene.policy.memory(&scene.sample), 60 * MB);
    for _ in 0..10 {
        scene.look(100, |sample| sample.resident = 150 * MB);
    }
    assert_eq!(scene.stopped(), Some((Resource::Memory, false)));
    // And where they end while all of them are near the limit.
    let mut scene = Scene::new(memory(100 * MB));
    scene.look(100, |sample| {
        (sample.resident, sample.proportional) = (280 * MB, Some(80 * MB))
    });
    for _ in 0..20 {
        scene.look(100, |sample| {
            (sample.resident, sample.proportional) = (150 * MB, None)
        });
    }
    assert_eq!(scene.stopped(), Some((Resource::Memory, false)));
}

#[test]
fn use_of_processors_is_averaged_over_five_seconds() {
    let limits = |cpu_action| Limits {
        cpu: Some(500),
        cpu_action,
        ..Limits::NONE
    };
    let run = |action, seconds: u64| {
        let mut scene = Scene::new(limits(action));
        for _ in 0..seconds * 10 {
            scene.look(100, |sample| sample.cpu_time += millis(100));
        }
        scene
    };
    assert_eq!(run(CpuAction::Stop, 2).told, []);
    let stopped = run(CpuAction::Stop, 4);
    assert_eq!(stopped.stopped(), Some((Resource::Cpu, false)));
    let warned = run(CpuAction::Warn, 60);
    let kinds = [NoticeKind::Near, NoticeKind::Over].map(|kind| (Resource::Cpu, kind));
    assert_eq!((warned.notices(), warned.stopped()), (kinds.to_vec(), None));
    // Without a brake, it can only be told of.
    let without = run(CpuAction::Throttle, 60);
    assert_eq!(
        (without.notices(), without.stopped()),
        (kinds.to_vec(), None)
    );
}

#[test]
fn a_total_of_processor_time_has_no_grace() {
    let limits = Limits {
        cpu_time: Some(SECOND * 2),
        ..Limits::NONE
    };
    let mut scene = Scene::new(limits);
    let next = scene.look(1_900, |sample| sample.cpu_time = millis(1_900));
    assert!(next <= millis(100), "{next:?}");
    scene.look(100, |sample| sample.cpu_time = SECOND * 2);
    assert_eq!(scene.stopped(), None);
    scene.look(20, |sample| sample.cpu_time = millis(2_010));
    assert_eq!(scene.stopped(), Some((Resource::CpuTime, false)));
}

#[test]
fn a_tree_at_rest_is_looked_at_once_a_second_and_a_new_one_often() {
    let mut scene = Scene::new(memory(100 * MB));
    let pauses: Vec<Duration> = (0..8)
        .map(|_| scene.look(100, |sample| sample.resident = MB))
        .collect();
    assert_eq!(pauses[0], millis(40));
    assert_eq!(pauses[7], SECOND);
    let next = scene.look(1_000, |sample| sample.resident = 51 * MB);
    // 50 MB a second, and 49 MB left.
    assert!((millis(240)..millis(250)).contains(&next), "{next:?}");
    let next = scene.look(1_000, |sample| sample.resident = 95 * MB);
    assert!(next <= millis(50), "{next:?}");
}

/// Runs a tree that always wants `cores`, frozen and thawed, and gives what it got per second.
fn throttled(milli: u64, cores: f64, seconds: u64, jitter: &[u64]) -> f64 {
    let limits = Limits {
        cpu: Some(milli),
        ..Limits::NONE
    };
    let mut policy = Policy::new(limits, (0, milli), Duration::ZERO, SECOND);
    policy.can_brake(Duration::ZERO, Duration::ZERO);
    let (mut now, mut cpu, mut frozen) = (Duration::ZERO, Duration::ZERO, false);
    let mut late = jitter.iter().cycle();
    let mut next = millis(20);
    while now < SECOND * seconds as u32 {
        let pass = next + millis(*late.next().unwrap_or(&0));
        now += pass;
        if !frozen {
            cpu += pass.mul_f64(cores);
        }
        let sample = Sample {
            cpu_time: cpu,
            room: u64::MAX,
            ..Sample::default()
        };
        let step = policy.observe(now, &sample);
        for action in &step.actions {
            match action {
                Action::Freeze => frozen = true,
                Action::Thaw => frozen = false,
                Action::Tell(notice) => assert_eq!(notice.kind, NoticeKind::Slowed),
                other => panic!("{other:?}"),
            }
        }
        next = step.next;
    }
    cpu.as_secs_f64() / now.as_secs_f64()
}

#[test]
fn a_throttled_tree_gets_its_share() {
    for milli in [50, 250, 500, 1_000, 1_500] {
        let got = throttled(milli, 2.0, 30, &[0]);
        let share = milli as f64 / 1_000.0;
        assert!((share * 0.9..share * 1.1).contains(&got), "{milli}: {got}");
    }
    let got = throttled(1_000, 0.5, 30, &[0]);
    assert!(
        (0.49..=0.51).contains(&got),
        "who wants less is let alone: {got}"
    );
}

proptest! {
    /// Whatever a tree does: below its limits it is never stopped; above them, looked at when it is
    /// to be, it is within the grace and one look more; and it is stopped once.
    #[test]
    fn only_who_is_above_is_stopped_and_soon(
        limit in 1..1_000_u64,
        uses in prop::collection::vec(0..2_000_u64, 1..200),
    ) {
        let mut scene = Scene::new(Limits { files: Some(limit as u32), ..Limits::NONE });
        let mut pause = millis(20);
        let mut over_since = None;
        for files in uses {
            let passed = u64::try_from(pause.as_millis()).unwrap();
            pause = scene.look(passed, |sample| sample.files = files);
            prop_assert!(pause >= millis(20) && pause <= SECOND);
            let was_over = over_since;
            over_since = (files > limit).then(|| over_since.unwrap_or(scene.now));
            if scene.stopped().is_some() {
                prop_assert!(files > limit);
                prop_assert!(scene.now - was_over.unwrap_or(scene.now) >= GRACE);
                break;
            }
            if let Some(since) = over_since {
                prop_assert!(scene.now - since < GRACE);
                prop_assert!(pause <= GRACE.max(millis(20)));
            }
        }
        let stops = scene.told.iter().filter(|action| matches!(action, Action::Stop(..)));
        prop_assert!(stops.count() <= 1);
    }

    /// However late the looks come, a throttled tree gets its share and no more.
    #[test]
    fn debts_are_slept_off(
        milli in 50..1_900_u64,
        jitter in prop::collection::vec(0..300_u64, 1..20),
    ) {
        let got = throttled(milli, 2.0, 120, &jitter);
        let share = milli as f64 / 1_000.0;
        // What ran before the last freeze isn't slept off yet.
        prop_assert!(got <= share * 1.05 + 0.02, "{} of {}", got, share);
    }
}
