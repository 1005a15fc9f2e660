//! A process that is stopped in the middle of a write keeps the turn to write. Whoever waits for it
//! is told so, and goes on when the turn is given back.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::{Error, ErrorKind, Payload, State, Store, Submission, Submit, TaskOptions};
use bursar_store_sqlite::{SqliteOptions, SqliteStore};
use bursar_testkit::conformance::{Probe, Settings, job};
use bursar_testkit::{Folder, Puppet, Rig, until};
use rustix::process::Signal;

use crate::child::{Moment, another, go_on, signal, stop};
use crate::options;

/// More than the test needs to stop it meanwhile.
const FILL: &str = "fill 200";

/// Opens a store that soon gives up.
fn open_hasty(path: &Path) -> bursar_core::Result<SqliteStore> {
    let options = SqliteOptions {
        lease: Duration::from_millis(200),
        lease_grace: Duration::from_millis(100),
        ..options()
    };
    SqliteStore::open(path, options)
}

fn hasty(path: &Path) -> Arc<dyn Store> {
    Arc::new(open_hasty(path).unwrap())
}

/// Stops another process while it has the turn. Whoever else had it at that moment gives it back.
fn stop_in_a_write(other: &Puppet, path: &Path) {
    stop(other, path, Moment::InAWrite);
    while let Ok(store) = open_hasty(path) {
        store.close().wait().unwrap();
        go_on(other, path, Moment::InAWrite);
        stop(other, path, Moment::InAWrite);
    }
}

/// It must say who holds what.
fn check(error: &Error, other: &Puppet) {
    let said = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{said}");
    assert!(said.contains("jobs.db-lock") && said.contains("end it"));
    if cfg!(target_os = "linux") {
        let holder = format!("process {} ", other.process().id());
        assert!(said.contains(&holder), "{said}");
    }
}

#[test]
fn who_waits_for_it_is_told_and_nothing_is_lost() {
    let folder = Folder::new();
    let path = folder.join("jobs.db");
    let mut other = another(&path);
    let (here, leaves) = (hasty(&path), hasty(&path));
    let here = Probe::with(&|_| Arc::clone(&here), Settings::default());
    other.tell(FILL);
    stop_in_a_write(&other, &path);
    let before = here.tally().unfinished();
    for _ in 0..2 {
        let now = here.now();
        let jobs = [job()].into_iter().collect();
        let submitted = here.store.submit(Submit { now, jobs }).wait();
        check(&submitted.unwrap_err(), &other);
    }
    check(&open_hasty(&path).map(drop).unwrap_err(), &other);
    leaves.close().wait().unwrap();
    assert_eq!(here.tally().unfinished(), before);
    signal(&other, Signal::CONT);
    let filled: u64 = other.answer().parse().unwrap();
    here.add(job());
    assert_eq!(here.tally().unfinished(), filled + 1);
    here.store.close().wait().unwrap();
}

#[test]
fn jobs_go_on_once_it_has_ended() {
    let folder = Folder::new();
    let path = folder.join("jobs.db");
    let mut other = another(&path);
    let rig = Rig::builder().store(hasty(&path)).start();
    let job = rig.submit();
    let attempt = rig.script.next();
    other.tell(FILL);
    stop_in_a_write(&other, &path);
    rig.script.complete(&attempt);
    until("the store to be away", || rig.stats().paused.is_some());
    let call = Submission::new(rig.plan(TaskOptions::default()), Payload::Null);
    check(&rig.engine.submit([call]).wait().unwrap_err(), &other);
    other.kill();
    until("the end to be recorded", || {
        rig.clock.advance(Duration::from_secs(1));
        job.is_done()
    });
    assert_eq!(rig.final_state(&job), State::Completed);
    assert_eq!(rig.info(&job).attempts.len(), 1);
}

#[test]
fn nobody_else_is_taken_for_hung_meanwhile() {
    let folder = Folder::new();
    let path = folder.join("jobs.db");
    let mut other = another(&path);
    let rigs = [(); 2].map(|()| Rig::builder().store(hasty(&path)).start());
    // Either may run what one of them submits.
    let mut running = Vec::new();
    for rig in &rigs {
        let job = rig.submit();
        until("the job to run", || {
            let mut begun = rigs.iter().map(|at| (at, at.script.take()));
            let found = begun.find_map(|(at, attempt)| Some((at, attempt?)));
            running.extend(found.map(|(at, attempt)| (at, Arc::clone(&job), attempt)));
            running
                .last()
                .is_some_and(|(_, last, _)| last.id() == job.id())
        });
    }
    other.tell(FILL);
    stop_in_a_write(&other, &path);
    // Several times the patience of whoever looks whether the others live.
    for _ in 0..5 {
        check(&open_hasty(&path).map(drop).unwrap_err(), &other);
    }
    signal(&other, Signal::CONT);
    other.answer();
    for (at, job, attempt) in &running {
        at.script.complete(attempt);
        let ticket = at.engine.ticket(job.id()).wait().unwrap();
        assert_eq!(at.final_state(&ticket), State::Completed);
        assert_eq!(at.info(job).attempts.len(), 1, "it was taken for hung");
    }
}
