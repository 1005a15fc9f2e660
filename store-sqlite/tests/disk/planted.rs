//! The checks themselves: a sync that is left out is found.

use bursar_store_sqlite::Durability;
use bursar_testkit::Seed;

use crate::power::{Day, Promise, lose_power};

#[test]
fn a_commit_that_is_not_synced_is_found() {
    let seed = Seed::from_env();
    // Says that it waits for the disk, and doesn't.
    let mut day = Day::begin();
    day.work(Durability::Process, 0..1);
    let day = day.ends();
    let tried = lose_power(&day, Promise::All, &mut seed.random());
    assert!(!tried.losses.is_empty(), "a missing sync was not noticed");
    println!(
        "a commit without a sync: found in {} of {} images",
        tried.losses.len(),
        tried.images
    );
}

#[test]
fn a_disk_that_lies_is_found() {
    let seed = Seed::from_env();
    let mut day = Day::begin();
    day.disk.lie();
    day.work(Durability::Full, 0..1);
    let day = day.ends();
    let tried = lose_power(&day, Promise::All, &mut seed.random());
    let noticed = tried.losses.len() + tried.flaws.len();
    assert!(noticed > 0, "a missing sync was not noticed");
    println!(
        "a disk that lies: found in {noticed} of {} images",
        tried.images
    );
}
