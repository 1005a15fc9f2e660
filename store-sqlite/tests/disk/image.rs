//! What could be on a disk after a power loss: what was synced, and any part of what was not.

use std::collections::BTreeMap;
use std::path::Path;

use fastrand::Rng;

use crate::disk::Event;

/// What a disk writes in one piece, in bytes.
const SECTOR: usize = 512;

/// What becomes of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Nothing is lost: the system had written all of it, or only the process was killed.
    Nothing,
    /// All of it is.
    All,
    /// Each write is there or not.
    Some,
    /// Each sector of each write is there or not.
    Torn,
}

impl Loss {
    /// Those that chance decides.
    pub(crate) const PARTS: [Self; 2] = [Self::Some, Self::Torn];
}

/// A change of a file that was not synced.
#[derive(Clone, Debug)]
enum Change {
    Write { at: u64, bytes: Vec<u8> },
    Truncate { size: u64 },
}

/// A file: what is on the disk of it, and what is not for sure.
#[derive(Clone, Debug, Default)]
struct Medium {
    synced: Vec<u8>,
    pending: Vec<Change>,
}

/// A change of the folder that was not synced.
#[derive(Clone, Debug)]
enum Entry {
    Made { name: String, file: usize },
    Removed { name: String },
}

/// A folder on a disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Image {
    files: Vec<Medium>,
    /// What names stand for, as programs see it, and as it is on the disk for sure.
    seen: BTreeMap<String, usize>,
    synced: BTreeMap<String, usize>,
    pending: Vec<Entry>,
}

/// Files by their names.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

impl Image {
    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::Create { name } => self.create(name),
            Event::Write { name, at, bytes } => {
                let (at, bytes) = (*at, bytes.clone());
                self.file(name).pending.push(Change::Write { at, bytes });
            }
            Event::Truncate { name, size } => {
                let size = *size;
                self.file(name).pending.push(Change::Truncate { size });
            }
            Event::Sync { name, folder } => self.sync(name, *folder),
            Event::Forget { name } => self.file(name).pending.clear(),
            Event::Delete { name, folder } => self.delete(name, *folder),
        }
    }

    fn file(&mut self, name: &str) -> &mut Medium {
        let file = self.seen[name];
        &mut self.files[file]
    }

    fn create(&mut self, name: &str) {
        let file = self.files.len();
        self.files.push(Medium::default());
        self.seen.insert(name.to_owned(), file);
        let name = name.to_owned();
        self.pending.push(Entry::Made { name, file });
    }

    fn sync(&mut self, name: &str, folder: bool) {
        self.file(name).sync();
        if folder {
            self.sync_folder();
        }
    }

    fn sync_folder(&mut self) {
        for entry in std::mem::take(&mut self.pending) {
            entry.apply(&mut self.synced);
        }
    }

    fn delete(&mut self, name: &str, folder: bool) {
        self.seen.remove(name);
        let name = name.to_owned();
        self.pending.push(Entry::Removed { name });
        if folder {
            self.sync_folder();
        }
    }

    /// What is found when the power is back.
    pub(crate) fn after(&self, loss: Loss, random: &mut Rng) -> Files {
        let mut names = self.synced.clone();
        for entry in &self.pending {
            if loss.keeps(random) {
                entry.apply(&mut names);
            }
        }
        let files = names.into_iter();
        files
            .map(|(name, file)| (name, self.files[file].after(loss, random)))
            .collect()
    }
}

impl Entry {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Made { name, file } => names.insert(name.clone(), *file),
            Self::Removed { name } => names.remove(name),
        };
    }
}

impl Loss {
    fn keeps(self, random: &mut Rng) -> bool {
        match self {
            Self::Nothing => true,
            Self::All => false,
            Self::Some | Self::Torn => random.bool(),
        }
    }
}

impl Medium {
    fn sync(&mut self) {
        for change in std::mem::take(&mut self.pending) {
            change.apply(&mut self.synced);
        }
    }

    fn after(&self, loss: Loss, random: &mut Rng) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        for change in &self.pending {
            match change {
                Change::Write { at, bytes: written } if loss == Loss::Torn => {
                    tear(*at, written, random, &mut bytes);
                }
                _ if loss.keeps(random) => change.apply(&mut bytes),
                _ => {}
            }
        }
        bytes
    }
}

/// Writes some of the sectors of a write.
fn tear(at: u64, written: &[u8], random: &mut Rng, to: &mut Vec<u8>) {
    let (mut at, mut left) = (at, written);
    while !left.is_empty() {
        let room = SECTOR - at as usize % SECTOR;
        let (sector, rest) = left.split_at(room.min(left.len()));
        if random.bool() {
            put(at, sector, to);
        }
        at += sector.len() as u64;
        left = rest;
    }
}

fn put(at: u64, written: &[u8], to: &mut Vec<u8>) {
    let (from, end) = (at as usize, at as usize + written.len());
    to.resize(to.len().max(end), 0);
    to[from..end].copy_from_slice(written);
}

impl Change {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => put(*at, bytes, to),
            Self::Truncate { size } => to.resize(*size as usize, 0),
        }
    }
}

/// Puts files into a folder.
pub(crate) fn place(files: &Files, folder: &Path) {
    for (name, bytes) in files {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}
