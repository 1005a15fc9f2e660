//! Rules of a store as a whole: what it says of itself, and its end.

use std::sync::Arc;

use bursar_core::{
    Cancel, Claim, Count, ErrorKind, Finish, Follow, Get, JobFilter, Note, NoteKind, Payload,
    Position, Promote, Prune, Ref, Result, Submit,
};

use super::probe::{Maker, Probe, cancelled, everything, job};

/// The name is a short word, and only what lives and ends with its process takes live objects.
pub fn capabilities_are_told(make: Maker<'_>) {
    let probe = Probe::new(make);
    let capabilities = probe.store.capabilities();
    assert!(!capabilities.name.is_empty());
    assert!(
        capabilities
            .name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase())
    );
    assert!(!(capabilities.durable && capabilities.live_payloads));
    assert_eq!(probe.store.capabilities(), capabilities);
}

/// After its close a store answers every request with `Closed`.
pub fn a_closed_store_refuses_everything(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.running(job());
    let (now, id, sequence) = (probe.now(), one.id, one.sequence);
    let store = Arc::clone(&probe.store);
    store.close().wait().unwrap();
    let (jobs, attempts) = ([job()].into_iter().collect(), std::iter::empty().collect());
    let claim = Claim {
        now,
        worker: "w".into(),
        jobs: [sequence].into_iter().collect(),
    };
    let note = Note {
        now,
        sequence,
        attempt: 1,
        kind: NoteKind::Checkpoint(Payload::Null),
    };
    let end = cancelled("too late").into();
    let logs = true;
    let filter = JobFilter::default();
    let reference = Ref { now, id };
    let limit = 1;
    refused("submit", store.submit(Submit { now, jobs }).wait());
    refused("claim", store.claim(claim).wait());
    refused("finish", store.finish(Finish { now, attempts }).wait());
    refused("note", store.note(note).wait());
    refused("cancel", store.cancel(Cancel { now, id, end }).wait());
    refused("promote", store.promote(Promote { now, limit }).wait());
    refused("retry", store.retry(reference).wait());
    refused("delete", store.delete(reference).wait());
    refused("get", store.get(Get { now, id, logs }).wait());
    refused("list", store.list(everything(1)).wait());
    refused("count", store.count(Count { filter }).wait());
    refused("tally", store.tally().wait());
    let from = Position::Unfinished(0);
    refused("follow", store.follow(Follow { from, limit }).wait());
    refused("prune", store.prune(Prune { now, limit }).wait());
}

/// What is submitted through this very store is not told to those who follow it.
pub fn nobody_follows_what_they_did_themselves(make: Maker<'_>) {
    let probe = Probe::new(make);
    probe.running(job());
    let (from, limit) = (Position::Unfinished(0), 10);
    let followed = probe.store.follow(Follow { from, limit }).wait().unwrap();
    assert!(followed.jobs.is_empty() && !followed.gap, "{followed:?}");
    assert!(matches!(followed.next, Position::Changed(_)));
}

fn refused<T>(what: &str, reply: Result<T>) {
    let kind = reply.err().map(|error| error.kind());
    assert_eq!(kind, Some(ErrorKind::Closed), "{what}");
}

/// A second close changes nothing.
pub fn closing_twice_is_fine(make: Maker<'_>) {
    let probe = Probe::new(make);
    probe.add(job());
    for _ in 0..2 {
        probe.store.close().wait().unwrap();
    }
}
