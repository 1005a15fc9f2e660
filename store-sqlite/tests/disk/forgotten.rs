//! A sync that fails once: the system forgets what it could not write, and says of the next one that
//! it succeeded (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020).

use bursar_core::Store;
use bursar_store_sqlite::{Durability, SqliteStore};
use fastrand::Rng;

use crate::check::found;
use crate::disk::{Act, Disk, Fault, Plan};
use crate::image::{Image, Loss, place};
use crate::play::{self, Play};
use crate::witness::Witness;

fn submit(disk: &Disk, store: &SqliteStore, witness: &mut Witness) -> bool {
    let round = 0;
    let mut play = Play {
        disk,
        store,
        witness,
        round,
    };
    play.begin().is_some()
}

/// What is there after a power loss at the end of what was recorded.
fn after_power_loss(disk: &Disk) -> Disk {
    let mut image = Image::default();
    for event in disk.recorded() {
        image.apply(&event);
    }
    let files = image.after(Loss::All, &mut Rng::with_seed(0));
    let other = Disk::new();
    place(&files, other.path().parent().unwrap());
    other
}

#[test]
fn what_is_acknowledged_after_a_failed_sync_does_not_rest_on_what_was_forgotten() {
    let disk = Disk::new();
    disk.record();
    let full = play::open(&disk, Durability::Full).unwrap();
    let process = play::open(&disk, Durability::Process).unwrap();
    let (mut ours, mut others) = (Witness::default(), Witness::default());
    // What was not synced when it was acknowledged, such as this, or a sign of life.
    assert!(submit(&disk, &process, &mut others));
    disk.fail(Plan {
        fault: Fault::Io,
        at: 1,
        lasts: false,
        only: Some((Act::Sync, "-wal")),
    });
    assert!(!submit(&disk, &full, &mut Witness::default()));
    assert_eq!(disk.repair(), 1);
    assert!(submit(&disk, &full, &mut ours));
    let there = after_power_loss(&disk);
    let store = play::open(&there, Durability::Full).unwrap();
    let count = found(&store).unwrap().jobs.len();
    assert!(count >= 2, "what was acknowledged is not there");
    store.close().wait().unwrap();
}
