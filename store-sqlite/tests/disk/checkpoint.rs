//! A disk that fails while the log is moved into the file. SQLite tells nobody, since what was
//! committed is in the log: it must stay there until a later attempt succeeds.

use bursar_core::{NewJob, Payload, Store, Submit, Timestamp};
use bursar_store_sqlite::{Durability, SqliteStore};
use bursar_testkit::conformance::job;
use rusqlite::Connection;

use crate::check::assert_whole;
use crate::disk::{Act, Disk, Fault, Plan};
use crate::play;

/// More than the log takes before it is moved, in bytes.
const LARGE: usize = 17 << 20;

fn submit(store: &SqliteStore, size: usize) {
    let args = Payload::json(vec![b'1'; size]);
    let jobs = [NewJob { args, ..job() }].into_iter().collect();
    let now = Timestamp::from_micros(1_000_000);
    store.submit(Submit { now, jobs }).wait().unwrap();
}

fn sizes(disk: &Disk) -> Vec<i64> {
    let connection = Connection::open(disk.path()).unwrap();
    let mut statement = connection
        .prepare("SELECT length(args) FROM job ORDER BY sequence")
        .unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

fn fails_at(act: Act, at: u64) {
    let disk = Disk::new();
    let store = play::open(&disk, Durability::Full).unwrap();
    submit(&store, 10);
    disk.fail(Plan {
        fault: Fault::Io,
        at,
        lasts: false,
        only: Some((act, "jobs.db")),
    });
    submit(&store, LARGE);
    assert_eq!(disk.repair(), 1, "the log was not moved");
    submit(&store, 20);
    store.close().wait().unwrap();
    assert_eq!(sizes(&disk), [10, LARGE as i64, 20]);
    assert_whole(&disk.path());
}

#[test]
fn a_write_fails_while_the_log_is_moved() {
    fails_at(Act::Write, 1_000);
}

#[test]
fn a_sync_fails_while_the_log_is_moved() {
    fails_at(Act::Sync, 1);
}
