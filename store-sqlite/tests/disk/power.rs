//! Power losses at every point of a recorded day: what is acknowledged by then is there when the
//! power is back, and the file is whole.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use bursar_core::Store;
use bursar_store_sqlite::Durability;
use bursar_testkit::Seed;
use fastrand::Rng;

use crate::check::{flaws, found};
use crate::disk::{Disk, Event};
use crate::image::{Files, Image, Loss, place};
use crate::play::{self, Play};
use crate::witness::{Found, Known, Witness};

/// A day that was recorded.
pub(crate) struct Day {
    pub(crate) events: Vec<Event>,
    pub(crate) witness: Witness,
    pub(crate) disk: Disk,
}

impl Day {
    pub(crate) fn begin() -> Self {
        let disk = Disk::new();
        disk.record();
        Self {
            events: Vec::new(),
            witness: Witness::default(),
            disk,
        }
    }

    /// Opens the store, lets it work, and closes it.
    pub(crate) fn work(&mut self, durability: Durability, rounds: std::ops::Range<u64>) {
        let store = play::open(&self.disk, durability).unwrap();
        for round in rounds {
            // The one that also makes a copy is left out: that syncs what it has written itself.
            let round = round + 2;
            let (disk, witness) = (&self.disk, &mut self.witness);
            Play {
                disk,
                store: &store,
                witness,
                round,
            }
            .run();
        }
        store.close().wait().unwrap();
    }

    /// A round, a close, which moves the log into the file, and another round on what is there.
    pub(crate) fn usual(durability: Durability) -> Self {
        let mut day = Self::begin();
        day.work(durability, 0..1);
        day.work(durability, 1..2);
        day.ends()
    }

    pub(crate) fn ends(mut self) -> Self {
        assert_eq!(self.witness.refused, 0);
        self.events = self.disk.recorded();
        self
    }

    /// What was told by a position, the last at the end.
    fn known(&self, position: usize) -> Vec<&Known> {
        let marks = self.witness.marks.iter();
        let before = marks.take_while(|(at, _)| *at <= position);
        before.map(|(_, known)| known).collect()
    }
}

/// What must be there after a power loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Everything that was acknowledged.
    All,
    /// What was known at some moment before: only the last part may be missing.
    Prefix,
}

impl Promise {
    fn check(self, known: &[&Known], found: &Found) -> Result<(), String> {
        let nothing = Known::default();
        let last = known.last().copied().unwrap_or(&nothing);
        let now = last.check(found);
        match self {
            Self::All => now,
            Self::Prefix => {
                let mut moments = known.iter().rev().copied().chain([&nothing]);
                let any = moments.any(|known| known.check(found).is_ok());
                if any { Ok(()) } else { now }
            }
        }
    }
}

/// What came of the losses.
#[derive(Debug, Default)]
pub(crate) struct Tried {
    pub(crate) points: usize,
    pub(crate) images: usize,
    /// In how many of them something was missing that was acknowledged.
    pub(crate) behind: usize,
    pub(crate) losses: Vec<String>,
    pub(crate) flaws: Vec<String>,
}

/// Loses the power after each event, in each way.
pub(crate) fn lose_power(day: &Day, promise: Promise, random: &mut Rng) -> Tried {
    let (mut image, mut tried) = (Image::default(), Tried::default());
    let mut known_images = HashSet::new();
    for (number, event) in day.events.iter().enumerate() {
        image.apply(event);
        let position = number + 1;
        let known = day.known(position);
        tried.points += 1;
        for loss in [Loss::Nothing, Loss::All, Loss::PARTS[number % 2]] {
            let files = image.after(loss, random);
            if known_images.insert(fingerprint(&files, known.len())) {
                tried.one(&files, &known, promise, (position, loss));
            }
        }
    }
    tried
}

fn fingerprint(files: &Files, known: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    (files, known).hash(&mut hasher);
    hasher.finish()
}

impl Tried {
    fn one(
        &mut self,
        files: &Files,
        known: &[&Known],
        promise: Promise,
        (position, loss): (usize, Loss),
    ) {
        self.images += 1;
        let disk = Disk::new();
        place(files, disk.path().parent().unwrap());
        let store = match play::open(&disk, Durability::Full) {
            Ok(store) => store,
            Err(error) => return self.flaws.push(format!("{position} {loss:?}: {error}")),
        };
        let found = found(&store);
        store.close().wait().unwrap();
        let found = match found {
            Ok(found) => found,
            Err(error) => return self.flaws.push(format!("{position} {loss:?}: {error}")),
        };
        if Promise::All.check(known, &found).is_err() {
            self.behind += 1;
        }
        if let Err(loss_of) = promise.check(known, &found) {
            self.losses.push(format!("{position} {loss:?}: {loss_of}"));
        }
        let flaws = flaws(&disk.path()).into_iter();
        let named = flaws.map(|flaw| format!("{position} {loss:?}: {flaw}"));
        self.flaws.extend(named);
    }

    fn tell(&self, what: &str, seed: &Seed) {
        let Self {
            points,
            images,
            behind,
            losses,
            flaws,
        } = self;
        println!(
            "{what}: {images} images of {points} points, {behind} behind what was acknowledged, {} promises broken, {} damaged (seed {})",
            losses.len(),
            flaws.len(),
            seed.get()
        );
    }
}

#[test]
fn what_was_acknowledged_is_there_after_a_power_loss() {
    let seed = Seed::from_env();
    let day = Day::usual(Durability::Full);
    let tried = lose_power(&day, Promise::All, &mut seed.random());
    tried.tell("full", &seed);
    assert_eq!(tried.losses, [""; 0]);
    assert_eq!(tried.flaws, [""; 0]);
    assert!(tried.images > 200, "only {}", tried.images);
}

#[test]
fn only_the_last_part_is_missing_where_nobody_waited_for_the_disk() {
    let seed = Seed::from_env();
    let day = Day::usual(Durability::Process);
    let tried = lose_power(&day, Promise::Prefix, &mut seed.random());
    tried.tell("process", &seed);
    assert_eq!(tried.losses, [""; 0]);
    assert_eq!(tried.flaws, [""; 0]);
    assert!(tried.behind > 20, "it has waited for the disk");
}
