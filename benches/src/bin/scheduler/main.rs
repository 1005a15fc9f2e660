//! The scheduler alone, in steady state: nanoseconds of a submit and of a claim, with a
//! linear scan over the shapes as peer in the same run.
//!
//! `cargo run --release -p bursar-benches --bin scheduler [-- [--json] [--one-shape]]`

mod churn;
mod report;
mod scan;
mod workload;

use churn::Churn;
use report::{Report, Spread};

const SEED: u64 = 42;
const CLAIMS: usize = 300_000;
/// The scan takes tens of microseconds a call, so fewer are enough.
const CLAIMS_BESIDE_SCAN: usize = 30_000;
const JOBS: [usize; 2] = [100_000, 1_000_000];
const SHAPES: [usize; 3] = [1_000, 5_000, 20_000];

fn main() {
    let asked = |option: &str| std::env::args().any(|argument| argument == option);
    let report = Report::new(asked("--json"));
    if !asked("--one-shape") {
        steady_state(&report);
    }
    pingpong::measure(&report);
}

fn steady_state(report: &Report) {
    let clock = churn::clock_cost();
    report.begin(clock);
    for shapes in SHAPES {
        let claims = JOBS.map(|jobs| measure(report, clock, jobs, shapes));
        report.growth(shapes, &claims[0], &claims[1]);
    }
}

/// One row: fills the queue, lets it settle, measures.
fn measure(report: &Report, clock: u64, jobs: usize, shapes: usize) -> Spread {
    let mut churn = Churn::new(SEED, jobs, shapes, true);
    let beside = churn.run(CLAIMS_BESIDE_SCAN);
    let scan = Spread::of(beside.claim_by_scan, clock);
    churn.drop_scan();
    let samples = churn.run(CLAIMS);
    let idle = samples.blocked as f64 / samples.claim.len() as f64;
    let submit = Spread::of(samples.submit, clock);
    let claim = Spread::of(samples.claim, clock);
    report.row(jobs, shapes, &submit, &claim, &scan, idle);
    claim
}

mod pingpong {
    //! One shape, an empty queue: the cost of a job that starts at once.

    use std::hint::black_box;
    use std::time::Instant;

    use bursar_core::{Amounts, EscrowPolicy, Priority, Rank, Scheduler};

    use crate::report::Report;

    const ROUNDS: u64 = 10_000_000;

    #[expect(
        clippy::disallowed_methods,
        reason = "a benchmark reads the real clock"
    )]
    pub(crate) fn measure(report: &Report) {
        let demand = Amounts::from_slice(&[32, 100, 1, 0]);
        let free = Amounts::from_slice(&[256, 1_000, 8, 1]);
        for depth in [0, 1_000_000] {
            let mut scheduler = Scheduler::new(demand.len(), EscrowPolicy::default());
            (0..depth).for_each(|n| scheduler.insert(Rank::new(Priority::Normal, n), &demand));
            let start = Instant::now();
            for n in depth..depth + ROUNDS {
                scheduler.insert(Rank::new(Priority::Normal, n), &demand);
                black_box(scheduler.next(black_box(&free), n));
            }
            let nanos = start.elapsed().as_nanos() as f64 / ROUNDS as f64;
            report.pingpong(depth, nanos);
        }
    }
}
