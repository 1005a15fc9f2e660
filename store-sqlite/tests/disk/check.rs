//! What is found in a store, and whether its file is whole.

use std::path::Path;

use bursar_core::{Get, JobFilter, JobInfo, List, Order, Payload, Result, Store, Timestamp};
use bursar_store_sqlite::SqliteStore;
use rusqlite::Connection;

use crate::play::args;
use crate::witness::{Found, Look};

/// Reads everything, through the store's own reads.
///
/// # Errors
/// Those of the store.
pub(crate) fn read(store: &SqliteStore) -> Result<Vec<JobInfo>> {
    let request = List {
        filter: JobFilter::default(),
        order: Order::Oldest,
        limit: usize::MAX,
        offset: 0,
        after: None,
    };
    let listed = store.list(request).wait()?;
    let mut jobs = Vec::new();
    for job in listed.jobs {
        let (now, id, logs) = (Timestamp::from_micros(1), job.id, true);
        jobs.extend(store.get(Get { now, id, logs }).wait()?);
    }
    Ok(jobs)
}

/// What is there, each job whole.
///
/// # Errors
/// Those of the store.
pub(crate) fn found(store: &SqliteStore) -> Result<Found> {
    let mut found = Found::default();
    for job in read(store)? {
        let (tag, of) = whose(&job);
        found.of.insert(tag, of);
        found.jobs.insert(job.sequence, (tag, Look::of(&job)));
    }
    Ok(found)
}

/// The submit that a job is of, by its arguments, which must be whole.
fn whose(job: &JobInfo) -> (u64, usize) {
    let text = job.args.as_json().unwrap();
    let (tag, number, of, _): (u64, usize, usize, String) = serde_json::from_slice(text).unwrap();
    let whole = args(tag, number, of);
    assert_eq!(whole.as_json(), Payload::as_json(&job.args));
    (tag, of)
}

/// Each finds nothing in a file that is whole.
const FLAWS: [(&str, &str); 9] = [
    (
        "a tally that is wrong",
        "SELECT state FROM tally WHERE jobs <> (SELECT count(*) FROM job WHERE job.state = tally.state)",
    ),
    (
        "a block that is counted wrongly, or says wrongly when its first job is to be forgotten",
        "SELECT sequence / 64, sum(forget IS NULL), min(forget) FROM job GROUP BY sequence / 64
        EXCEPT SELECT number, unfinished, forget FROM block",
    ),
    (
        "a block of no jobs",
        "SELECT number FROM block WHERE number NOT IN (SELECT sequence / 64 FROM job)",
    ),
    (
        "what runs is counted wrongly",
        "SELECT worker, sequence / 64, count(*) FROM job WHERE state = 3 GROUP BY worker, sequence / 64
        EXCEPT SELECT worker, block, jobs FROM running",
    ),
    (
        "a block of which nothing runs",
        "SELECT worker, block FROM running
        EXCEPT SELECT worker, sequence / 64 FROM job WHERE state = 3",
    ),
    (
        "a declaration that is counted wrongly",
        "SELECT id FROM spec WHERE jobs <> (SELECT count(*) FROM job WHERE job.spec = spec.id)",
    ),
    (
        "a job without its declaration",
        "SELECT sequence FROM job WHERE spec NOT IN (SELECT id FROM spec)",
    ),
    (
        "a number that may be given out again",
        "SELECT sequence FROM counter WHERE sequence < (SELECT max(sequence) FROM job)",
    ),
    (
        "an attempt of a worker that is not known",
        "SELECT sequence FROM job WHERE worker IS NOT NULL AND worker NOT IN (SELECT id FROM worker)",
    ),
];

/// Looks into the file of a store that is closed. What is wrong with it.
pub(crate) fn flaws(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let mut flaws = Vec::new();
    let verdict: String = connection
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .unwrap();
    if verdict != "ok" {
        flaws.push(verdict);
    }
    let foreign = ("a row without its job", "PRAGMA foreign_key_check");
    for (flaw, statement) in FLAWS.into_iter().chain([foreign]) {
        let mut statement = connection.prepare(statement).unwrap();
        if statement.exists([]).unwrap() {
            flaws.push(flaw.to_owned());
        }
    }
    flaws
}

/// The file is whole.
pub(crate) fn assert_whole(path: &Path) {
    let flaws = flaws(path);
    assert!(flaws.is_empty(), "{}: {flaws:?}", path.display());
}
