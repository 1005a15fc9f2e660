//! The store as the referee sees it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::{JobFilter, JobInfo, List, Order, Store};
use bursar_store_sqlite::{Durability, SqliteOptions, SqliteStore};

use crate::outcome::Outcome;

/// How many jobs are read at once.
const PAGE: usize = 1_000;

/// Opens the store. The referee gives others a long time: it is not the one to judge them.
///
/// # Errors
/// Those of the store.
pub fn open(path: &Path) -> Outcome<Arc<SqliteStore>> {
    let options = SqliteOptions {
        durability: Durability::Process,
        lease: Duration::from_secs(600),
        ..SqliteOptions::default()
    };
    Ok(Arc::new(SqliteStore::open(path, options)?))
}

/// Every job.
pub(super) fn jobs(store: &SqliteStore) -> Outcome<Vec<JobInfo>> {
    let (mut jobs, mut after) = (Vec::new(), None);
    loop {
        let page = store.list(List {
            filter: JobFilter::default(),
            order: Order::Oldest,
            limit: PAGE,
            offset: 0,
            after,
        });
        let page = page.wait()?;
        jobs.extend(page.jobs);
        after = page.next;
        if after.is_none() {
            return Ok(jobs);
        }
    }
}

/// What is on record of the jobs, to be compared.
pub(super) fn records(store: &SqliteStore) -> Outcome<Vec<String>> {
    let jobs = jobs(store)?;
    let record = |job: &JobInfo| {
        let result = job.result.as_ref().and_then(|result| result.as_json());
        let result = result.map(String::from_utf8_lossy);
        let (id, state, attempt) = (job.id, job.state, job.attempt);
        let ended = job.finished.map(|at| at.micros());
        format!(
            "{id} {state:?} {attempt} {ended:?} {result:?} {:?}",
            job.outcome
        )
    };
    Ok(jobs.iter().map(record).collect())
}
