//! A result in a file, on a disk that fails under the commit that names it, or forgets it: either the job
//! names the file, and it is there whole, or neither is.

use bursar_core::{
    AttemptEnd, ContentType, End, Finish, FinishedAttempt, Get, JobId, JobInfo, NewJob, Next, Ref,
    Result, SPILL_ABOVE, State, Store, Submit, Timestamp,
};
use bursar_store_sqlite::{Durability, SqliteStore};
use bursar_testkit::conformance::job;

use crate::disk::{Disk, Fault, Plan};
use crate::play;

fn now() -> Timestamp {
    Timestamp::from_micros(1_767_225_600_000_000)
}

/// A job that runs, and the end that names the file of its result.
fn written(store: &SqliteStore) -> (JobId, u64, End) {
    let worker = Some("worker".into());
    let jobs = [NewJob { worker, ..job() }].into_iter().collect();
    let one = store.submit(Submit { now: now(), jobs }).wait().unwrap()[0];
    let folder = store.capabilities().spill.unwrap();
    let mut writer = folder.writer(one.id, 1, "result").unwrap();
    writer.append(&vec![b'7'; SPILL_ABOVE + 1]).unwrap();
    let result = writer.finish().unwrap().into_payload(ContentType::Json);
    (one.id, one.sequence, AttemptEnd::completed(result).into())
}

fn finish(store: &SqliteStore, sequence: u64, end: &End) -> Result<()> {
    let attempts = [FinishedAttempt {
        sequence,
        attempt: 1,
        end: end.clone(),
        next: Next::End(State::Completed),
    }];
    let attempts = attempts.into_iter().collect();
    store
        .finish(Finish {
            now: now(),
            attempts,
        })
        .wait()
        .map(drop)
}

fn find(store: &SqliteStore, id: JobId) -> Option<JobInfo> {
    let logs = true;
    store
        .get(Get {
            now: now(),
            id,
            logs,
        })
        .wait()
        .unwrap()
}

fn files(store: &SqliteStore) -> usize {
    store.capabilities().spill.unwrap().files().unwrap().len()
}

fn fail(disk: &Disk, fault: Fault, at: u64) {
    disk.fail(Plan {
        fault,
        at,
        lasts: false,
        only: None,
    });
}

/// The end is recorded under a fault, and again after it, as an engine does. Whether it came to the fault.
fn ends_at(fault: Fault, at: u64) -> bool {
    let disk = Disk::new();
    let store = play::open(&disk, Durability::Full).unwrap();
    let (id, sequence, end) = written(&store);
    fail(&disk, fault, at);
    let told = finish(&store, sequence, &end).is_ok();
    let failed = disk.repair() > 0;
    if !told {
        finish(&store, sequence, &end).unwrap();
    }
    let check = |store: &SqliteStore| {
        let info = find(store, id).unwrap();
        assert!(info.result.unwrap().read().is_ok(), "{fault:?} at {at}");
        assert_eq!(files(store), 1, "{fault:?} at {at}");
    };
    check(&store);
    store.close().wait().unwrap();
    check(&play::open(&disk, Durability::Full).unwrap());
    failed
}

/// The job is deleted under a fault. Whether it came to the fault.
fn goes_at(fault: Fault, at: u64) -> bool {
    let disk = Disk::new();
    let store = play::open(&disk, Durability::Full).unwrap();
    let (id, sequence, end) = written(&store);
    finish(&store, sequence, &end).unwrap();
    fail(&disk, fault, at);
    let told = store.delete(Ref { now: now(), id }).wait().is_ok();
    let failed = disk.repair() > 0;
    store.close().wait().unwrap();
    let store = play::open(&disk, Durability::Full).unwrap();
    match find(&store, id) {
        Some(info) => assert!(
            !told && info.result.unwrap().read().is_ok(),
            "{fault:?} at {at}"
        ),
        None => assert_eq!(files(&store), 0, "{fault:?} at {at}"),
    }
    failed
}

#[test]
fn a_file_is_there_exactly_while_its_job_names_it() {
    for fault in [Fault::Full, Fault::Io, Fault::Short] {
        let points = (1..).take_while(|at| ends_at(fault, *at)).count();
        let more = (1..).take_while(|at| goes_at(fault, *at)).count();
        assert!(
            points > 1 && more > 1,
            "{fault:?}: it came to {points} and {more}"
        );
        println!("{fault:?}: {points} fault points at an end, {more} at a delete");
    }
}
