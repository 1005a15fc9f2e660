//! The scheduler and the ledger against models that are too simple to be wrong: the same
//! choice for the same state, always.

mod duel;
mod referee;
mod step;

use bursar_core::EscrowPolicy;
use bursar_testkit::Seed;
use proptest::prelude::*;

use duel::Duel;
use step::Step;

/// Small limits, so that holds are common.
const IMPATIENT: EscrowPolicy = EscrowPolicy {
    passes: 12,
    patience_micros: 2_000,
};

fn play(policy: EscrowPolicy, steps: impl IntoIterator<Item = Step>) -> Duel {
    let mut duel = Duel::new(policy);
    for step in steps {
        duel.play(step);
    }
    duel
}

#[test]
fn a_million_random_steps_make_the_same_choices() {
    let seed = Seed::from_env();
    let mut random = seed.random();
    let duel = play(IMPATIENT, (0..1_000_000).map(|_| Step::random(&mut random)));
    let tally = duel.tally();
    println!("seed {}: {tally:?}", seed.get());
    // Otherwise the million steps didn't go where the rules bite.
    assert!(tally.started > 50_000 && tally.passed > 10_000, "{tally:?}");
    assert!(
        tally.held > 1_000 && tally.held_heads_at_once > 1,
        "{tally:?}"
    );
    assert!(
        tally.overdrawn > 1_000 && tally.cancelled > 10_000 && tally.followed > 300,
        "{tally:?}"
    );
}

#[test]
fn other_policies_make_the_same_choices_too() {
    let seed = Seed::from_env();
    let mut random = seed.random();
    let greedy = EscrowPolicy {
        passes: u32::MAX,
        patience_micros: u64::MAX,
    };
    for policy in [EscrowPolicy::strict(), EscrowPolicy::default(), greedy] {
        play(policy, (0..50_000).map(|_| Step::random(&mut random)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// As the long run, but a failure is shrunk to the few steps that matter.
    #[test]
    fn any_steps_make_the_same_choices(
        passes in 0u32..5,
        patience_micros in 0u64..500,
        seeds in prop::collection::vec(any::<u64>(), 0..200),
    ) {
        let steps = seeds.into_iter().map(|seed| Step::random(&mut fastrand::Rng::with_seed(seed)));
        play(EscrowPolicy { passes, patience_micros }, steps);
    }
}
