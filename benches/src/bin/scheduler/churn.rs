//! The measured steady state: one job ends, what may start starts, as many are submitted.

use std::collections::HashMap;
use std::time::Instant;

use bursar_core::{EscrowPolicy, Ledger, Permit, Rank, Scheduler};

use crate::scan::Scan;
use crate::workload::{DIMENSIONS, POOL, Workload};

/// What one simulated end of a job advances the clock by, in microseconds.
const TICK: u64 = 10_000;

/// Nanoseconds of each call.
#[derive(Default)]
pub(crate) struct Samples {
    pub(crate) submit: Vec<u64>,
    pub(crate) claim: Vec<u64>,
    pub(crate) claim_by_scan: Vec<u64>,
    pub(crate) blocked: usize,
}

/// A full queue over a busy pool.
pub(crate) struct Churn {
    workload: Workload,
    random: fastrand::Rng,
    scheduler: Scheduler,
    scan: Option<Scan>,
    ledger: Ledger<Rank>,
    queued: HashMap<Rank, u32>,
    running: Vec<Permit>,
    now: u64,
}

impl Churn {
    /// Queues `jobs` jobs over `shapes` shapes. With `scan`, the peer runs along and must
    /// choose the same.
    pub(crate) fn new(seed: u64, jobs: usize, shapes: usize, scan: bool) -> Self {
        let policy = EscrowPolicy::default();
        let mut churn = Self {
            workload: Workload::new(seed, shapes),
            random: fastrand::Rng::with_seed(seed ^ 1),
            scheduler: Scheduler::new(DIMENSIONS, policy),
            scan: scan.then(|| Scan::new(policy)),
            ledger: Ledger::new(bursar_core::Amounts::from_slice(&POOL)),
            queued: HashMap::with_capacity(jobs),
            running: Vec::new(),
            now: 0,
        };
        let mut unused = Samples::default();
        (0..jobs).for_each(|_| churn.submit(&mut unused));
        churn
    }

    /// Ends, starts and submits jobs until `claims` calls of `next` were measured.
    pub(crate) fn run(&mut self, claims: usize) -> Samples {
        let mut samples = Samples::default();
        while samples.claim.len() < claims {
            self.end_one();
            while let Some(rank) = self.claim(&mut samples) {
                self.start(rank);
                self.submit(&mut samples);
            }
            samples.blocked += 1;
        }
        samples
    }

    /// From here on the scheduler runs alone.
    pub(crate) fn drop_scan(&mut self) {
        self.scan = None;
    }

    fn end_one(&mut self) {
        self.now += TICK;
        if !self.running.is_empty() {
            let any = self.random.usize(..self.running.len());
            self.ledger.release(self.running.swap_remove(any));
        }
    }

    fn claim(&mut self, samples: &mut Samples) -> Option<Rank> {
        let free = self.ledger.free();
        let (rank, nanos) = timed(|| self.scheduler.next(free, self.now));
        samples.claim.push(nanos);
        if let Some(scan) = &mut self.scan {
            let (same, nanos) = timed(|| scan.next(free, self.now));
            samples.claim_by_scan.push(nanos);
            assert_eq!(rank, same, "the scan chooses otherwise");
        }
        rank
    }

    fn start(&mut self, rank: Rank) {
        let shape = self.queued.remove(&rank).unwrap_or_default();
        let permit = self.ledger.reserve(rank, self.workload.demand(shape));
        assert!(permit.is_some(), "{rank:?} doesn't fit");
        self.running.extend(permit);
    }

    fn submit(&mut self, samples: &mut Samples) {
        let (rank, shape) = self.workload.job();
        let demand = self.workload.demand(shape);
        let ((), nanos) = timed(|| self.scheduler.insert(rank, demand));
        samples.submit.push(nanos);
        if let Some(scan) = &mut self.scan {
            scan.insert(rank, demand);
        }
        self.queued.insert(rank, shape);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the real clock"
)]
fn timed<T>(call: impl FnOnce() -> T) -> (T, u64) {
    let start = Instant::now();
    let value = std::hint::black_box(call());
    (
        value,
        u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX),
    )
}

/// What reading the clock twice adds to each sample, in nanoseconds: the median.
pub(crate) fn clock_cost() -> u64 {
    let mut costs: Vec<u64> = (0..100_001).map(|_| timed(|| ()).1).collect();
    costs.sort_unstable();
    costs[costs.len() / 2]
}
