//! The choice among queued jobs of one shape.

use bursar_core::{Amounts, EscrowPolicy, Priority, Rank, Scheduler};
use divan::{Bencher, black_box};

use crate::CALLS;

/// One job comes, the best one goes; so many others wait.
#[divan::bench(args = [0, 100_000], sample_size = CALLS)]
fn insert_and_next(bencher: Bencher, waiting: u64) {
    let (demand, free) = amounts();
    let mut scheduler = Scheduler::new(demand.len(), EscrowPolicy::default());
    let mut sequence = 0;
    let mut rank = || {
        sequence += 1;
        Rank::new(Priority::Normal, sequence)
    };
    (0..waiting).for_each(|_| scheduler.insert(rank(), &demand));
    bencher.bench_local(|| {
        scheduler.insert(rank(), black_box(&demand));
        scheduler.next(black_box(&free), 0)
    });
}

/// Memory in MB, milli-CPUs, slots.
fn amounts() -> (Amounts, Amounts) {
    (
        Amounts::from_slice(&[32, 100, 1]),
        Amounts::from_slice(&[256, 1_000, 8]),
    )
}
