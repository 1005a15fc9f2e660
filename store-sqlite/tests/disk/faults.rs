//! A fault at each act of the disk in turn, until the work is done without coming to it.

use std::path::PathBuf;

use bursar_core::{Result, Store};
use bursar_store_sqlite::{Durability, SqliteStore};
use bursar_testkit::Seed;

use crate::check::{assert_whole, found};
use crate::disk::{Disk, Fault, Plan};
use crate::image::{Files, place};
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
    backups: Vec<PathBuf>,
}

/// A folder with a store in it, and what is known of that.
#[derive(Default)]
struct Template {
    files: Files,
    witness: Witness,
}

impl Template {
    /// A store that was used, and closed.
    fn filled() -> Self {
        let mut case = Case::new(&Self::default());
        let store = case.open().unwrap();
        case.smooth_round(&store, 0);
        store.close().wait().unwrap();
        let bytes = std::fs::read(case.disk.path()).unwrap();
        let files = [("jobs.db".to_owned(), bytes)].into_iter().collect();
        Self {
            files,
            witness: case.witness,
        }
    }
}

impl Case {
    fn new(template: &Template) -> Self {
        let disk = Disk::new();
        place(&template.files, disk.path().parent().unwrap());
        Self {
            disk,
            witness: template.witness.clone(),
            backups: Vec::new(),
        }
    }

    fn open(&self) -> Result<SqliteStore> {
        play::open(&self.disk, Durability::Full)
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
                    // Whether it was acknowledged is known to the witness.
                    let _ = self.play(&store, 1).begin();
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
        let store = self.work_under(plan, filled);
        let failed = self.disk.repair();
        if !plan.lasts {
            assert!(self.witness.refused <= 1, "one fault was told twice");
        }
        self.go_on(store);
        failed > 0
    }
}

/// Faults that last are like those that come once at each of the later points: every third is
/// enough at a time, and chance says which.
fn sweep(fault: Fault, lasts: bool) {
    let seed = Seed::from_env();
    let (first, step) = if lasts {
        (1 + seed.get() % 3, 3)
    } else {
        (1, 1)
    };
    let mut swept = Swept::default();
    let templates = [Template::default(), Template::filled()];
    for (filled, template) in [false, true].into_iter().zip(&templates) {
        for at in (first..).step_by(step) {
            let plan = Plan {
                fault,
                at,
                lasts,
                only: None,
            };
            let mut case = Case::new(template);
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
