//! What escrow is for, in simulation: five hours of an endless stream of small jobs, big
//! ones that need the whole memory, and jobs that need none of it but a GPU.
//!
//! `cargo test -p bursar-testkit --test starvation -- --nocapture` prints the table.

mod policy;
mod world;

use bursar_core::EscrowPolicy;
use bursar_testkit::Seed;

use policy::{Backfill, InOrder, Policy};
use world::{Figures, Kind, simulate};

const GREEDY: EscrowPolicy = EscrowPolicy {
    passes: u32::MAX,
    patience_micros: u64::MAX,
};

fn row(name: &str, policy: &mut dyn Policy, seed: u64) -> Figures {
    let figures = simulate(policy, seed);
    let (big, gpu) = (figures.waits(Kind::Big), figures.waits(Kind::Gpu));
    println!(
        "{name:<22} {:>6.1}% {:>6} {:>9.2}s {:>9.2}s {:>9.2}s {:>9.2}s",
        figures.utilization * 100.0,
        big.started,
        big.mean,
        big.longest,
        gpu.mean,
        gpu.longest,
    );
    figures
}

#[test]
fn escrow_neither_starves_big_jobs_nor_wastes_the_pool() {
    let seed = Seed::from_env_or(42);
    println!("policy                 memory    big  mean wait   longest   gpu mean    longest");
    let in_order = row("strict order", &mut InOrder::default(), seed.get());
    let greedy = row("greedy backfill", &mut Backfill::new(GREEDY), seed.get());
    let hold = row(
        "strict (K = T = 0)",
        &mut Backfill::new(EscrowPolicy::strict()),
        seed.get(),
    );
    let escrow = row(
        "escrow (K = 64, 10 s)",
        &mut Backfill::new(EscrowPolicy::default()),
        seed.get(),
    );

    for held in [&escrow, &hold] {
        assert!(held.utilization > in_order.utilization - 0.02);
        assert!(held.waits(Kind::Gpu).mean * 20.0 < in_order.waits(Kind::Gpu).mean);
        assert!(held.waits(Kind::Gpu).mean < 0.5);
    }
    let (patient, starving) = (escrow.waits(Kind::Big), greedy.waits(Kind::Big));
    assert!(patient.longest < 40.0, "{patient:?}");
    assert!(starving.longest > 200.0 * patient.longest, "{starving:?}");
    // One may be waiting at the end.
    assert!(patient.started + 1 >= in_order.waits(Kind::Big).started);
    assert!(starving.started * 10 < patient.started, "{starving:?}");
}
