use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use bursar_core::{Amounts, Ledger, Permit, Priority, Rank};

use crate::policy::Policy;

/// Memory in MB, slots, GPUs.
pub(crate) const DIMENSIONS: usize = 3;
const POOL: [u64; DIMENSIONS] = [256, 64, 2];

const SECOND: u64 = 1_000_000;
/// Five hours, in microseconds.
const END: u64 = 5 * 3_600 * SECOND;
/// So many small jobs are queued at any time.
const SMALL_QUEUED: usize = 80;
const BIG_EVERY: u64 = 60 * SECOND;
const GPU_EVERY: u64 = SECOND;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Small,
    Big,
    Gpu,
}

impl Kind {
    fn demand(self) -> Amounts {
        Amounts::from_slice(match self {
            Self::Small => &[32, 1, 0],
            Self::Big => &[256, 1, 0],
            Self::Gpu => &[0, 1, 1],
        })
    }

    fn duration(self, random: &mut fastrand::Rng) -> u64 {
        match self {
            Self::Small => random.u64(SECOND / 5..2 * SECOND),
            Self::Big => random.u64(SECOND..3 * SECOND),
            Self::Gpu => random.u64(SECOND / 5..SECOND),
        }
    }
}

/// Seconds that jobs of one kind waited; those still queued at the end count until then.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Waits {
    pub(crate) started: u32,
    pub(crate) mean: f64,
    pub(crate) longest: f64,
}

/// What came of a run.
#[derive(Default)]
pub(crate) struct Figures {
    /// The share of the memory that was in use, over the whole time.
    pub(crate) utilization: f64,
    started: BTreeMap<Kind, u32>,
    waited: BTreeMap<Kind, Vec<u64>>,
}

impl Figures {
    pub(crate) fn waits(&self, kind: Kind) -> Waits {
        let waited = self.waited.get(&kind).map_or(&[][..], Vec::as_slice);
        let seconds = |micros: u64| micros as f64 / SECOND as f64;
        Waits {
            started: self.started.get(&kind).copied().unwrap_or(0),
            mean: seconds(waited.iter().sum()) / waited.len() as f64,
            longest: seconds(waited.iter().copied().max().unwrap_or(0)),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrives(Kind),
    Ends(Rank),
}

struct World<'a> {
    policy: &'a mut dyn Policy,
    /// Apart, so that the same jobs arrive at the same times under every policy.
    arrivals: fastrand::Rng,
    durations: fastrand::Rng,
    now: u64,
    sequence: u64,
    events: BinaryHeap<Reverse<(u64, Event)>>,
    ledger: Ledger<Rank>,
    queued: BTreeMap<Rank, (Kind, u64)>,
    running: BTreeMap<Rank, Permit>,
    memory_time: u128,
    figures: Figures,
}

/// Five hours under a policy.
pub(crate) fn simulate(policy: &mut dyn Policy, seed: u64) -> Figures {
    let mut world = World {
        policy,
        arrivals: fastrand::Rng::with_seed(seed),
        durations: fastrand::Rng::with_seed(!seed),
        now: 0,
        sequence: 0,
        events: BinaryHeap::new(),
        ledger: Ledger::new(Amounts::from_slice(&POOL)),
        queued: BTreeMap::new(),
        running: BTreeMap::new(),
        memory_time: 0,
        figures: Figures::default(),
    };
    (0..SMALL_QUEUED).for_each(|_| world.submit(Kind::Small));
    world.arrives(Kind::Big);
    world.arrives(Kind::Gpu);
    world.run();
    world.close()
}

impl World<'_> {
    fn run(&mut self) {
        while let Some(Reverse((time, event))) = self.events.pop()
            && time < END
        {
            self.advance(time);
            match event {
                Event::Arrives(kind) => self.arrives(kind),
                Event::Ends(rank) => self.ends(rank),
            }
            while let Some(rank) = self.policy.next(self.ledger.free(), self.now) {
                self.start(rank);
            }
        }
        self.advance(END);
    }

    fn advance(&mut self, time: u64) {
        self.memory_time += u128::from(time - self.now) * u128::from(self.ledger.granted()[0]);
        self.now = time;
    }

    fn arrives(&mut self, kind: Kind) {
        self.submit(kind);
        let every = if kind == Kind::Big {
            BIG_EVERY
        } else {
            GPU_EVERY
        };
        let next = self.now + self.arrivals.u64(every / 2..every * 3 / 2);
        self.events.push(Reverse((next, Event::Arrives(kind))));
    }

    fn submit(&mut self, kind: Kind) {
        self.sequence += 1;
        let rank = Rank::new(Priority::Normal, self.sequence);
        self.policy.insert(rank, &kind.demand());
        self.queued.insert(rank, (kind, self.now));
    }

    fn start(&mut self, rank: Rank) {
        let job = self.queued.remove(&rank);
        let permit = job.and_then(|(kind, _)| self.ledger.reserve(rank, &kind.demand()));
        let (Some((kind, since)), Some(permit)) = (job, permit) else {
            unreachable!("{rank:?} isn't queued or doesn't fit");
        };
        self.running.insert(rank, permit);
        let end = self.now + kind.duration(&mut self.durations);
        self.events.push(Reverse((end, Event::Ends(rank))));
        self.waited(kind, since);
        *self.figures.started.entry(kind).or_default() += 1;
        if kind == Kind::Small {
            self.submit(Kind::Small);
        }
    }

    fn ends(&mut self, rank: Rank) {
        let permit = self.running.remove(&rank);
        assert!(permit.is_some_and(|permit| self.ledger.release(permit)));
    }

    fn waited(&mut self, kind: Kind, since: u64) {
        let waited = self.figures.waited.entry(kind).or_default();
        waited.push(self.now - since);
    }

    fn close(mut self) -> Figures {
        for (kind, since) in std::mem::take(&mut self.queued).into_values() {
            self.waited(kind, since);
        }
        self.figures.utilization = self.memory_time as f64 / (END * POOL[0]) as f64;
        self.figures
    }
}
