//! Random requests: a store and the [`Model`](super::Model) must give the same answers, and look
//! the same all the way; threads must not break what one thread keeps.

mod duel;
mod requests;
mod threads;

use std::time::Duration;

use super::probe::{Maker, Settings};
use crate::Seed;
use duel::Duel;

/// How many requests one trace has.
const STEPS: usize = 1_500;

/// How many traces are run.
const TRACES: u64 = 12;

/// Settings small enough for every bound to be met.
const TIGHT: Settings = Settings {
    result_ttl: Duration::from_secs(40),
    max_results: 6,
};

/// The store's every answer, and all that can be seen of it after each, is the model's.
pub fn random_requests_give_the_answers_of_the_model(make: Maker<'_>) {
    let seed = Seed::from_env();
    for trace in 0..TRACES {
        let mut duel = Duel::new(make, TIGHT, seed.get().wrapping_add(trace));
        for _ in 0..STEPS {
            duel.step();
        }
        duel.compare_all();
    }
}

/// Everything that can be seen of a store that is given the requests of the trace `seed`. Stores
/// that give their jobs the same ids show the same.
#[must_use]
pub fn observe(make: Maker<'_>, seed: u64) -> Vec<String> {
    let unbounded = Settings {
        max_results: usize::MAX,
        ..TIGHT
    };
    let mut duel = Duel::new(make, unbounded, seed);
    for _ in 0..STEPS {
        duel.step();
    }
    duel.compare_all();
    duel.into_seen()
}

/// Whatever threads do at once: each job accepted is there, has one end at most, and its attempts
/// are numbered without gaps.
pub fn random_requests_from_threads_keep_every_promise(make: Maker<'_>) {
    let seed = Seed::from_env();
    threads::torture(make, seed.get());
}
