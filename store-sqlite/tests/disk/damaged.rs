//! Bytes that are flipped in the middle of a page, each page in turn: who comes upon it says what is
//! wrong, where, and what to do.

use bursar_core::{ErrorKind, Store};
use bursar_store_sqlite::Durability;
use bursar_testkit::Seed;
use fastrand::Rng;

use crate::check::read;
use crate::disk::Disk;
use crate::play::{self, Play};
use crate::witness::Witness;

const PAGE: usize = 4_096;

fn filled() -> Vec<u8> {
    let disk = Disk::new();
    let store = play::open(&disk, Durability::Process).unwrap();
    let mut witness = Witness::default();
    for round in [0, 2] {
        let (disk, witness) = (&disk, &mut witness);
        Play {
            disk,
            store: &store,
            witness,
            round,
        }
        .run();
    }
    store.close().wait().unwrap();
    std::fs::read(disk.path()).unwrap()
}

/// Whether anybody comes upon the flaw, and then says what it is.
fn told(disk: &Disk) -> bool {
    let error = match play::open(disk, Durability::Process) {
        Err(error) => error,
        Ok(store) => {
            let error = read(&store).err();
            store.close().wait().unwrap();
            let Some(error) = error else { return false };
            error
        }
    };
    let message = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{message}");
    for part in [disk.path().to_str().unwrap(), "damaged", "backup"] {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
    true
}

/// Flips bytes in each page, and reads everything. How many of the pages were told to be damaged.
fn flip(seed: &Seed, places: impl Fn(usize, &mut Rng) -> Vec<(usize, usize)>) -> usize {
    let (mut random, whole) = (seed.random(), filled());
    let pages = whole.len() / PAGE;
    let mut noticed = 0;
    for page in 0..pages {
        let disk = Disk::new();
        let mut bytes = whole.clone();
        for (at, count) in places(page, &mut random) {
            let flipped = &mut bytes[at..at + count];
            flipped.iter_mut().for_each(|byte| *byte ^= random.u8(1..));
        }
        std::fs::write(disk.path(), &bytes).unwrap();
        noticed += usize::from(told(&disk));
    }
    println!("{noticed} of {pages} damaged pages noticed");
    noticed
}

#[test]
fn the_head_of_a_page_is_damaged() {
    let seed = Seed::from_env();
    let noticed = flip(&seed, |page, _| {
        let head = page * PAGE + if page == 0 { 100 } else { 0 };
        vec![(head, 8)]
    });
    assert!(noticed > 5, "only {noticed} were noticed");
}

#[test]
fn the_middle_of_a_page_is_damaged() {
    let seed = Seed::from_env();
    // Rows lie in the second half. Not all is noticed: a page has no checksum.
    flip(&seed, |page, random| {
        vec![(page * PAGE + random.usize(PAGE / 2..PAGE - 200), 200)]
    });
}
