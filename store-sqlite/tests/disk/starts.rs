//! A submit whose job begins with it, on a disk that fails: nothing runs that nobody was told to run.

use bursar_core::{JobFilter, List, NewJob, Order, Result, State, Store, Submit, Timestamp};
use bursar_store_sqlite::{Durability, SqliteStore};
use bursar_testkit::conformance::job;

use crate::disk::{Disk, Fault, Plan};
use crate::play;

/// Whether it was acknowledged, and has begun.
fn begins(store: &SqliteStore) -> Result<()> {
    let worker = Some("worker".into());
    let jobs = [NewJob { worker, ..job() }].into_iter().collect();
    let now = Timestamp::from_micros(1_767_225_600_000_000);
    let submitted = store.submit(Submit { now, jobs }).wait()?;
    assert_eq!(submitted[0].state, State::Running);
    Ok(())
}

fn running(store: &SqliteStore) -> usize {
    let listed = store.list(List {
        filter: JobFilter::default().state(State::Running),
        order: Order::default(),
        limit: 10,
        offset: 0,
        after: None,
    });
    listed.wait().unwrap().jobs.len()
}

/// Whether it came to the fault.
fn fails_at(fault: Fault, at: u64) -> bool {
    let disk = Disk::new();
    let store = play::open(&disk, Durability::Full).unwrap();
    begins(&store).unwrap();
    disk.fail(Plan {
        fault,
        at,
        lasts: false,
        only: None,
    });
    let told = usize::from(begins(&store).is_ok());
    let failed = disk.repair() > 0;
    begins(&store).unwrap();
    assert_eq!(running(&store), 2 + told, "{fault:?} at {at}");
    store.close().wait().unwrap();
    failed
}

#[test]
fn nothing_runs_that_was_not_acknowledged() {
    for fault in [Fault::Full, Fault::Io, Fault::Short] {
        let points = (1..).take_while(|at| fails_at(fault, *at)).count();
        assert!(points > 1, "{fault:?}: it came to {points}");
        println!("{fault:?}: {points} fault points");
    }
}
