//! Another process beside this one, and what it is asked to do.

use std::path::Path;

use bursar_core::Store;
use bursar_testkit::Puppet;
use rusqlite::Connection;

use crate::{open, submit};

const PATH: &str = "BURSAR_TEST_TRAP";

/// A process beside this one.
pub(crate) fn another(path: &Path) -> Puppet {
    Puppet::start("child::plays_its_part", PATH, path)
}

/// Does nothing but in another process.
#[test]
fn plays_its_part() {
    let Some(path) = std::env::var_os(PATH) else {
        return;
    };
    Puppet::play(|word| match word {
        "lock" => lock(Path::new(&path)),
        _ => race(Path::new(&path)),
    });
}

/// Whether it gets the lock that SQLite gives to one writer at a time.
fn lock(path: &Path) -> String {
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(std::time::Duration::ZERO).unwrap();
    match connection.execute_batch("BEGIN IMMEDIATE") {
        Ok(()) => "got it".to_owned(),
        Err(error) => format!("{:?}", error.sqlite_error_code().unwrap()),
    }
}

/// Submits jobs through a store of its own.
fn race(path: &Path) -> String {
    let store = open(path);
    println!(">begins");
    let submitted = (0..300).map(|_| submit(&store)).filter(Result::is_ok);
    let submitted = submitted.count();
    store.close().wait().unwrap();
    submitted.to_string()
}
