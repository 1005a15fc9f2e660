//! Many stores on one file: in one process, and in many.

#![allow(
    clippy::unwrap_used,
    reason = "a test helper that can't go on should stop the test"
)]

mod child;
mod following;
mod outputs;
mod processes;
mod stopped;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use bursar_core::{Follow, Followed, Position, Result, Store};
use bursar_store_sqlite::{Durability, SqliteOptions, SqliteStore};
use bursar_testkit::conformance::{Probe, Settings};
use bursar_testkit::{Folder, PATIENCE};

fn options() -> SqliteOptions {
    SqliteOptions {
        durability: Durability::Process,
        lease: Duration::from_secs(2),
        lease_grace: Duration::from_secs(1),
        ..SqliteOptions::default()
    }
}

fn open(path: &Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(path, options()).unwrap())
}

fn probe(folder: &Folder) -> Probe {
    let path = folder.join("jobs.db");
    Probe::with(&|_| open(&path), Settings::default())
}

/// Asks for what is next, and does not wait.
fn ask(store: &Arc<dyn Store>, from: Position, limit: usize) -> Receiver<Result<Followed>> {
    let (send, receive) = channel();
    let reply = store.follow(Follow { from, limit });
    std::thread::spawn(move || send.send(reply.wait()));
    receive
}

fn follow(store: &Arc<dyn Store>, from: Position, limit: usize) -> Followed {
    let asked = ask(store, from, limit);
    asked.recv_timeout(PATIENCE).unwrap().unwrap()
}

/// Reads all pages; where the changes begin.
fn caught_up(store: &Arc<dyn Store>) -> Position {
    let mut from = Position::Unfinished(0);
    while matches!(from, Position::Unfinished(_)) {
        from = follow(store, from, 100).next;
    }
    from
}

fn sequences(followed: &Followed) -> Vec<u64> {
    followed.jobs.iter().map(|job| job.sequence).collect()
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
