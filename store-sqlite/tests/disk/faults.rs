//! A fault at each act of the disk in turn, until the work is done without coming to it.

use std::path::PathBuf;

use bursar_core::{Result, Store};
use bursar_store_sqlite::{Durability, SqliteStore};

use crate::check::{assert_whole, found};
use crate::disk::{Disk, Fault, Plan};
use crate::play::{self, Play};
use crate::trouble::told;
use crate::witness::Witness;

/// What a sweep has come by.
#[derive(Debug, Default)]
struct Swept {
    points: u64,
    acknowledged: usize,
    refused: usize,
}

/// One fault and what comes after it.
struct Case {
    disk: Disk,
    witness: Witness,
    durability: Durability,
    backups: Vec<PathBuf>,
}

impl Case {
    fn new(durability: Durability) -> Self {
        Self {
            disk: Disk::new(),
            witness: Witness::default(),
            durability,
            backups: Vec::new(),
        }
    }

    fn open(&self) -> Result<SqliteStore> {
        play::open(&self.disk, self.durability)
    }

    fn play<'a>(&'a mut self, store: &'a SqliteStore, round: u64) -> Play<'a> {
        Play {
            disk: &self.disk,
            store,
            witness: &mut self.witness,
            round,
        }
    }

    fn round(&mut self, store: &SqliteStore, round: u64) {
        let backup = self.play(store, round).run();
        self.backups.extend(backup);
    }

    /// A round with nothing in its way.
    fn smooth_round(&mut self, store: &SqliteStore, round: u64) {
        let refused = self.witness.refused;
        self.round(store, round);
        assert_eq!(self.witness.refused, refused, "it does not go on");
    }

    fn check(&self, store: &SqliteStore) {
        let found = found(store).unwrap();
        self.witness.known.check(&found).unwrap();
    }

    /// Under the fault: opens the store where that can be done, and lets it work.
    fn work_under(&mut self, plan: Plan, filled: bool) -> Option<SqliteStore> {
        self.disk.fail(plan);
        let store = self.open();
        match store {
            Ok(store) => {
                if filled {
                    self.round(&store, 1);
                } else {
                    self.play(&store, 1).begin();
                }
                if plan.lasts {
                    return Some(store);
                }
                // The fault may come at the end.
                store.close().wait().unwrap();
            }
            Err(error) => {
                told(&error, &self.disk.path());
                self.witness.refused += 1;
            }
        }
        None
    }

    /// The disk works again: so does the store, and all is there.
    fn go_on(&mut self, store: Option<SqliteStore>) {
        let store = store.unwrap_or_else(|| self.open().unwrap());
        self.check(&store);
        self.smooth_round(&store, 2);
        self.check(&store);
        store.close().wait().unwrap();
        let again = self.open().unwrap();
        self.check(&again);
        again.close().wait().unwrap();
        assert_whole(&self.disk.path());
        self.backups.iter().for_each(|path| assert_whole(path));
        assert_eq!(self.disk.misused(), [""; 0], "used after an I/O error");
    }

    /// Whether it came to the fault.
    fn run(&mut self, plan: Plan, filled: bool) -> bool {
        if filled {
            let store = self.open().unwrap();
            self.smooth_round(&store, 0);
            store.close().wait().unwrap();
        }
        let store = self.work_under(plan, filled);
        let failed = self.disk.repair();
        if !plan.lasts {
            assert!(self.witness.refused <= 1, "one fault was told twice");
        }
        self.go_on(store);
        failed > 0
    }
}

fn sweep(fault: Fault, lasts: bool) {
    let mut swept = Swept::default();
    for filled in [false, true] {
        for at in 1.. {
            let plan = Plan {
                fault,
                at,
                lasts,
                only: None,
            };
            let mut case = Case::new(Durability::Full);
            if !case.run(plan, filled) {
                break;
            }
            swept.points += 1;
            swept.acknowledged += case.witness.acknowledged;
            swept.refused += case.witness.refused;
        }
    }
    let Swept {
        points,
        acknowledged,
        refused,
    } = swept;
    println!(
        "{fault:?}, lasting {lasts}: {points} fault points swept, {acknowledged} requests acknowledged, {refused} refused, 0 rows lost"
    );
    assert!(points > 30 && refused > 20, "it came to few: {points}");
}

#[test]
fn a_disk_that_is_full_once() {
    sweep(Fault::Full, false);
}

#[test]
fn a_disk_that_stays_full() {
    sweep(Fault::Full, true);
}

#[test]
fn a_disk_that_fails_once() {
    sweep(Fault::Io, false);
}

#[test]
fn a_disk_that_fails_from_then_on() {
    sweep(Fault::Io, true);
}

#[test]
fn a_write_that_is_cut_short_once() {
    sweep(Fault::Short, false);
}
