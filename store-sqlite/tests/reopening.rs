//! What was acknowledged is there when the file is opened again.

#![allow(
    clippy::unwrap_used,
    reason = "a test helper that can't go on should stop the test"
)]

use std::sync::Arc;

use bursar_core::{JobFilter, LogLine, Next, NoteKind, Payload, Progress, State, Store};
use bursar_store_sqlite::{Durability, SqliteOptions, SqliteStore};
use bursar_testkit::Folder;
use bursar_testkit::conformance::{Probe, Settings, due_at, expiring, job, keyed, view};

fn open(folder: &Folder, durability: Durability) -> Arc<dyn Store> {
    let options = SqliteOptions {
        durability,
        ..SqliteOptions::default()
    };
    Arc::new(SqliteStore::open(folder.join("jobs.db"), options).unwrap())
}

fn probe(folder: &Folder, durability: Durability) -> Probe {
    Probe::with(&|_| open(folder, durability), Settings::default())
}

/// One job of each kind, with everything that can be said of one.
fn fill(probe: &Probe) {
    probe.add(job());
    probe.add(keyed("waiting"));
    probe.add(due_at(probe.in_seconds(60)));
    probe.add(expiring(120));
    let noted = probe.running(keyed("running"));
    let notes = [
        NoteKind::Progress(Progress {
            percent: 40.5,
            message: Some("half".into()),
        }),
        NoteKind::Checkpoint(Payload::json(*b"[1, 2]")),
        NoteKind::Log(LogLine {
            at: probe.now(),
            attempt: 1,
            level: "info".into(),
            message: "hello".into(),
        }),
    ];
    for note in notes {
        probe.note(noted.sequence, 1, note);
    }
    let retrying = probe.running(keyed("retrying"));
    probe.end(retrying.sequence, 1, Next::Retry(probe.in_seconds(30)));
    for state in [State::Completed, State::Failed, State::Cancelled] {
        probe.ended(job(), state);
    }
}

fn survives(durability: Durability, close: impl Fn(Probe)) {
    let folder = Folder::new();
    let first = probe(&folder, durability);
    fill(&first);
    let before = first.all();
    close(first);
    let second = probe(&folder, durability);
    assert_eq!(second.all(), before);
    // What it has promised still holds.
    assert!(second.add(keyed("waiting")).deduplicated);
    assert!(second.add(keyed("retrying")).deduplicated);
    let known = second.list(JobFilter::default());
    let last = known.iter().map(|job| job.sequence).max();
    assert_eq!(Some(second.add(job()).sequence), last.map(|last| last + 1));
    second.pass(30);
    let promoted = second.promote().queued;
    let again = known
        .iter()
        .find(|job| job.unique.as_deref() == Some("retrying"));
    assert_eq!(promoted.len(), 1);
    assert_eq!(promoted[0].id, again.unwrap().id);
    let noted = known
        .iter()
        .find(|job| job.state == State::Running)
        .unwrap();
    second.end(noted.sequence, 1, Next::Requeue);
    let claimed = second.claim(&[noted.sequence]);
    let state = claimed[0].checkpoint.as_ref().and_then(Payload::as_json);
    assert_eq!((claimed[0].attempt, state), (2, Some(&b"[1, 2]"[..])));
    let failed = known.iter().find(|job| job.state == State::Failed).unwrap();
    assert!(second.retry(failed.id).is_ok());
}

#[test]
fn everything_survives_a_close() {
    for durability in [Durability::Full, Durability::Process] {
        survives(durability, |probe| probe.store.close().wait().unwrap());
    }
}

#[test]
fn everything_survives_without_a_close() {
    // Forgotten, as a process that is killed forgets it: nothing is moved out of the log.
    for durability in [Durability::Full, Durability::Process] {
        survives(durability, std::mem::forget);
    }
}

#[test]
fn two_that_have_the_file_open_see_the_same() {
    let folder = Folder::new();
    let (one, other) = (
        probe(&folder, Durability::Process),
        probe(&folder, Durability::Process),
    );
    let mut sequences = Vec::new();
    for number in 0..100 {
        let key = format!("key-{number}");
        sequences.push(one.add(job()).sequence);
        sequences.push(other.add(keyed(&key)).sequence);
        assert!(one.add(keyed(&key)).deduplicated);
        other.start(sequences[2 * number]);
        one.end(sequences[2 * number], 1, Next::End(State::Completed));
    }
    assert!(sequences.is_sorted_by(|one, next| one < next));
    assert_eq!(one.all(), other.all());
    let shown = |probe: &Probe| probe.list(JobFilter::default()).iter().map(view).count();
    assert_eq!((shown(&one), shown(&other)), (200, 200));
}
