//! Random use of engines with real executors and real time, from several threads at once. When it is
//! over, every promise about jobs and the budget must hold.

mod lanes;
mod player;
mod referee;
mod tasks;
mod world;

use std::sync::Arc;

use bursar_core::{MemoryOptions, MemoryStore, Store};
use bursar_store_sqlite::{SqliteOptions, SqliteStore};
use bursar_testkit::stores::{KeptStore, LateStore};
use bursar_testkit::{Folder, Seed};
use world::World;

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new(MemoryOptions {
        max_results: 1_000_000,
        ..MemoryOptions::default()
    }))
}

/// Synced at every commit.
#[expect(clippy::unwrap_used, reason = "a helper of tests")]
fn file() -> Arc<dyn Store> {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.join("jobs.db"), SqliteOptions::default()).unwrap();
    Arc::new(KeptStore::new(Arc::new(store), folder))
}

/// Plays, then checks.
fn torture(store: Arc<dyn Store>, seed: &Seed, steps: usize) -> World {
    let world = World::new(store, seed.get());
    let tickets = player::play(&world, seed.get(), steps);
    world.drain();
    referee::check(&world, &tickets);
    world
}

#[test]
fn over_a_store_that_answers_at_once() {
    let world = torture(memory(), &Seed::from_env(), 3_000);
    referee::jobs_followed_each_other(&world);
}

#[test]
fn over_a_store_that_answers_late() {
    let seed = Seed::from_env();
    torture(Arc::new(LateStore::new(memory(), seed.get())), &seed, 700);
}

#[test]
fn over_a_store_in_a_file() {
    torture(file(), &Seed::from_env(), 2_000);
}

#[test]
fn with_an_end_in_the_middle() {
    let seed = Seed::from_env();
    for round in 0..9 {
        let store: Arc<dyn Store> = match round % 3 {
            0 => memory(),
            1 => Arc::new(LateStore::new(memory(), seed.get())),
            _ => file(),
        };
        let world = World::new(store, seed.get());
        let tickets = player::play_until_shutdown(&world, seed.get().wrapping_add(round));
        referee::everybody_was_told(&tickets);
        world.budget.nobody_is_inside();
    }
}
