//! The file and its log stay bounded, and many may write at once.

#![allow(
    clippy::unwrap_used,
    reason = "a test helper that can't go on should stop the test"
)]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::{
    AttemptEnd, Claim, Finish, FinishedAttempt, JobFilter, NewJob, Next, Payload, Prune, Spec,
    State, Store, Submit, Timestamp,
};
use bursar_store_sqlite::{Durability, SqliteOptions, SqliteStore};
use bursar_testkit::Folder;
use bursar_testkit::conformance::{Probe, Settings, job, keyed};

const MINUTE: Duration = Duration::from_secs(60);

fn open(path: &Path) -> SqliteStore {
    let options = SqliteOptions {
        durability: Durability::Process,
        result_ttl: MINUTE,
        ..SqliteOptions::default()
    };
    SqliteStore::open(path, options).unwrap()
}

/// A job with a kilobyte of arguments and a demand of its own.
fn bulky(number: u64) -> NewJob {
    let plain = job();
    let demand = bursar_core::Demand {
        memory: number,
        ..Default::default()
    };
    let spec = Arc::new(Spec {
        demand,
        ..(*plain.spec).clone()
    });
    let args = Payload::json(vec![b'1'; 1_000]);
    NewJob {
        spec,
        args,
        ..plain
    }
}

/// Submits, runs and forgets jobs.
fn round(store: &SqliteStore, number: u64, count: u64) {
    let now = Timestamp::from_micros((1 + number) * 3_600_000_000);
    let jobs = (0..count).map(|one| bulky(number * count + one)).collect();
    let accepted = store.submit(Submit { now, jobs }).wait().unwrap();
    let jobs = accepted.iter().map(|job| job.sequence).collect();
    let worker = "worker".into();
    let claimed = store.claim(Claim { now, worker, jobs }).wait().unwrap();
    let attempts = claimed.iter().map(|job| FinishedAttempt {
        sequence: job.sequence,
        attempt: job.attempt,
        end: AttemptEnd::completed(Payload::json(vec![b'2'; 1_000])).into(),
        next: Next::End(State::Completed),
    });
    let attempts = attempts.collect();
    store.finish(Finish { now, attempts }).wait().unwrap();
    let (now, limit) = (now.after(MINUTE), usize::MAX);
    let pruned = store.prune(Prune { now, limit }).wait().unwrap();
    assert_eq!((pruned.removed as u64, pruned.next), (count, None));
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

fn log_of(path: &Path) -> std::path::PathBuf {
    path.with_extension("db-wal")
}

#[test]
fn the_file_and_its_log_do_not_grow_with_what_has_passed_through() {
    let folder = Folder::new();
    let path = folder.join("jobs.db");
    let store = open(&path);
    round(&store, 0, 2_000);
    let (mut file, mut log) = (0, 0);
    for number in 1..20 {
        round(&store, number, 2_000);
        (file, log) = (file.max(size(&path)), log.max(size(&log_of(&path))));
    }
    // Some 4 MB of payloads are there at a time.
    assert!(file < 24_000_000, "the file has grown to {file} bytes");
    assert!(log < 64 << 20, "the log has grown to {log} bytes");
    for number in 20..60 {
        round(&store, number, 1);
    }
    store.close().wait().unwrap();
    let (file, log) = (size(&path), size(&log_of(&path)));
    assert!(file < 4_000_000, "{file} bytes are left of the file");
    assert_eq!(log, 0, "something was left in the log");
    let connection = rusqlite::Connection::open(&path).unwrap();
    let count = |table: &str| {
        let statement = format!("SELECT count(*) FROM {table}");
        connection.query_row(&statement, [], |row| row.get::<_, i64>(0))
    };
    assert_eq!(count("job").unwrap(), 0);
    assert!(count("spec").unwrap() < 2_000, "specs are kept for nobody");
}

#[test]
fn what_is_said_of_a_job_goes_with_it() {
    let folder = Folder::new();
    let path = folder.join("jobs.db");
    let make = |_| Arc::new(open(&path)) as Arc<dyn Store>;
    let probe = Probe::with(&make, Settings::default());
    let one = probe.running(job());
    let line = bursar_core::LogLine {
        at: probe.now(),
        attempt: 1,
        level: "info".into(),
        message: "hello".into(),
    };
    let progress = bursar_core::Progress {
        percent: 1.0,
        message: None,
    };
    let checkpoint = bursar_core::NoteKind::Checkpoint(Payload::json(*b"7"));
    probe.note(one.sequence, 1, bursar_core::NoteKind::Log(line));
    probe.note(one.sequence, 1, bursar_core::NoteKind::Progress(progress));
    probe.note(one.sequence, 1, checkpoint);
    probe.end(one.sequence, 1, Next::Requeue);
    probe.start(one.sequence);
    probe.end(one.sequence, 2, Next::End(State::Completed));
    probe.pass(60);
    assert_eq!(probe.prune().removed, 1);
    probe.store.close().wait().unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    for table in ["job", "attempt", "log", "progress", "checkpoint", "spec"] {
        let statement = format!("SELECT count(*) FROM {table}");
        let left: i64 = connection
            .query_row(&statement, [], |row| row.get(0))
            .unwrap();
        assert_eq!(left, 0, "{table}");
    }
}

#[test]
fn many_write_to_one_file_at_once() {
    let folder = Folder::new();
    let path = folder.join("jobs.db");
    let make = |_| Arc::new(open(&path)) as Arc<dyn Store>;
    let probes: Vec<Probe> = (0..3)
        .map(|_| Probe::with(&make, Settings::default()))
        .collect();
    std::thread::scope(|scope| {
        for probe in &probes {
            for _ in 0..2 {
                scope.spawn(move || {
                    for number in 0..200 {
                        probe.add(keyed(&format!("key-{}", number / 2)));
                        let one = probe.add(job());
                        probe.start(one.sequence);
                        probe.end(one.sequence, 1, Next::End(State::Completed));
                    }
                });
            }
        }
    });
    for probe in &probes {
        let tally = probe.tally();
        let counted = (tally.of(State::Queued), tally.of(State::Completed));
        assert_eq!(counted, (100, 1_200));
        assert_eq!(probe.list(JobFilter::default()).len(), 1_300);
    }
}
