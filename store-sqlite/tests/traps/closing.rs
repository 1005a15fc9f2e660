//! Whoever closes a file drops all locks of its process on it, also those of another copy of SQLite
//! (sqlite.org/howtocorrupt.html, 2.2): Python's own `sqlite3` is one.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use bursar_core::Store;
use bursar_testkit::Folder;
use rusqlite::Connection;

use crate::child::another;
use crate::{open, submit};

/// What another copy of SQLite does to the locks when it has had a look.
fn close_all(path: &Path) {
    for ending in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        drop(File::open(Path::new(&name)));
    }
}

fn whole(path: &Path) -> i64 {
    let connection = Connection::open(path).unwrap();
    let verdict: String = connection
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
    let count = connection.query_row("SELECT count(*) FROM job", [], |row| row.get(0));
    count.unwrap()
}

#[test]
fn two_write_at_once_where_only_sqlite_keeps_them_apart() {
    let folder = Folder::new();
    let path = folder.join("jobs.db");
    open(&path).close().wait().unwrap();
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut other = another(&path);
    assert_eq!(other.ask("lock"), "DatabaseBusy");
    close_all(&path);
    assert_eq!(other.ask("lock"), "got it", "the trap is gone");
}

#[test]
fn the_store_keeps_writers_apart_all_the_same() {
    let folder = Folder::new();
    let path = folder.join("jobs.db");
    let store = open(&path);
    let mut other = another(&path);
    assert_eq!(other.ask("race"), "begins");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                close_all(&path);
            }
        });
        for _ in 0..300 {
            submit(&store).unwrap();
        }
        assert_eq!(other.answer(), "300");
        done.store(true, Ordering::SeqCst);
    });
    store.close().wait().unwrap();
    assert_eq!(whole(&path), 600);
}
