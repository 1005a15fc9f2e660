//! A transaction that begins as a reader can't become a writer once another one has written: no
//! patience helps (sqlite.org/rescode.html, SQLITE_BUSY_SNAPSHOT).

use bursar_core::Store;
use bursar_testkit::Folder;
use rusqlite::{Connection, ffi};

use crate::{open, submit};

const COUNT: &str = "SELECT count(*) FROM job";
const WRITE: &str = "UPDATE counter SET sequence = sequence";

fn connect(folder: &Folder) -> Connection {
    let connection = Connection::open(folder.join("jobs.db")).unwrap();
    connection.busy_timeout(bursar_testkit::PATIENCE).unwrap();
    connection
}

fn count(connection: &Connection) -> i64 {
    connection.query_row(COUNT, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_deferred_begin_fails_at_its_first_write() {
    let folder = Folder::new();
    let store = open(&folder.join("jobs.db"));
    let connection = connect(&folder);
    connection.execute_batch("BEGIN DEFERRED").unwrap();
    assert_eq!(count(&connection), 0);
    submit(&store).unwrap();
    let error = connection.execute_batch(WRITE).unwrap_err();
    let code = error.sqlite_error().unwrap().extended_code;
    assert_eq!(code, ffi::SQLITE_BUSY_SNAPSHOT);
    connection.execute_batch("ROLLBACK").unwrap();
    // From the start a writer, it sees what it will change.
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(count(&connection), 1);
    connection.execute_batch(WRITE).unwrap();
    connection.execute_batch("COMMIT").unwrap();
    store.close().wait().unwrap();
}

#[test]
fn many_that_read_before_they_write_never_fail() {
    let folder = Folder::new();
    let path = folder.join("jobs.db");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let store = open(&path);
                for _ in 0..100 {
                    submit(&store).unwrap();
                }
                store.close().wait().unwrap();
            });
        }
    });
    assert_eq!(count(&connect(&folder)), 400);
}
